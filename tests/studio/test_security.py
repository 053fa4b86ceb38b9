"""A page elsewhere cannot drive the studio, off loopback a token is asked for, and no answer tells too much."""

import re

import pytest
from starlette.testclient import TestClient

from fittingroom.errors import UsageError
from fittingroom.studio import data_routes
from fittingroom.studio.asgi import build_app
from fittingroom.studio.state import Studio
from fittingroom.web.security import Access, public_address

OWN = "http://127.0.0.1:8765"


@pytest.fixture
def open_door(studio):
    """A studio that other machines can reach."""
    access = Access("0.0.0.0", 8765)
    app = build_app(Studio(access, studio.runs, studio.registry))
    with TestClient(app, base_url="http://192.168.1.5:8765", follow_redirects=False) as client:
        yield client, access


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1:1", "127.0.0.1", "a@127.0.0.1:8765", ""]
)
def test_a_host_header_of_another_name_or_port_is_refused(visitor, host):
    answer = visitor.get("/api/about", headers={"host": host})
    assert answer.status_code == 403
    assert "Host header names another machine" in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765"])
def test_the_loopback_names_are_known(visitor, host):
    assert visitor.get("/api/about", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://localhost:8765"])
def test_a_page_of_another_origin_is_refused(visitor, origin):
    answer = visitor.get("/api/about", headers={"origin": origin})
    assert answer.status_code == 403
    assert "page elsewhere" in answer.json()["error"]["message"]


def test_a_request_that_the_browser_marks_as_cross_site_is_refused_though_a_link_may_open_the_page(visitor):
    assert visitor.get("/api/about", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert visitor.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_what_changes_state_needs_the_cookie_that_the_page_sets(studio):
    with TestClient(build_app(studio), base_url=OWN) as stranger:
        assert stranger.post("/api/anything").status_code == 401
        stranger.get("/")
        assert stranger.post("/api/anything").status_code in (404, 405)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(studio):
    with TestClient(build_app(studio), base_url=OWN) as client:
        cookie = client.get("/").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.casefold()
    assert "Secure" not in cookie  # a plain address would never show it again


def test_off_loopback_nothing_is_shown_without_the_token(open_door):
    client, access = open_door
    for path in ("/", "/api/about", "/static/icon.svg", "/?token=wrong"):
        assert client.get(path).status_code == 401, path
    assert access.token not in client.get("/").text


def test_off_loopback_the_printed_address_trades_the_token_for_a_cookie(open_door):
    client, access = open_door
    answer = client.get(f"/?token={access.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/").status_code == 200
    assert client.get("/api/about").status_code == 200


def test_off_loopback_a_bearer_token_works_for_scripts(open_door):
    client, access = open_door
    assert client.get("/api/about", headers={"authorization": f"Bearer {access.token}"}).status_code == 200
    assert client.get("/api/about", headers={"authorization": "Bearer x"}).status_code == 401


def test_off_loopback_a_name_that_was_pointed_here_is_refused(open_door):
    client, access = open_door
    headers = {"host": "evil.example:8765", "authorization": f"Bearer {access.token}"}
    assert client.get("/api/about", headers=headers).status_code == 403


def test_the_address_holds_the_token_only_off_loopback():
    assert "token" not in Access("127.0.0.1", 8765).address
    assert "token=" in Access("0.0.0.0", 8765).address


def test_the_policy_lets_nothing_in_from_elsewhere(visitor):
    for path in ("/", "/api/about", "/static/js/main.js", "/api/nothing"):
        policy = visitor.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


PATHS = [
    "../app.py",
    "%2e%2e/app.py",
    "..%2fapp.py",
    "....//app.py",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "js/../../app.py",
    "a%00b",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leaves_the_static_folder(visitor, path):
    answer = visitor.get(f"/static/{path}")
    assert answer.status_code in (404, 405)
    assert "def build_app" not in answer.text
    assert "root:" not in answer.text


def test_a_fault_of_ours_tells_neither_traceback_nor_path(studio, monkeypatch):

    def broken(*arguments):
        raise RuntimeError("/secret/place broke")

    monkeypatch.setattr(data_routes, "describe", broken)
    with TestClient(build_app(studio), base_url=OWN, raise_server_exceptions=False) as client:
        answer = client.get("/api/datasets/bars")
    assert answer.status_code == 500
    assert "our mistake" in answer.json()["error"]["message"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


@pytest.fixture
def knock(studio):
    """Return a function that opens a studio with some access, and a client of it that follows no redirect."""
    opened = []

    def client(access, base_url=OWN):
        app = build_app(Studio(access, studio.runs, studio.registry))
        opened.append(TestClient(app, base_url=base_url, follow_redirects=False))
        return opened[-1]

    yield client
    for each in opened:
        each.close()


def test_on_a_shared_machine_a_token_can_be_asked_for_on_loopback_too(knock):
    access = Access(asks=True)
    client = knock(access)
    assert client.get("/api/about").status_code == 401
    assert "open the whole address that its terminal printed" in client.get("/").text
    assert f"?token={access.token}" in access.address
    assert client.get(f"/?token={access.token}").status_code == 303
    assert client.get("/api/about").json()["may_change"] is True


CHANGES = [
    ("POST", "/api/trainings", {"dataset": "bars"}),
    ("POST", "/api/trainings/x/stop", {}),
    ("POST", "/api/answers", {"dataset": "bars", "model": "run/x", "spend_look": True}),
    ("POST", "/api/runs/x/page", {}),
    ("POST", "/api/jobs/x/stop", {}),
    ("DELETE", "/api/runs/x", None),
]


def test_a_token_that_only_looks_opens_everything_and_changes_nothing(knock):
    access = Access(look_token="only-to-look")
    client = knock(access)
    assert client.get("/api/about").status_code == 401
    client.get("/?token=only-to-look")
    assert client.get("/").status_code == 200
    assert client.get("/api/about").json()["may_change"] is False  # the page has not traded its cookie for another
    assert client.get("/api/class", params={"dataset": "none"}).status_code == 404  # let in, to data that are not there
    for method, path, body in CHANGES:
        answer = client.request(method, path, json=body)
        assert answer.status_code == 403, path
        assert "This address may only look" in answer.json()["error"]["message"]
    drawn = {"model": "run/none", "height": 1, "width": 1, "pixels": "AA=="}
    assert client.post("/api/drawings", json=drawn).status_code == 404  # let through, to a model that is not there


def test_beside_those_who_only_look_the_owner_still_changes_things(knock):
    access = Access(look_token="only-to-look")
    client = knock(access)
    client.get(f"/?token={access.token}")
    assert client.get("/api/about").json()["may_change"] is True
    assert client.delete("/api/runs/x").status_code == 404


@pytest.mark.parametrize("stays", [True, False])
def test_behind_a_proxy_its_address_is_printed_known_and_kept_to(knock, stays):
    """Some proxies hand the path on as it is, others without the part that is theirs."""
    access = Access(public=public_address("https://Class.example/studio"))
    assert access.address == f"https://class.example/studio/?token={access.token}"
    at = "/studio" if stays else ""
    client = knock(access, "https://class.example")
    answer = client.get(f"{at}/?token={access.token}")
    assert answer.headers["location"] == "/studio/"
    assert all(words in answer.headers["set-cookie"] for words in ("Secure", "Path=/studio/", "HttpOnly"))
    bearer = {"authorization": f"Bearer {access.token}"}
    assert client.get(f"{at}/api/about", headers={**bearer, "origin": "https://class.example"}).status_code == 200
    assert client.get(f"{at}/static/js/main.js", headers=bearer).status_code == 200
    assert client.get(f"{at}/api/about", headers={**bearer, "origin": "https://evil.example"}).status_code == 403
    assert client.get(f"{at}/api/about", headers={**bearer, "host": "evil.example"}).status_code == 403


def test_the_proxys_path_without_its_slash_leads_to_the_page(knock):
    client = knock(Access(public=public_address("https://class.example/studio")), "https://class.example")
    answer = client.get("/studio?token=x")
    assert (answer.status_code, answer.headers["location"]) == (307, "/studio/?token=x")


@pytest.mark.parametrize("url", ["class.example", "ftp://a", "https://a/?b=c", "https://u@a", "https://a/b c", ""])
def test_a_public_address_that_is_none_is_told(url):
    with pytest.raises(UsageError, match="Expected --public-url as https://HOST or https://HOST/PATH"):
        public_address(url)


def test_the_page_names_its_own_files_without_a_root_so_that_a_proxy_may_put_it_anywhere(visitor):
    assert not re.search(r"(href|src)=./", visitor.get("/").text)
