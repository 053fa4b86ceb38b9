"""Look through the built pages: does every link lead somewhere inside, and is nothing fetched from outside?"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from pathlib import Path

OUTSIDE: Final = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^(?:mailto|data|blob|javascript):", re.IGNORECASE)
FETCHED: Final = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
}
NOT_FETCHED: Final = {"canonical", "search", "index", "next", "prev", "license", "author"}  # of <link rel>
OWN_RULES: Final = ("model", "pages")  # folders of whole pages that commands wrote, with checks of their own


class Page(HTMLParser):
    """The links and anchors of a page.

    Attributes:
        links: where it leads, by ``href`` and ``src``.
        fetched: what a browser gets in order to show it.
        anchors: names that a link can lead to.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what an element leads to, and its names."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        for name in ("href", "src"):
            if name not in given:
                continue
            is_fetched = (tag, name) in FETCHED and not NOT_FETCHED & set(given.get("rel", "").split())
            (self.fetched if is_fetched else self.links).append(given[name])


def faults(site: Path) -> list[str]:
    """Return what is wrong with the links of a built site, a line each; nothing where all is well.

    Args:
        site: its folder.
    """
    texts = {path: path.read_text("utf-8") for path in sorted(site.rglob("*.html"))}
    pages = {path.resolve(): Page(text) for path, text in texts.items()}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        if name.split("/")[0] in OWN_RULES or name.startswith("_static/"):
            continue
        found += [f"{name}: {link} is fetched from outside." for link in page.fetched if OUTSIDE.match(link)]
        inner = [link for link in (*page.links, *page.fetched) if link and not OUTSIDE.match(link)]
        found += [f"{name}: {link} {why}" for link in dict.fromkeys(inner) if (why := _wrong(link, path, pages, site))]
    return found


def _wrong(link: str, path: Path, pages: dict[Path, Page], site: Path) -> str:
    target, _, fragment = link.partition("#")
    target = unquote(target.partition("?")[0])
    if target.startswith("/"):
        return "begins at the root, and would break under a sub-path."
    to = (path.parent / target).resolve() if target else path
    if site.resolve() not in (to, *to.parents):
        return "leads out of the site."
    if to.is_dir():
        return "leads to a folder, which file:// does not open as a page."
    if not to.is_file():
        return "leads to nothing."
    if fragment and to in pages and unquote(fragment) not in pages[to].anchors:
        return "leads to a place on a page that is not there."
    return ""
