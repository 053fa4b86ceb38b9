"""Take the pictures of the exported web page that the docs show: a phone, light, and a wide screen, dark."""

import functools
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image
from studio_browser import open_chromium

import fittingroom as fr

ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "docs" / "photos" / "shirt.jpg"
TAKEN = ((390, 800, "light", "photo"), (390, 800, "dark", "draw"))


class Quiet(SimpleHTTPRequestHandler):
    """A server of plain files that says nothing."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def shot(page: object, way: str, to: Path) -> None:
    """Hand over a photo, or draw, and take the picture."""
    if way == "photo":
        page.set_input_files("#file", PHOTO)
    else:
        page.get_by_role("button", name="Draw").click()
        box = page.locator(".pad").bounding_box()
        page.locator("#brush").fill("70")
        corners = ((0.3, 0.2), (0.3, 0.85), (0.5, 0.3), (0.7, 0.85), (0.7, 0.2), (0.3, 0.2))
        for at, (x, y) in enumerate(corners):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
            if not at:
                page.mouse.down()
        page.mouse.up()
    page.wait_for_selector(".try-answer")
    page.wait_for_timeout(500)
    page.screenshot(path=to)


def main() -> None:
    """Write docs/images/web-page.webp."""
    with tempfile.TemporaryDirectory() as folder:
        site = fr.export_web_page("fashion-mnist/photo-28", Path(folder) / "site")
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        parts = []
        with open_chromium() as browser:
            for number, (width, height, scheme, way) in enumerate(TAKEN):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/")
                shot(page, way, Path(folder) / f"{number}.png")
                parts.append(Image.open(Path(folder) / f"{number}.png").convert("RGB"))
        server.shutdown()
    sheet = Image.new("RGB", (sum(part.width for part in parts) + 20, max(part.height for part in parts)), "white")
    left = 0
    for part in parts:
        sheet.paste(part, (left, 0))
        left += part.width + 20
    sheet.save(ROOT / "docs" / "images" / "web-page.webp", quality=85)


if __name__ == "__main__":
    main()
