"""From run folders to a page: gather its values, draw it, and write page and JSON twin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.data import Log, no_log
from fittingroom.errors import RunError, UsageError
from fittingroom.files import atomic_write, write_json
from fittingroom.pages.comparison.gather import gather_comparison
from fittingroom.pages.comparison.page import comparison_page
from fittingroom.pages.run.gather import gather_run
from fittingroom.pages.run.page import run_page
from fittingroom.pages.tutorial.gather import gather_tutorial
from fittingroom.pages.tutorial.page import tutorial_page
from fittingroom.runs import PAGE, TUTORIAL, Run, open_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.data import Dataset
    from fittingroom.pages.judged import Judged


TWIN = "verdict.json"
COMPARISON = "comparison.html"


def report(
    run: Run | str | Path,
    *others: Run | str | Path,
    out: str | Path | None = None,
    split: Literal["validation", "test"] | None = None,
    data_dir: str | Path | None = None,
    log: Log = no_log,
) -> Path:
    """Write a run's page into its folder, or one page that compares several runs.

    A tutorial's page shows test figures; any other page only what was measured: after ``train`` validation figures
    where images were held out, after ``evaluate`` test figures. Every number on the page is in ``verdict.json``
    beside it; of a comparison, in the JSON file beside it. Model and data are read once.

    Args:
        run: a run or its folder.
        others: more of them, to compare: all judged on the same images.
        out: where a comparison goes, an ``.html`` file; ``comparison.html`` beside the first run's folder where it is
            None. A run's own page is always in its folder.
        split: which images a comparison is on; None for the test images where all were evaluated, else validation.
        data_dir: where the dataset's files are; None to look.
        log: told what takes a while.

    Returns:
        The HTML file: self-contained, opens from ``file://``.

    Raises:
        RunError: there is no such run, it has no history yet, or its dataset has changed since; runs that did not
            answer about the same images.
        UsageError: ``out`` or ``split`` for a single run; ``out`` of another ending than ``.html``.
    """
    runs = [_opened(each) for each in (run, *others)]
    folder = Path(data_dir) if data_dir is not None else None
    if others:
        return _comparison(runs, None if out is None else Path(out), split, folder, log)
    if out is not None:
        raise UsageError(f"A run's page is written into its folder: {runs[0].folder / PAGE}. Leave --out away.")
    if split is not None:
        raise UsageError("A run's page shows what the run was judged on; --split is for a comparison of several.")
    if (runs[0].folder / TUTORIAL).exists():
        return tutorial_report(runs[0], log=log)
    facts, pictures = gather_run(runs[0], folder, log=log)
    return _write(runs[0].folder / PAGE, TWIN, run_page(facts, pictures), _verdict(facts.judged), facts.to_dict())


def tutorial_report(run: Run, data: Dataset | None = None, rival: Dataset | None = None, *, log: Log = no_log) -> Path:
    """Write the page of a walk-through's run into its folder.

    Args:
        run: of a tutorial.
        data: what it was trained on; None to load it as the run has it written down.
        rival: what the network beside it was trained on, likewise.
        log: told what takes a while.

    Raises:
        RunError: its dataset has changed since.
    """
    facts, pictures = gather_tutorial(run, data, rival, log=log)
    page = tutorial_page(facts, pictures)
    return _write(run.folder / PAGE, TWIN, page, run.verdict or {}, facts.to_dict())


def _comparison(
    runs: Sequence[Run], out: Path | None, split: Literal["validation", "test"] | None, data_dir: Path | None, log: Log
) -> Path:
    page = out or runs[0].folder.resolve().parent / COMPARISON
    if page.suffix != ".html":
        raise UsageError(f"{page}: expected a page that ends in .html.")
    facts, pictures = gather_comparison(runs, split, data_dir, log=log)
    page.parent.mkdir(parents=True, exist_ok=True)
    twin = page.with_suffix(".json").name
    return _write(page, twin, comparison_page(facts, pictures, twin), facts.to_dict())


def _write(
    page: Path, twin: str, html: str, values: Mapping[str, Any], of_page: Mapping[str, Any] | None = None
) -> Path:
    """Write a page and, beside it, its JSON twin: a verdict with what the page says under ``page``, or just that."""
    atomic_write(page, html)
    write_json(page.with_name(twin), {**values, "page": of_page} if of_page is not None else values)
    return page


def _opened(run: Run | str | Path) -> Run:
    opened = run if isinstance(run, Run) else open_run(run)
    if not opened.history:
        raise RunError(f"{opened.folder}: there is nothing to report yet, no epoch has ended.")
    return opened


def _verdict(judged: Judged | None) -> dict[str, Any]:
    """Return the verdict as `fittingroom.evaluate` writes it; its split says which images it is about."""
    if judged is None:
        return {"schema": "fittingroom/verdict/1", "split": None}
    return {
        "schema": "fittingroom/verdict/1",
        "split": judged.split,
        "dataset": judged.dataset,
        "fingerprint": judged.fingerprint,
        "class_names": list(judged.class_names),
        **judged.score.to_dict(),
    }
