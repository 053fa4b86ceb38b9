"""Who comes in, and from where: a link in a chat, a token that only looks, a studio that asks for one."""

import functools
import html
import http.server
import threading

import pytest

from helpers.page_checks import breaches, expect


@pytest.fixture
def chat():
    """Return a function that puts a link into a page of another site, and gives that page's address."""
    servers = []

    class Page(http.server.BaseHTTPRequestHandler):
        def __init__(self, link, *arguments):
            self.link = link
            super().__init__(*arguments)

        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(f'<link rel=icon href=data:,><a href="{html.escape(self.link)}">the studio</a>'.encode())

        def log_message(self, *arguments):
            pass

    def post(link):
        server = http.server.ThreadingHTTPServer(("localhost", 0), functools.partial(Page, link))
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        return f"http://localhost:{server.server_port}/"  # to a browser another site than 127.0.0.1

    yield post
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_printed_address_opens_the_studio_when_it_is_clicked_in_a_chat(look, start_studio, chat):
    studio = start_studio(options=["--token"])
    assert "?token=" in studio.address
    watched = look(address=studio.address)
    page = watched.page
    place = chat(studio.address)
    watched.expected += [f"outside: {place}", "net::ERR_ABORTED"]
    page.goto(place)
    page.get_by_role("link", name="the studio").click()
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()
    assert "token" not in page.url
    page.goto(place)  # and again, without the token, as it is in the browser's history
    page.evaluate("address => { document.querySelector('a').href = address }", studio.address.partition("?")[0])
    page.get_by_role("link", name="the studio").click()
    expect(page.get_by_text("840 images", exact=True)).to_be_visible()


def test_without_the_token_nothing_is_shown(look, start_studio):
    studio = start_studio(options=["--token"])
    watched = look(address=studio.address)
    watched.expected += ["401"]
    watched.page.goto(studio.address.partition("?")[0])
    expect(watched.page.get_by_text("open the whole address that its terminal printed")).to_be_visible()


@pytest.fixture
def classroom(look, start_studio, untested):
    """The page of one who may only look."""
    studio = start_studio(options=["--read-only"])
    address = studio.process.stdout.readline().partition(": ")[2].strip()
    watched = look(address=address)
    watched.page.goto(address)
    expect(watched.page.get_by_text("840 images", exact=True)).to_be_visible()
    return watched


def test_who_may_only_look_sees_everything_and_no_button_that_changes_anything(classroom, untested):
    page = classroom.page
    expect(page.get_by_text("looking only")).to_be_visible()
    page.get_by_label("Model", exact=True).select_option(label=untested.name)
    expect(page.get_by_text("whoever opened the studio can ask it")).to_be_visible()
    expect(page.get_by_role("button", name="Ask it about")).to_have_count(0)
    classroom.go("train")
    expect(page.get_by_text("Training, testing and deleting are for whoever opened the studio.")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_have_count(0)
    classroom.go("runs")
    expect(page.locator("table.runs")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    assert breaches(page) == []
    classroom.go("look/20260102-good")
    expect(page.locator(".pair")).to_have_count(15)
    classroom.go(f"look/{untested.name}")
    expect(page.get_by_text("whoever opened the studio can test it")).to_be_visible()
    expect(page.get_by_role("button", name="Test it")).to_have_count(0)
    assert untested.test_looks == []


def test_who_may_only_look_can_try_on(classroom):
    page = classroom.go("try?way=draw")
    page.locator(".pad").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".try-answer .bar-row")).to_have_count(10)
