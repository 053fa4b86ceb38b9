"""Runs side by side on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import Dataset, Log, no_log
from fittingroom.errors import UsageError
from fittingroom.files import atomic_write, write_json
from fittingroom.judging import judge, references_for, too_good_warning
from fittingroom.pages.answers import answers_at
from fittingroom.pages.comparison.page import comparison_page
from fittingroom.pages.comparison.values import ComparisonReport, Contender
from fittingroom.pages.learning import read_history
from fittingroom.pages.run.gather import cost_of, data_or_why
from fittingroom.workflows.comparing import compare
from fittingroom.workflows.reproduce import reproduce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fittingroom.arrays import Array
    from fittingroom.pages.answers import Answer
    from fittingroom.runs import Predictions, Run
    from fittingroom.workflows.comparing import Compared
    from fittingroom.workflows.run_data import SplitName


NAME = "comparison.html"
DIFFERENCES = 12


def comparison(
    runs: Sequence[Run],
    out: Path | None = None,
    split: SplitName | None = None,
    data_dir: Path | None = None,
    *,
    log: Log = no_log,
) -> Path:
    """Write the page that compares runs, and its numbers as JSON beside it.

    Args:
        runs: two or more, which answered about the same images.
        out: the page; None for ``comparison.html`` beside the first run's folder.
        split: "validation" or "test"; None for what the runs keep.
        data_dir: where the dataset's files are; None to look.
        log: told what takes a while.

    Raises:
        UsageError: fewer than two, the same one twice, or another ending than ``.html``.
        RunError: they did not answer about the same images.
    """
    page = out or runs[0].folder.resolve().parent / NAME
    if page.suffix != ".html":
        raise UsageError(f"{page}: expected a page that ends in .html.")
    compared = compare(*runs, split=split, data_dir=data_dir, log=log)
    data, why = data_or_why(runs[0], data_dir)
    facts = comparison_facts(runs, compared, why)
    pictures = {} if data is None else _pictures(facts, data)
    page.parent.mkdir(parents=True, exist_ok=True)
    write_json(page.with_suffix(".json"), facts.to_dict())
    atomic_write(page, comparison_page(facts, pictures, page.with_suffix(".json").name))
    return page


def comparison_facts(runs: Sequence[Run], compared: Compared, pictures_missing: str = "") -> ComparisonReport:
    """Return everything that a comparison's page says.

    Args:
        runs: in the order asked for.
        compared: they.
        pictures_missing: why there are no pictures.
    """
    first = compared.predictions[0]
    dataset = compared.dataset
    differing = _differing_settings(runs)
    return ComparisonReport(
        split=first.split,
        dataset=dataset,
        fingerprint=first.fingerprint,
        class_names=first.class_names,
        contenders=tuple(
            _contender(run, name, kept, settings, dataset)
            for run, name, kept, settings in zip(runs, compared.names, compared.predictions, differing, strict=True)
        ),
        pairs=compared.pairs,
        seeds=compared.seeds,
        references=references_for(dataset),
        differences=_differences(compared),
        pictures_missing=pictures_missing,
    )


def _contender(run: Run, name: str, kept: Predictions, settings: Mapping[str, Any], dataset: str) -> Contender:
    score = judge(kept.labels, kept.probabilities, kept.class_names)
    return Contender(
        name=name,
        seed=run.environment["seed"],
        score=score,
        history=read_history(run.history),
        settings=settings,
        cost=cost_of(run, None),
        test_looks=run.looks_at(kept.fingerprint),
        command=reproduce(run)[0],
        warning=too_good_warning(score.accuracy, dataset),
    )


def _differing_settings(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return of each run the settings in which not all are alike."""
    all_ = [{"network": run.environment.get("model"), **run.resolved} for run in runs]
    keys = [
        key for key in all_[0] if key not in ("schema", "model") and len({repr(each.get(key)) for each in all_}) > 1
    ]
    return [{key: each.get(key) for key in keys} for each in all_]


def _differences(compared: Compared) -> tuple[tuple[Answer, ...], ...]:
    """Return the answers of all runs about each image on which one of the first two alone is right."""
    places = np.array(compared.differ(DIFFERENCES), int)
    by_run = [answers_at(places, kept.labels, kept.probabilities, kept.indices) for kept in compared.predictions]
    return tuple(zip(*by_run, strict=True))


def _pictures(facts: ComparisonReport, data: Dataset) -> dict[int, Array]:
    if data.fingerprint != facts.fingerprint:
        return {}
    source = data.test if facts.split == "test" else data.train
    return {first.index: np.array(source.images[first.index]) for first, *_ in facts.differences}
