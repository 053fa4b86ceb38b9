"""Answers that were judged, for a page: the verdict, the temperature, the images to look at, their figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fittingroom.data import Dataset, Log, no_log
from fittingroom.errors import ModelError
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.judging import fit_temperature, judge, references_for, tempering, too_good_warning
from fittingroom.pages.answers import Pictures, answers_at, choose, said_words
from fittingroom.pages.curves import coverage_figure, reliability_figure
from fittingroom.pages.figures import pair_figure
from fittingroom.pages.html import inline_svg, picture_uri
from fittingroom.pages.interpretation import interpret
from fittingroom.runs import is_run, open_run
from fittingroom.workflows.run_data import dataset_judged, kept_predictions, run_predictions

if TYPE_CHECKING:
    from markupsafe import Markup

    from fittingroom.arrays import Array, Labels, Probabilities
    from fittingroom.judging import ConfusedPair, Reference, Tempering, Verdict
    from fittingroom.pages.answers import Answer
    from fittingroom.pages.interpretation import Interpretation
    from fittingroom.runs import Predictions, Run


JudgedSplit = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class PairExamples:
    """One class taken for another, with images of it.

    Attributes:
        pair: the two classes, and how often.
        examples: the highest losses among them.
    """

    pair: ConfusedPair
    examples: tuple[Answer, ...]


@dataclass(frozen=True)
class Tempered:
    """What one number, fitted on validation images, does to the model's sureness.

    Attributes:
        on_validation: where it was fitted.
        on_judged: on the images judged; the same where those are the validation images.
    """

    on_validation: Tempering
    on_judged: Tempering


@dataclass(frozen=True)
class Judged:
    """Answers about one split, judged.

    Attributes:
        split: "train", "validation" or "test".
        dataset: its name.
        fingerprint: of the data.
        class_names: by label.
        score: the verdict.
        wrong: how many images are named wrongly.
        references: known scores on the test images of this dataset.
        warning: why the score is too good to be true, or None.
        temperature: None where no images were held out to fit it on.
        first: the first fifteen images of the split.
        top_losses: the highest losses, the training images most like each beside them.
        confused: the pairs of classes most often confused, with examples.
        pictures_missing: why there are no pictures; empty where there are.
    """

    split: JudgedSplit
    dataset: str
    fingerprint: str
    class_names: tuple[str, ...]
    score: Verdict
    wrong: int
    references: tuple[Reference, ...]
    warning: str | None
    temperature: Tempered | None
    first: tuple[Answer, ...]
    top_losses: tuple[Answer, ...]
    confused: tuple[PairExamples, ...]
    pictures_missing: str = ""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every image on the page, some more than once."""
        return (*self.first, *self.top_losses, *(each for pair in self.confused for each in pair.examples))


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
        images; ``judged`` and ``train``, addresses of pictures by position in the file.
    """
    after = judged.temperature.on_judged.curve if judged.temperature else ()
    first = judged.first if with_first and pictures.judged else ()
    return {
        "reliability": inline_svg(
            reliability_figure(judged.score.calibrated.curve, after), _reliability_words(judged), "reliability"
        ),
        "coverage": inline_svg(coverage_figure(judged.score.risk_coverage), _coverage_words(judged), "coverage"),
        "first": [
            pair(answer, pictures.judged[answer.index], judged.split, judged.class_names, palette) for answer in first
        ],
        "judged": {index: picture_uri(image) for index, image in pictures.judged.items()},
        "train": {index: picture_uri(image) for index, image in pictures.train.items()},
    }


def pair(answer: Answer, image: Array, split: str, class_names: tuple[str, ...], palette: str) -> Markup:
    """Return a picture beside the bars of what was said of it, a cell of a grid, as an ``<svg>``."""
    figure = pair_figure(answer, image, class_names, palette)
    return inline_svg(figure, said_words(answer, split, class_names), f"pair{answer.index}")


def _reliability_words(judged: Judged) -> str:
    gap = judged.score.calibrated
    told = ", ".join(
        f"{one.confidence:.2f} sure, {one.accuracy:.2f} right" for one in gap.curve if one.confidence is not None
    )
    return f"Share right by confidence, in {gap.bins} bins: {told}."


def _coverage_words(judged: Judged) -> str:
    told = ", ".join(
        f"{point.coverage:.0%} answered, {point.accuracy:.4f} right" for point in judged.score.risk_coverage
    )
    return f"Accuracy where the least certain may be declined: {told}."


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
        held, answers = run_predictions(run, data, "validation")
    except ModelError:
        return None
    value = fit_temperature(held.labels, answers)
    return Tempered(tempering(held.labels, answers, value), tempering(labels, probabilities, value))


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
