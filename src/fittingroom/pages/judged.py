"""Answers that were judged, for a page: verdict, temperature, the images to look at, their figures and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fittingroom.data import Dataset, Log, no_log
from fittingroom.errors import ModelError
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.judging import fit_temperature, judge, judge_sets, references_for, tempering, too_good_warning
from fittingroom.pages.answers import Pictures, answer_words, answers_at, choose, tally_sentence
from fittingroom.pages.figures import coverage_figure, pair_figure, reliability_figure
from fittingroom.pages.html import inline_svg, picture_uri
from fittingroom.pages.interpretation import interpret
from fittingroom.runs import is_run, open_run
from fittingroom.words import counted, listed
from fittingroom.workflows.run_data import dataset_judged, held_out_answers, kept_predictions, run_predictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from fittingroom.arrays import Array, Labels, Probabilities
    from fittingroom.judging import ConfusedPair, PredictionSets, Reference, RiskCoverage, Tempering, Verdict
    from fittingroom.pages.answers import Answer
    from fittingroom.pages.interpretation import Interpretation
    from fittingroom.runs import Predictions, Run


JudgedSplit = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Judged:
    """Answers about one split, judged.

    Attributes:
        split: "train", "validation" or "test".
        dataset: its name.
        fingerprint: of the data.
        class_names: by label.
        score: the verdict.
        wrong: how many images are classified wrongly.
        references: known scores on the test images of this dataset.
        warning: why the score is too good to be true, or None.
        temperature: what a temperature, fitted on the validation images, does to the answers, by split: "validation",
            and the split judged; empty where no images were held out to fit it on.
        first: the first fifteen images of the split.
        top_losses: the highest losses, the training images most like each beside them.
        confused_examples: of each of the score's most confused pairs, the images of the highest loss.
        pictures_missing: why there are no pictures; empty where there are.
        sets: prediction sets of test images for a few coverages, each with one threshold and with one a class; empty
            where no images were held out to calibrate them on.
    """

    split: JudgedSplit
    dataset: str
    fingerprint: str
    class_names: tuple[str, ...]
    score: Verdict
    wrong: int
    references: tuple[Reference, ...]
    warning: str | None
    temperature: Mapping[str, Tempering]
    first: tuple[Answer, ...]
    top_losses: tuple[Answer, ...]
    confused_examples: tuple[tuple[Answer, ...], ...]
    pictures_missing: str = ""
    sets: tuple[PredictionSets, ...] = ()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every image on the page, some more than once."""
        return (*self.first, *self.top_losses, *(each for examples in self.confused_examples for each in examples))


PALETTE = "classic-marked"


def judged_figures(
    judged: Judged, pictures: Pictures, *, palette: str = PALETTE, with_first: bool = True
) -> dict[str, Any]:
    """Draw what there is to draw of judged answers.

    Args:
        judged: as values.
        pictures: the pixels of the images that it shows; empty where they cannot be had.
        palette: of right and wrong.
        with_first: draw the first images too.

    Returns:
        For the templates: ``reliability`` and ``coverage``, an ``<svg>`` each; ``first``, one a picture of the first
        images, and ``tally``, how many of them are right; ``judged`` and ``train``, addresses of pictures by position
        in the file.
    """
    after = judged.temperature[judged.split].curve if judged.temperature else ()
    first = judged.first if with_first and pictures.judged else ()
    return {
        "reliability": inline_svg(
            reliability_figure(judged.score.calibrated.curve, after), _reliability_words(judged), "reliability"
        ),
        "coverage": inline_svg(coverage_figure(judged.score.risk_coverage), _coverage_words(judged), "coverage"),
        "first": [
            pair(answer, pictures.judged[answer.index], judged.split, judged.class_names, palette) for answer in first
        ],
        "tally": tally_sentence(judged.first),
        "judged": {index: picture_uri(image) for index, image in pictures.judged.items()},
        "train": {index: picture_uri(image) for index, image in pictures.train.items()},
    }


def pair(answer: Answer, image: Array, split: str, class_names: tuple[str, ...], palette: str) -> Markup:
    """Return a picture beside the bars of its probabilities, a cell of a grid, as an ``<svg>``."""
    figure = pair_figure(answer, image, class_names, palette)
    return inline_svg(figure, answer_words(answer, split, class_names), f"pair{answer.index}")


def _reliability_words(judged: Judged) -> str:
    gap = judged.score.calibrated
    told = "; ".join(
        f"confidence {one.confidence:.2f}, accuracy {one.accuracy:.2f}"
        for one in gap.curve
        if one.confidence is not None
    )
    return f"Accuracy by confidence, in {gap.bins} bins: {told}."


def _coverage_words(judged: Judged) -> str:
    told = "; ".join(
        f"{point.coverage:.0%} answered, accuracy {point.accuracy:.4f}" for point in judged.score.risk_coverage
    )
    return f"Accuracy where the least confident predictions are left out: {told}."


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


def pictures_of(judged: Judged, data: Dataset) -> Pictures:
    """Return the pixels of all images that a page shows.

    Args:
        judged: names them by their positions.
        data: that was judged.
    """
    source = data.test if judged.split == "test" else data.train
    near = {each.index for mistake in judged.answers for each in mistake.neighbours}
    return Pictures(
        source.pictures(mistake.index for mistake in judged.answers),
        data.train.pictures(near),
    )


def tempered_by(
    run: Run, data: Dataset, split: str, labels: Labels, probabilities: Probabilities
) -> dict[str, Tempering]:
    """Fit a temperature on the images that a run held out, and say what it does to some answers.

    Args:
        run: trained.
        data: what it was trained on.
        split: that was judged.
        labels: true classes of the images judged.
        probabilities: the run's, of them.

    Returns:
        By split, "validation" among them; empty where no images were held out, or the model cannot be asked about them.
    """
    if not run.environment.get("held_out") or data.fingerprint != run.environment.get("fingerprint"):
        return {}
    try:
        held, answers = run_predictions(run, data, "validation")
    except ModelError:
        return {}
    value = fit_temperature(held.labels, answers)
    effects = {"validation": tempering(held.labels, answers, value)}
    return effects if split == "validation" else effects | {split: tempering(labels, probabilities, value)}


def temperature_report(model: str, data: Dataset) -> tuple[int | None, dict[str, Tempering]]:
    """Return the seed of a run that was just evaluated, and what a temperature does to its answers.

    Args:
        model: a run's folder; anything else has neither.
        data: that it was evaluated on.
    """
    if not is_run(Path(model)):
        return None, {}
    run = open_run(model)
    kept = run.predictions
    return run.environment["seed"], tempered_by(run, data, kept.split, kept.labels, kept.probabilities)


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
        temperature=tempered_by(run, data, seen.split.name, seen.split.labels, seen.probabilities),
        sets=_sets(run, data, seen),
        first=seen.answers(np.arange(min(FIRST, len(seen.split)))),
        top_losses=_top_losses(seen),
        confused_examples=tuple(
            seen.mistakes(EXAMPLES, true=pair.true, predicted=pair.predicted) for pair in verdict.most_confused[:PAIRS]
        ),
    )


SET_COVERAGES = (0.9, 0.95, 0.99)


def _sets(run: Run, data: Dataset, seen: Interpretation) -> tuple[PredictionSets, ...]:
    """Return prediction sets of the test images; none where there is nothing to calibrate them on.

    The images that they are calibrated on are no proof of them, so a run that was not evaluated has none.
    """
    if seen.split.name != "test" or not run.environment.get("held_out"):
        return ()
    try:
        known = held_out_answers(run, data)
    except ModelError:
        return ()
    return tuple(
        judge_sets(seen.split.labels, seen.probabilities, seen.class_names, known, coverage, per_class=per_class)
        for coverage in SET_COVERAGES
        for per_class in (False, True)
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
        temperature={},
        first=_kept_answers(kept, np.arange(min(FIRST, len(kept.labels)))),
        top_losses=_kept_answers(kept, choose(kept.labels, kept.probabilities, count=TOP_LOSSES)),
        confused_examples=tuple(_kept_examples(kept, pair) for pair in verdict.most_confused[:PAIRS]),
        pictures_missing=why,
    )


def _kept_answers(kept: Predictions, positions: np.ndarray) -> tuple[Answer, ...]:
    return answers_at(positions, kept.labels, kept.probabilities, kept.indices)


def _kept_examples(kept: Predictions, pair: ConfusedPair) -> tuple[Answer, ...]:
    true, predicted = (kept.class_names.index(name) for name in (pair.true, pair.predicted))
    worst = choose(kept.labels, kept.probabilities, count=EXAMPLES, true=true, predicted=predicted)
    return _kept_answers(kept, worst)


KINDS = {"train": "training", "validation": "validation", "test": "test"}


def score_sentence(judged: Judged) -> str:
    """Say which known scores a score is above, below, or not told apart from, by its interval."""
    low, high = judged.score.accuracy_interval
    below = [each.who for each in judged.references if each.accuracy < low]
    same = [each.who for each in judged.references if low <= each.accuracy <= high]
    above = [each.who for each in judged.references if each.accuracy > high]
    parts = [
        f"{words} {listed(names)}"
        for words, names in (("above", below), ("not to be told apart from", same), ("below", above))
        if names
    ]
    where = "; ".join(parts) or "the only score here: none is known for this dataset"
    caution = "" if judged.split == "test" else " The known scores are test scores and this is not, so this is a hint."
    return f"With its interval, {judged.score.accuracy:.4f} is {where}.{caution}"


def calibration_sentence(judged: Judged) -> str:
    """Say whether the confidence of the model is what its accuracy warrants."""
    score = judged.score
    claimed, (low, high) = score.calibrated.confidence, score.accuracy_interval
    figures = f"its mean confidence is {100 * claimed:.1f} %, its accuracy {100 * score.accuracy:.1f} %"
    if claimed > high:
        return f"The model is overconfident: {figures}."
    if claimed < low:
        return f"The model is underconfident: {figures}."
    return f"On average the model is well calibrated: {figures}."


def temperature_sentence(judged: Judged) -> str:
    """Say what the temperature does, or why there is none."""
    if not judged.temperature:
        return (
            "No temperature is fitted: that takes images that were held out of training, as with --validation 10000, "
            "and never the test images."
        )
    on, fitted_on = judged.temperature[judged.split], judged.temperature["validation"].n
    return (
        f"A temperature of {on.temperature:.2f}, fitted on {counted(fitted_on, 'validation image')}, "
        f"{'lowers' if on.temperature > 1 else 'raises'} every confidence and changes no predicted class: the "
        f"calibration error goes from {on.calibration_error[0]:.4f} to {on.calibration_error[1]:.4f}, the log loss "
        f"from {on.log_loss[0]:.4f} to {on.log_loss[1]:.4f}."
    )


def sets_sentence(judged: Judged) -> str:
    """Say what prediction sets are for, at the coverage in the middle."""
    at = next(one for one in judged.sets if one.asked == SET_COVERAGES[1] and not one.per_class)
    low, high = at.expected
    within = (
        "as expected" if low <= at.coverage <= high else f"not within the {low:.4f} to {high:.4f} that chance gives"
    )
    return (
        f"Where one class is too little to be told, the network can name all that an image may be. So that "
        f"{100 * at.asked:g} % of these sets hold the true class, a class is in a set from a probability of "
        f"{at.thresholds[0]:.4f} on, the most probable one always: {at.coverage:.4f} of the "
        f"{counted(at.n, 'test image')} have the true class in theirs, {within}, and "
        f"{at.sizes[0]:,} sets name one class alone."
    )


COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


def coverage_rows(judged: Judged) -> tuple[RiskCoverage, ...]:
    """Return the points of the curve that a table shows: the smallest coverage at or above each of a few shares."""
    points = judged.score.risk_coverage
    chosen = [
        min((one for one in points if one.coverage >= share - 1e-9), key=lambda one: one.n) for share in COVERAGES
    ]
    return tuple(dict.fromkeys(chosen))


def wrong_sentence(judged: Judged) -> str:
    """Say how many images are classified wrongly."""
    if not judged.wrong:
        return f"All {counted(judged.score.n, 'image')} are classified correctly."
    return (
        f"{judged.wrong:,} of {counted(judged.score.n, 'image')} {'is' if judged.wrong == 1 else 'are'} misclassified."
    )


def looks_sentence(looks: int) -> str:
    """Say how often the test split was looked at, and what that means."""
    if looks == 0:
        return "No test looks: the model has not been evaluated on the test images."
    if looks == 1:
        return "1 test look: the test images were used once, after training was over, so the score is unbiased."
    return (
        f"{counted(looks, 'test look')}. Every look after the first can influence choices, so the score may be "
        "slightly too high."
    )
