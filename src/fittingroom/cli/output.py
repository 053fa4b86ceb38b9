"""What a command prints: data on stdout, words on stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from fittingroom.progress import OnProgress, Progress, each_epoch, no_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


_words: ContextVar[tuple[str, ...]] = ContextVar("command line", default=())


def command_words() -> list[str]:
    """Return the words of the command line that is being carried out, as a run keeps them."""
    return ["fittingroom", *_words.get()]


@contextmanager
def carrying_out(words: Sequence[str]) -> Iterator[None]:
    """Let ``command_words`` return these words for as long as the block lasts."""
    token = _words.set(tuple(words))
    try:
        yield
    finally:
        _words.reset(token)


def emit(text: str) -> None:
    """Print a result on stdout, at once: whoever reads a pipe may be waiting for it while the command goes on."""
    print(text, flush=True)


def emit_json(value: Any) -> None:
    """Print one JSON value on stdout."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # JSON has a way to write every letter in ASCII, undecodable bytes of names among them
        text = json.dumps(value, indent=1)
    emit(text)


def log(text: str) -> None:
    """Print a message for the user on stderr."""
    print(text, file=sys.stderr, flush=True)


def write_what_the_console_lacks() -> None:
    """Have both streams write a letter that their encoding lacks as its code, whatever prints it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def on_one_line(text: str) -> str:
    r"""Return a text, such as a file's name, without line breaks and what else no terminal shows.

    Example:
        >>> on_one_line("two\nlines.jpg")
        'two\\nlines.jpg'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def no_log(text: str) -> None:
    """Print nothing."""


def log_unless(quiet: bool) -> Callable[[str], None]:
    """Return `log`, or `no_log` where the user asked for quiet."""
    return no_log if quiet else log


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an aligned plain-text table; the last column is not padded.

    Example:
        >>> print(table(["name", "n"], [["Bag", 10], ["Coat", 7]]))
        name  n
        Bag   10
        Coat  7
    """
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


@contextmanager
def progress(quiet: bool) -> Iterator[OnProgress]:
    """Yield what training tells its progress to; everything goes to stderr.

    Args:
        quiet: show nothing.
    """
    if quiet:
        yield no_progress
    elif sys.stderr.isatty():
        with _bar() as on_progress:
            yield on_progress
    else:
        yield each_epoch(log)


@contextmanager
def _bar() -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(BarColumn(24), TextColumn("{task.description}"), console=console, transient=True) as bar:
        task = bar.add_task("", total=1)

        def on_progress(now: Progress) -> None:
            bar.update(task, completed=now.images, total=now.total, description=now.line())
            if now.done:
                bar.console.print(now.line(), highlight=False, soft_wrap=True)

        yield on_progress
