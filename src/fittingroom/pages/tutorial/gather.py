"""Everything that the walk-through's page says, gathered from its run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS, Dataset, Log, load, no_log
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import RunError
from fittingroom.inference.predictor import open_predictor
from fittingroom.judging import Verdict, judge
from fittingroom.pages.answers import Pictures
from fittingroom.pages.judged import judged_run, pictures_of
from fittingroom.pages.learned import images_of
from fittingroom.pages.learning import read_history
from fittingroom.pages.run.gather import gather_inside, readable
from fittingroom.pages.tutorial.values import THUMBNAILS, Fitting, TutorialReport, choose_images, describe_data
from fittingroom.runs import TUTORIAL, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.pages.answers import Answer
    from fittingroom.pages.judged import Judged


def gather_tutorial(
    run: Run, data: Dataset | None = None, rival: Dataset | None = None, *, log: Log = no_log
) -> tuple[TutorialReport, Pictures]:
    """Return everything that the walk-through's page says, and its pictures.

    Args:
        run: of a tutorial.
        data: what it was trained on; None to load it as the run has it written down.
        rival: what the network beside it was trained on, likewise.
        log: told what takes a while.

    Raises:
        RunError: its dataset has changed since.
    """
    facts = run.read_json(TUTORIAL)
    data = data or _data_of(run, facts)
    answers, pictures = choose_images(data, run.predictions.probabilities)
    judged = judged_run(run, data, log=log)
    against = _rival_fitting(Run(run.folder / facts["against"]), rival) if facts["against"] else None
    looked_at = pictures_of(judged, data) if judged else Pictures()
    report = _report(run, facts, data, answers, judged, against)
    shown = (*answers["look"], *answers["alone"])
    learned, drawn = gather_inside(run, shown, images_of(pictures.judged, shown), report.fitting.data.class_names)
    return replace(report, learned=learned), pictures | looked_at | Pictures(inside=drawn)


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


def _report(
    run: Run,
    facts: Mapping[str, Any],
    data: Dataset,
    answers: Mapping[str, tuple[Answer, ...]],
    judged: Judged | None,
    against: Fitting | None,
) -> TutorialReport:
    return TutorialReport(
        fitting=_fitting(run, data, facts, judged.score if judged else _judged_by(run)),
        train_labels=tuple(int(label) for label in data.train.labels[:THUMBNAILS]),
        look=answers["look"],
        alone=answers["alone"],
        grid=answers["grid"],
        model_name=facts["model"],
        model_summary=facts["model_summary"],
        parameters=int(open_predictor(run).model.count_params()),
        optimizer=facts["optimizer"],
        loss=facts["loss"],
        batch_size=run.resolved["batch_size"],
        seed=run.environment["seed"],
        seconds=facts["seconds"],
        environment=readable(run.environment),
        command=facts["command"],
        test_looks=run.looks_at(run.environment["fingerprint"]),
        against=against,
        palette=facts["palette"],
        judged=judged,
        source=_source(facts),
    )


def _source(facts: Mapping[str, Any]) -> str:
    """Return what a reader of the page passes to `load`: the folder that the data came from, wherever they are."""
    named = facts["data_dir"] or facts["dataset"]
    return named if named in DATASETS or named in KIN else str(Path(named).resolve())


def _rival_fitting(run: Run, data: Dataset | None) -> Fitting:
    facts = run.read_json(TUTORIAL)
    return _fitting(run, data or _data_of(run, facts), facts, _judged_by(run))


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
