"""Training as it goes: a bar on a terminal, one line an epoch in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fittingroom.cli.output import log
from fittingroom.training.progress import OnProgress, Progress, each_epoch, no_progress


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
