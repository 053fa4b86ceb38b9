"""Gates: the least that a score has to be, for scripts that go on only then."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fittingroom.errors import UsageError
from fittingroom.lookup import look_up

if TYPE_CHECKING:
    from fittingroom.judging.verdict import Verdict

OF_ALL = ("accuracy", "top_2_accuracy")
OF_A_CLASS = ("recall", "precision", "f1")


@dataclass(frozen=True)
class QualityGate:
    """One condition.

    Attributes:
        score: "accuracy", "top_2_accuracy", or "recall", "precision", "f1" of a class.
        at_least: a fraction in 0..1.
        class_name: whose score, or None for a score of all samples.
    """

    score: str
    at_least: float
    class_name: str | None = None

    def __str__(self) -> str:
        return self.score if self.class_name is None else f"{self.score}.{self.class_name}"


def parse_gate(text: str) -> QualityGate:
    """Return the gate that a text such as ``accuracy=0.88`` or ``recall.Shirt=0.6`` describes.

    Raises:
        UsageError: another form, an unknown score, or a number outside 0..1.

    Example:
        >>> parse_gate("recall.Shirt=0.6")
        Gate(score='recall', at_least=0.6, class_name='Shirt')
    """
    name, equals, number = text.rpartition("=")
    score, dot, class_name = name.partition(".")
    if not equals or not score:
        raise UsageError(f"--fail-under '{text}': expected SCORE=NUMBER, as in accuracy=0.88 or recall.Shirt=0.6.")
    look_up(score, dict.fromkeys(OF_ALL + OF_A_CLASS), "score")
    if (score in OF_A_CLASS) != bool(dot and class_name):
        wanted = f"{score}.CLASS=NUMBER" if score in OF_A_CLASS else f"{score}=NUMBER"
        raise UsageError(f"--fail-under '{text}': expected {wanted}.")
    return QualityGate(score, _fraction(text, number), class_name or None)


def _fraction(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise UsageError(f"--fail-under '{text}': expected a fraction from 0 to 1, received '{number}'.")
    return value


def check_gates(verdict: Verdict, gates: tuple[QualityGate, ...]) -> tuple[str, ...]:
    """Return why a verdict does not pass, a sentence for each gate that it fails; empty where it passes.

    Raises:
        UsageError: a gate names a class that is not there.
    """
    return tuple(reason for gate in gates if (reason := _reason(verdict, gate)))


def _reason(verdict: Verdict, gate: QualityGate) -> str | None:
    value = _value(verdict, gate)
    if value is None:
        why = "there is no sample to count, or it needs probabilities"
        return f"{gate} is not defined: {why}. At least {gate.at_least:g} was asked for."
    return None if value >= gate.at_least else f"{gate} is {value:.4f}, below {gate.at_least:g}."


def _value(verdict: Verdict, gate: QualityGate) -> float | None:
    if gate.class_name is None:
        whole: float | None = getattr(verdict, gate.score)
        return whole
    by_name = {score.name.casefold(): score for score in verdict.classes}
    found = by_name.get(gate.class_name.casefold())
    if found is None:
        look_up(gate.class_name, {score.name: score for score in verdict.classes}, "class")
    value: float | None = getattr(found, gate.score)
    return value
