"""From run folders to a page: gather every number, draw it, and write page and twin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.data import Log, no_log
from fittingroom.errors import RunError, UsageError
from fittingroom.pages.comparison.gather import comparison
from fittingroom.pages.run.gather import run_facts
from fittingroom.pages.run.page import run_page
from fittingroom.pages.tutorial.gather import tutorial_facts
from fittingroom.runs import PAGE, TUTORIAL, Run, open_run

if TYPE_CHECKING:
    from fittingroom.pages.judged import Judged


TWIN = "verdict.json"


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
    beside it; of a comparison, in the JSON file beside it.

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
        UsageError: ``out`` or ``split`` for a single run.
    """
    runs = [_opened(each) for each in (run, *others)]
    folder = Path(data_dir) if data_dir is not None else None
    if others:
        return comparison(runs, None if out is None else Path(out), split, folder, log=log)
    if out is not None:
        raise UsageError(f"A run's page is written into its folder: {runs[0].folder / PAGE}. Leave --out away.")
    if split is not None:
        raise UsageError("A run's page shows what the run was judged on; --split is for a comparison of several.")
    return _tutorials_page(runs[0], log) if (runs[0].folder / TUTORIAL).exists() else _runs_page(runs[0], folder, log)


def _opened(run: Run | str | Path) -> Run:
    opened = run if isinstance(run, Run) else open_run(run)
    if not opened.history:
        raise RunError(f"{opened.folder}: there is nothing to report yet, no epoch has ended.")
    return opened


def _tutorials_page(run: Run, log: Log) -> Path:
    facts, page = tutorial_facts(run, log=log)
    run.write_text(PAGE, page)
    run.write_json(TWIN, (run.verdict or {}) | {"page": facts})
    return run.folder / PAGE


def _runs_page(run: Run, data_dir: Path | None, log: Log) -> Path:
    facts, pictures = run_facts(run, data_dir=data_dir, log=log)
    run.write_text(PAGE, run_page(facts, pictures))
    run.write_json(TWIN, {**_verdict(facts.judged), "page": facts.to_dict()})
    return run.folder / PAGE


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
