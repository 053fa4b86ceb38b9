"""What a sweep's page says, as plain values, and the sentences that follow from them: every number on it is here."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.words import counted, listed
from fittingroom.workflows.sweep_finals import AS_IT_WAS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHOWN_TRIALS = 200  # rows of the table of trials; all are in trials.csv
SAMPLERS = {
    "tpe": "proposed by TPE, which looks at what the trials before came to",
    "random": "drawn at random",
    "grid": "every combination of a grid",
}


@dataclass(frozen=True)
class SweepReport:
    """Everything that a sweep came to.

    Attributes:
        folder: of the sweep.
        recipe: the name of the recipe that was varied; None for the walk-through's.
        settings: what was another from the start.
        space: what was varied: in words, by the setting's name.
        dataset: its name.
        data: what it was loaded by.
        fingerprint: of the data.
        train_n: images that each trial was trained on.
        validation_n: images of the first part, which judged the trials.
        second_n: images of the second part, which judged only what came out.
        seed: of the trials.
        threads: of each training.
        sampler: "tpe", "random" or "grid".
        pruner: "hyperband" or "none".
        trials: a row a trial, see `fittingroom.workflows.sweep_trials.trial_rows`.
        importance: each setting's share of what made trials differ, the largest first; empty where too few ended.
        front: the trials that none beats in both accuracy and cost, from the cheapest.
        finalists: the best, and the recipe that was varied, with fresh seeds; see
            `fittingroom.workflows.sweep_finals.judge_best`. Empty where that was not asked for.
        chosen: the name of the best of them; of the trials where there are no finalists.
        best: the settings of the chosen one.
        flattery: by how much the trial with the highest score flattered itself; None where that is not known.
        gain: of the chosen one over the recipe that was varied; None where that is not known.
        command: how it was called.
    """

    folder: Path
    recipe: str | None
    settings: Mapping[str, Any]
    space: Mapping[str, str]
    dataset: str
    data: str
    fingerprint: str
    train_n: int
    validation_n: int
    second_n: int
    seed: int
    threads: int
    sampler: str
    pruner: str
    trials: tuple[Mapping[str, Any], ...]
    importance: Mapping[str, float]
    front: tuple[str, ...]
    finalists: tuple[Mapping[str, Any], ...]
    chosen: str
    best: Mapping[str, Any]
    flattery: Mapping[str, Any] | None
    gain: Mapping[str, Any] | None
    command: str

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        return {"schema": "fittingroom/sweep/1", **asdict(self), "folder": str(self.folder)}

    def count(self, outcome: str) -> int:
        """Return how many trials have an outcome."""
        return sum(row["outcome"] == outcome for row in self.trials)


def setting_words(values: Mapping[str, Any]) -> str:
    """Return settings on one line.

    Example:
        >>> setting_words({"learning_rate": 0.012345, "optimizer": "sgd", "gradient_clip": None})
        'learning_rate 0.01235, optimizer sgd, gradient_clip none'
    """
    return ", ".join(f"{name} {value_words(value)}" for name, value in values.items())


def value_words(value: object) -> str:
    """Return one setting's value, short enough for a table."""
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(value: float) -> str:
    """Return a difference of accuracies in percentage points, with its sign.

    Example:
        >>> percent(0.0123), percent(-0.001)
        ('+1.23', '-0.10')
    """
    return f"{100 * value:+.2f}"


def trials_sentence(report: SweepReport) -> str:
    """Return how many trials there were and what became of them."""
    parts = [f"{report.count('done')} trained to their end"]
    parts += [f"{n} {outcome}" for outcome in ("stopped early", "failed", "under way") if (n := report.count(outcome))]
    return f"{counted(len(report.trials), 'trial')}, {SAMPLERS[report.sampler]}: {listed(parts)}."


def flattery_sentence(report: SweepReport) -> str:
    """Return by how much the best trial flattered itself; empty where that is not known."""
    told = report.flattery
    if told is None:
        return ""
    low, high = told["interval"]
    seeds = len(report.finalists[0]["by_seed"])
    start = (
        f"The best trial had {told['trial']:.4f}. Trained again with {counted(seeds, 'fresh seed')} the same settings "
        f"have {told['first']:.4f} on the same images; on those of the second part, which no trial has met, they have "
        f"{told['second']:.4f}: "
    )
    span = f"{abs(100 * told['too_high']):.2f} points (95 % {100 * low:+.2f} to {100 * high:+.2f})"
    if told["too_high"] >= 0:
        sure = "." if low > 0 else ", which is within chance."
        return f"{start}its score was too high by {span}{sure}{_easier_words(told)}"
    return f"{start}its score was lower by {span}; it has not flattered itself.{_easier_words(told)}"


def _easier_words(told: Mapping[str, Any]) -> str:
    """Return what the two parts' own difference makes of a flattery."""
    easier = told["easier"]
    if easier is None:
        return ""
    left = told["too_high"] + easier
    return (
        f" The second part is {'easier' if easier >= 0 else 'harder'} by {abs(100 * easier):.2f} points for the recipe "
        f"as it was, which nothing chose; with that, the score was {'too high' if left >= 0 else 'too low'} by "
        f"{abs(100 * left):.2f}."
    )


def train_command(report: SweepReport) -> str:
    """Return the command that trains with the chosen settings."""
    words = ["fittingroom", "train", "--recipe", str(report.folder / "best.toml"), "--dataset", report.data]
    return shlex.join(words)


def gain_sentence(report: SweepReport) -> str:
    """Return what the chosen settings gain over the recipe that was varied; empty where that is not known."""
    told = report.gain
    if told is None:
        return ""
    name = f"recipe {report.recipe}" if report.recipe else "the walk-through's recipe"
    changed = " with what [settings] changes" if report.settings else ""
    start = f"Against {name}{changed}, on the second part and paired by seed: {percent(told['mean'])} points"
    if told["interval"] is None:
        return f"{start}, of one seed alone, which tells little."
    low, high = told["interval"]
    band = f"{start} (95 % {percent(low)} to {percent(high)}, {counted(told['seeds'], 'seed')})"
    if low > 0:
        return f"{band}: better, beyond the chance of seeds."
    if high < 0:
        return f"{band}: worse, beyond the chance of seeds."
    return f"{band}: a difference cannot be told from the chance of seeds."


def finalist_name(report: SweepReport, name: str) -> str:
    """Return what a finalist is called on the page."""
    if name == AS_IT_WAS:
        return f"recipe {report.recipe} as it was" if report.recipe else "the recipe as it was"
    return name


def shown_trials(report: SweepReport) -> list[Mapping[str, Any]]:
    """Return the trials of the table: those that ended first, the best first."""

    def order(row: Mapping[str, Any]) -> tuple[int, float, int]:
        ranks = {"done": 0, "stopped early": 1, "failed": 2}
        return ranks.get(row["outcome"], 3), -(row["val_accuracy"] or 0.0), row["number"]

    return sorted(report.trials, key=order)[:SHOWN_TRIALS]


def standing_span(report: SweepReport) -> tuple[float, float]:
    """Return the ends of the line on which the finalists stand: of all their values and intervals, and a little."""
    values: Sequence[float] = [
        value
        for each in report.finalists
        if each["second"] is not None
        for value in (*each["second"]["sampling_interval"], *each["second"]["accuracies"])
    ]
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = max(0.002, 0.1 * (high - low))
    return low - margin, high + margin
