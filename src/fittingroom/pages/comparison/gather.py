"""Everything that the page of a comparison says, gathered from the folders of its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import Dataset, Log, no_log
from fittingroom.judging import judge, references_for, too_good_warning
from fittingroom.pages.answers import Pictures, answers_at
from fittingroom.pages.comparison.values import ComparisonReport, Contender
from fittingroom.pages.learning import read_history
from fittingroom.pages.run.gather import cost_of, data_or_why
from fittingroom.workflows.comparing import compare
from fittingroom.workflows.reproduce import reproduce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fittingroom.pages.answers import Answer
    from fittingroom.runs import Predictions, Run
    from fittingroom.workflows.comparing import Compared
    from fittingroom.workflows.run_data import SplitName


DIFFERENCES = 12


def gather_comparison(
    runs: Sequence[Run], split: SplitName | None = None, data_dir: Path | None = None, *, log: Log = no_log
) -> tuple[ComparisonReport, Pictures]:
    """Return everything that a comparison's page says, and its pictures.

    Args:
        runs: two or more, which answered about the same images.
        split: "validation" or "test"; None for what the runs keep.
        data_dir: where the dataset's files are; None to look.
        log: told what takes a while.

    Raises:
        UsageError: fewer than two, or the same one twice.
        RunError: they did not answer about the same images.
    """
    data, why = data_or_why(runs[0], data_dir)
    compared = compare(*runs, split=split, data_dir=data_dir, data=data, log=log)
    facts = _report(runs, compared, why)
    return facts, Pictures() if data is None else _pictures(facts, data)


def _report(runs: Sequence[Run], compared: Compared, pictures_missing: str) -> ComparisonReport:
    first, dataset = compared.predictions[0], compared.dataset
    return ComparisonReport(
        split=first.split,
        dataset=dataset,
        fingerprint=first.fingerprint,
        class_names=first.class_names,
        contenders=tuple(
            _contender(run, name, kept, settings, dataset)
            for run, name, kept, settings in zip(
                runs, compared.names, compared.predictions, _differing_settings(runs), strict=True
            )
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


def _pictures(facts: ComparisonReport, data: Dataset) -> Pictures:
    if data.fingerprint != facts.fingerprint:
        return Pictures()
    source = data.test if facts.split == "test" else data.train
    return Pictures(source.pictures(first.index for first, *_ in facts.differences))
