"""Judge what a run answered, for its page: the verdict, the temperature, the images to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.data import Dataset, Log, no_log
from fittingroom.errors import ModelError
from fittingroom.judging import fit_temperature, judge, references_for, tempering, too_good_warning
from fittingroom.models.load import IN_A_RUN
from fittingroom.reporting.answers import answers_at, choose
from fittingroom.reporting.judged import Judged, JudgedPictures, PairExamples, Tempered
from fittingroom.runs import is_run, open_run
from fittingroom.workflows.interpreting import interpret
from fittingroom.workflows.run_predictions import dataset_judged, kept_predictions, run_predictions

if TYPE_CHECKING:
    from fittingroom.arrays import Labels, Probabilities
    from fittingroom.judging import ConfusedPair, Verdict
    from fittingroom.reporting.answers import Answer
    from fittingroom.reporting.interpretation import Interpretation
    from fittingroom.runs import Predictions, Run

FIRST = 15
TOP_LOSSES = 9
PAIRS = 6
EXAMPLES = 4
NEIGHBOURS = 3


def judged_run(run: Run, data: Dataset | None, why_no_data: str = "", *, log: Log = no_log) -> Judged | None:
    """Judge the images that a run answered about: the test images once it was evaluated, else its validation images.

    Args:
        run: trained.
        data: what it was trained on, or None where it cannot be had.
        why_no_data: one sentence, where it cannot.
        log: told what takes a while.

    Returns:
        None where it answered about nothing: no images were held out, and it was not evaluated.
    """
    kept = kept_predictions(run)
    if data is None or (kept is not None and kept.fingerprint != data.fingerprint):
        why = why_no_data or "The images judged are not of the dataset that the run was trained on."
        return None if kept is None else _without_pictures(run, kept, why)
    if kept is None and not (run.environment.get("held_out") and (run.folder / IN_A_RUN).is_file()):
        return None
    return _with_pictures(run, data, interpret(run, data, log=log))


def pictures_of(judged: Judged, data: Dataset) -> JudgedPictures:
    """Return the pixels of all images that a page shows.

    Args:
        judged: names them by their positions.
        data: that was judged.
    """
    source = data.test if judged.split == "test" else data.train
    near = {each.index for mistake in judged.answers for each in mistake.neighbours}
    return JudgedPictures(
        {index: np.array(source.images[index]) for index in {mistake.index for mistake in judged.answers}},
        {index: np.array(data.train.images[index]) for index in near},
    )


def tempered_by(run: Run, data: Dataset, labels: Labels, probabilities: Probabilities) -> Tempered | None:
    """Fit a temperature on the images that a run held out, and say what it does to some answers.

    Args:
        run: trained.
        data: what it was trained on.
        labels: true classes of the images judged.
        probabilities: what the run said of them.

    Returns:
        None where no images were held out, or the model cannot be asked about them.
    """
    if not run.environment.get("held_out") or data.fingerprint != run.environment.get("fingerprint"):
        return None
    try:
        held = run_predictions(run, data, "validation")
    except ModelError:
        return None
    value = fit_temperature(held.split.labels, held.probabilities)
    return Tempered(tempering(held.split.labels, held.probabilities, value), tempering(labels, probabilities, value))


def temperature_report(model: str, data: Dataset) -> tuple[int | None, Tempered | None]:
    """Return the seed of a run that was just evaluated, and what a temperature does to its answers.

    Args:
        model: a run's folder; anything else has neither.
        data: that it was evaluated on.
    """
    if not is_run(Path(model)):
        return None, None
    run = open_run(model)
    kept = run.predictions
    return run.environment["seed"], tempered_by(run, data, kept.labels, kept.probabilities)


def _with_pictures(run: Run, data: Dataset, seen: Interpretation) -> Judged:
    verdict = judge(seen.split.labels, seen.probabilities, seen.class_names)
    return Judged(
        split=seen.split.name,  # type: ignore[arg-type]
        dataset=data.name,
        fingerprint=data.fingerprint,
        class_names=seen.class_names,
        score=verdict,
        wrong=verdict.n - sum(row[label] for label, row in enumerate(verdict.confusion)),
        references=references_for(data.name),
        warning=too_good_warning(verdict.accuracy, data.name),
        temperature=tempered_by(run, data, seen.split.labels, seen.probabilities),
        first=seen.answers(np.arange(min(FIRST, len(seen.split)))),
        top_losses=_top_losses(seen),
        confused=tuple(
            PairExamples(pair, seen.mistakes(EXAMPLES, true=pair.true, predicted=pair.predicted))
            for pair in verdict.most_confused[:PAIRS]
        ),
    )


def _top_losses(seen: Interpretation) -> tuple[Answer, ...]:
    try:
        return seen.mistakes(TOP_LOSSES, neighbours=NEIGHBOURS)
    except ModelError:  # what its last layer is given cannot be reached
        return seen.mistakes(TOP_LOSSES)


def _without_pictures(run: Run, kept: Predictions, why: str) -> Judged:
    verdict = judge(kept.labels, kept.probabilities, kept.class_names)
    dataset = dataset_judged(run, kept.fingerprint)
    return Judged(
        split=kept.split,  # type: ignore[arg-type]
        dataset=dataset,
        fingerprint=kept.fingerprint,
        class_names=kept.class_names,
        score=verdict,
        wrong=verdict.n - sum(row[label] for label, row in enumerate(verdict.confusion)),
        references=references_for(dataset),
        warning=too_good_warning(verdict.accuracy, dataset),
        temperature=None,
        first=_kept_answers(kept, np.arange(min(FIRST, len(kept.labels)))),
        top_losses=_kept_answers(kept, choose(kept.labels, kept.probabilities, count=TOP_LOSSES)),
        confused=_kept_pairs(kept, verdict),
        pictures_missing=why,
    )


def _kept_answers(kept: Predictions, positions: np.ndarray) -> tuple[Answer, ...]:
    return answers_at(positions, kept.labels, kept.probabilities, kept.indices)


def _kept_pairs(kept: Predictions, verdict: Verdict) -> tuple[PairExamples, ...]:
    def worst(pair: ConfusedPair) -> np.ndarray:
        true, said = (kept.class_names.index(name) for name in (pair.true, pair.predicted))
        return choose(kept.labels, kept.probabilities, count=EXAMPLES, true=true, predicted=said)

    return tuple(PairExamples(pair, _kept_answers(kept, worst(pair))) for pair in verdict.most_confused[:PAIRS])
