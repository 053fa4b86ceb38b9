"""The sentences of a run's page: each follows from the numbers, and says something else where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.pages.tutorial_text import times

if TYPE_CHECKING:
    from fittingroom.judging import RiskCoverage
    from fittingroom.pages.judged import Judged
    from fittingroom.pages.run.values import RunReport


DECLINED = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


KINDS = {"train": "training", "validation": "validation", "test": "test"}


def status_sentence(report: RunReport) -> str:
    """Say at the top of a run's page which figures it may hold."""
    judged = report.judged
    if judged is None:
        return f"Training curves only: {report.no_score}."
    if judged.split != "test":
        return "Validation figures only: this run has not been tested. `fittingroom evaluate` does that, once."
    other = "" if judged.fingerprint == report.fingerprint else f", of {judged.dataset}, which it did not learn from"
    return f"Test figures{other}: this run has met the test split {times(report.test_looks)}."


def standing_sentence(judged: Judged) -> str:
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
    where = "; ".join(parts) or "beside no known score of this dataset"
    caution = "" if judged.split == "test" else " Those are test scores, and this is not one: it only hints."
    return f"With its interval, {judged.score.accuracy:.4f} is {where}.{caution}"


def sureness_sentence(judged: Judged) -> str:
    """Say whether the model is as sure as it should be."""
    score = judged.score
    claimed, (low, high) = score.calibrated.confidence, score.accuracy_interval
    said = f"on average it is {100 * claimed:.1f} % sure and right in {100 * score.accuracy:.1f} %"
    if claimed > high:
        return f"It is too sure of itself: {said}."
    if claimed < low:
        return f"It is less sure than it could be: {said}."
    return f"It is about as sure as it should be: {said}."


def tempering_sentence(judged: Judged) -> str:
    """Say what the temperature does, or why there is none."""
    if judged.temperature is None:
        return (
            "No temperature is fitted: that takes images that were held out of training, as with --validation 10000, "
            "and never the test images."
        )
    on, value = judged.temperature.on_judged, judged.temperature.on_judged.temperature
    effect = "less sure" if value > 1 else "surer"
    return (
        f"A temperature of {value:.2f}, fitted on {judged.temperature.on_validation.n:,} validation images, makes "
        f"every answer {effect} and changes none: the calibration error goes from {on.calibration_error[0]:.4f} to "
        f"{on.calibration_error[1]:.4f}, the log loss from {on.log_loss[0]:.4f} to {on.log_loss[1]:.4f}."
    )


def declining(judged: Judged) -> tuple[RiskCoverage, ...]:
    """Return the points of the curve that a table shows: the smallest coverage at or above each of a few shares."""
    points = judged.score.risk_coverage
    chosen = [min((one for one in points if one.coverage >= share - 1e-9), key=lambda one: one.n) for share in DECLINED]
    return tuple(dict.fromkeys(chosen))


def wrong_sentence(judged: Judged) -> str:
    """Say how many images are named wrongly."""
    if not judged.wrong:
        return f"All {judged.score.n:,} images are named rightly."
    return f"{judged.wrong:,} of {judged.score.n:,} images are named wrongly."


def listed(names: list[str]) -> str:
    """Return names as a list in words.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
