"""Reads a page as a browser without scripts or styles would."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Reads a page: its words, its pictures, and whether each tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.svgs: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]
        if tag == "img":
            self.images.append(values)
        if tag == "svg":
            self.svgs.append(values)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words += data


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", Reader(page).words)


class Tables(HTMLParser):
    """Reads the tables of a page: rows of cells as text, by the first words of the caption."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[tuple[str, list[list[str]]]] = []
        self.where = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append(("", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append("")
        if tag in ("td", "th", "caption"):
            self.where = tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "caption"):
            self.where = ""

    def handle_data(self, data: str) -> None:
        if self.where == "caption":
            self.tables[-1] = (self.tables[-1][0] + data, self.tables[-1][1])
        elif self.where:
            self.tables[-1][1][-1][-1] += data

    def rows(self, caption: str) -> list[list[str]]:
        """Return the rows of the first table whose caption begins so, without its head."""
        found = next(rows for words, rows in self.tables if words.startswith(caption))
        return [[" ".join(cell.split()) for cell in row] for row in found]


def prose_of(page: str) -> str:
    """Return the words of a page, piece by piece, without those inside its drawings, its code and its styles."""
    return unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<(svg|pre|style)\b.*?</\1>", " ", page, flags=re.DOTALL)))


def numbers_in(text: str) -> set[str]:
    """Return the numbers of a text as they are written, without signs and thousands' commas."""
    return {found.replace(",", "") for found in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])", text)}


def unexplained(text: str, twin: object, of_method: set[str]) -> set[str]:
    """Return the numbers of a text that are not in its twin, as they are or in per cent.

    Args:
        text: of the page.
        twin: plain JSON values.
        of_method: numbers of the words themselves, as in "95 % interval".
    """
    values, written = _flat(twin)
    shown = {number for number in numbers_in(text) if number not in written | of_method}
    return {number for number in shown if not any(_is(number, value) for value in values)}


def _is(number: str, value: float) -> bool:
    digits = len(number.partition(".")[2])
    return number in {f"{abs(value):.{digits}f}", f"{abs(100 * value):.{digits}f}"}


def _flat(value: object) -> tuple[set[float], set[str]]:
    if isinstance(value, dict):
        value = [*value.values(), *value.keys()]
    if isinstance(value, list | tuple):
        parts = [_flat(each) for each in value]
        return {one for part, _ in parts for one in part}, {word for _, words in parts for word in words}
    if isinstance(value, bool) or value is None:
        return set(), set()
    return (set(), numbers_in(value)) if isinstance(value, str) else ({float(value)}, set())
