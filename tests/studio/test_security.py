"""A page elsewhere cannot drive the studio, off loopback a token is asked for, and no answer tells too much."""

import pytest
from starlette.testclient import TestClient

from fittingroom.studio.asgi import build_app
from fittingroom.studio.routes import data_routes
from fittingroom.studio.security import Access
from fittingroom.studio.state import Studio

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
    assert "samesite=strict" in cookie.casefold()


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
