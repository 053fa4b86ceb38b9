"""Gates: the least that a score has to be, for scripts that go on only then."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from fittingroom.errors import UsageError
from fittingroom.lookup import look_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.judging.verdict import Verdict

OF_ALL = ("accuracy", "top_2_accuracy")
OF_A_CLASS = ("recall", "precision", "f1")


QualityGate: TypeAlias = tuple[str, float]  # a score, "accuracy" or "recall.Shirt", and the least that it has to be


def parse_gate(text: str) -> QualityGate:
    """Return the gate that a text such as ``accuracy=0.88`` or ``recall.Shirt=0.6`` describes.

    Raises:
        UsageError: another form, an unknown score, or a number outside 0..1.

    Example:
        >>> parse_gate("recall.Shirt=0.6")
        ('recall.Shirt', 0.6)
    """
    name, equals, number = text.rpartition("=")
    score, dot, class_name = name.partition(".")
    if not equals or not score:
        raise UsageError(f"--fail-under '{text}': expected SCORE=NUMBER, as in accuracy=0.88 or recall.Shirt=0.6.")
    look_up(score, dict.fromkeys(OF_ALL + OF_A_CLASS), "score")
    if (score in OF_A_CLASS) != bool(dot and class_name):
        wanted = f"{score}.CLASS=NUMBER" if score in OF_A_CLASS else f"{score}=NUMBER"
        raise UsageError(f"--fail-under '{text}': expected {wanted}.")
    return name, _fraction(text, number)


def _fraction(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise UsageError(f"--fail-under '{text}': expected a fraction from 0 to 1, received '{number}'.")
    return value


def check_gates(verdict: Verdict, gates: Sequence[QualityGate]) -> tuple[str, ...]:
    """Return why a verdict does not pass, a sentence for each gate that it fails; empty where it passes.

    Raises:
        UsageError: a gate names a class that is not there.
    """
    return tuple(reason for name, at_least in gates if (reason := _reason(verdict, name, at_least)))


def _reason(verdict: Verdict, name: str, at_least: float) -> str | None:
    value = _value(verdict, name)
    if value is None:
        why = "there is no sample to count, or it needs probabilities"
        return f"{name} is not defined: {why}. At least {at_least:g} was asked for."
    return None if value >= at_least else f"{name} is {value:.4f}, below {at_least:g}."


def _value(verdict: Verdict, name: str) -> float | None:
    score, dot, class_name = name.partition(".")
    by_name = {each.name.casefold(): each for each in verdict.classes}
    if dot and class_name.casefold() not in by_name:
        look_up(class_name, {each.name: each for each in verdict.classes}, "class")
    value: float | None = getattr(by_name[class_name.casefold()] if dot else verdict, score)
    return value
