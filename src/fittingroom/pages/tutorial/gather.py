"""Everything that the walk-through's page says, gathered from its run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS, Dataset, Log, load, no_log
from fittingroom.errors import RunError
from fittingroom.judging import Verdict, judge
from fittingroom.pages.answers import Pictures
from fittingroom.pages.judged import judged_run, pictures_of
from fittingroom.pages.learning import read_history
from fittingroom.pages.run.gather import readable
from fittingroom.pages.tutorial.page import tutorial_page
from fittingroom.pages.tutorial.values import Fitting, TutorialReport, choose_images, describe_data
from fittingroom.pages.tutorial_text import REFERENCE
from fittingroom.runs import TUTORIAL, Run

if TYPE_CHECKING:
    from collections.abc import Mapping


def tutorial_facts(run: Run, *, log: Log = no_log) -> tuple[dict[str, Any], str]:
    """Return every number of the walk-through's page as plain JSON values, and the page.

    Args:
        run: of a tutorial.
        log: told what takes a while.

    Raises:
        RunError: its dataset has changed since.
    """
    facts = run.read_json(TUTORIAL)
    data = _data_of(run, facts)
    rival = Run(run.folder / facts["against"]) if facts["against"] else None
    report = _report(run, facts, data, rival, log)
    _, pictures = choose_images(data, run.predictions.probabilities)
    looked_at = pictures_of(report.judged, data) if report.judged else Pictures()
    return _twin(report), tutorial_page(report, pictures | looked_at)


def _twin(report: TutorialReport) -> dict[str, Any]:
    score, (_, height, width) = report.fitting.score, report.fitting.data.train_shape
    return report.to_dict() | {
        "pixels": height * width,
        "named_rightly": round(score.accuracy * score.n),
        "fit_seconds": sum(epoch.seconds for epoch in report.fitting.history),
        "reference": asdict(REFERENCE),
    }


def _data_of(run: Run, facts: Mapping[str, Any]) -> Dataset:
    """Return the dataset of a tutorial's run, as it was then.

    Raises:
        RunError: its content is another now.
    """
    expected, folder = run.environment["fingerprint"], facts["data_dir"]
    data = load(facts["dataset"], data_dir=Path(folder) if folder else None)
    if data.fingerprint != expected:
        raise RunError(
            f"{run.folder}: expected data {expected} in {facts['dataset']}, found {data.fingerprint}. "
            "The files have changed since this run."
        )
    return data


def _report(run: Run, facts: Mapping[str, Any], data: Dataset, rival: Run | None, log: Log) -> TutorialReport:
    images_shown, _ = choose_images(data, run.predictions.probabilities)
    judged = judged_run(run, data, log=log)
    return TutorialReport(
        fitting=_fitting(run, data, facts, judged.score if judged else _judged_by(run)),
        images_shown=images_shown,
        model_name=facts["model"],
        model_summary=facts["model_summary"],
        parameters=int(run.model().count_params()),
        optimizer=facts["optimizer"],
        loss=facts["loss"],
        batch_size=run.resolved["batch_size"],
        seed=run.environment["seed"],
        seconds=facts["seconds"],
        environment=readable(run.environment),
        command=facts["command"],
        test_looks=run.looks_at(run.environment["fingerprint"]),
        against=_rival_fitting(rival) if rival else None,
        palette=facts["palette"],
        judged=judged,
        source=_source(facts),
    )


def _source(facts: Mapping[str, Any]) -> str:
    """Return what a reader of the page passes to `load`: the folder that the data came from, wherever they are."""
    named = facts["data_dir"] or facts["dataset"]
    return named if named in DATASETS else str(Path(named).resolve())


def _rival_fitting(run: Run) -> Fitting:
    facts = run.read_json(TUTORIAL)
    return _fitting(run, _data_of(run, facts), facts, _judged_by(run))


def _fitting(run: Run, data: Dataset, facts: Mapping[str, Any], score: Verdict) -> Fitting:
    return Fitting(
        data=describe_data(data),
        history=read_history(run.history),
        train_accuracy=facts["train_accuracy"],
        train_loss=facts["train_loss"],
        score=score,
    )


def _judged_by(run: Run) -> Verdict:
    kept = run.predictions
    return judge(kept.labels, kept.probabilities, kept.class_names)
