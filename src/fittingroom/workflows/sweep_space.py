"""What a sweep varies: a TOML file of ranges and lists over the recipe's own settings, checked before anything runs.

::

    recipe = "92"            # what is varied; the walk-through's recipe if left out

    [settings]               # what is another from the start, and the same in every trial
    epochs = 6

    [space]                  # what is varied
    learning_rate = { low = 0.005, high = 0.2, log = true }
    batch_size = { low = 64, high = 512, step = 64 }
    label_smoothing = { low = 0.0, high = 0.3 }
    optimizer = ["sgd", "adam"]
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import UsageError
from fittingroom.files import read_toml
from fittingroom.lookup import look_up, suggest
from fittingroom.recipes import load_recipe
from fittingroom.training import Recipe
from fittingroom.training.recipe import AUTO, checked, expectation
from fittingroom.words import counted, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = ("recipe", "settings", "space")
OFF = "none"  # switches a setting off that can be off: TOML has no other word for it
RANGE_KEYS = ("low", "high", "step", "log")
SETTINGS = {entry.name: entry for entry in dataclasses.fields(Recipe)}
NOT_VARIED = ("device", "trace", "pixels")  # where and how it is computed, and what a network was made for
USED_BY: Mapping[str, tuple[str, tuple[Any, ...], str]] = {  # a setting, and what another must be for it to matter
    "momentum": ("optimizer", ("sgd", "muon"), "sgd and muon"),
    "nesterov": ("optimizer", ("sgd",), "sgd"),
    "averaging_decay": ("averaging", ("ema", "lookahead"), "ema and lookahead"),
    "averaging_every": ("averaging", ("ema", "lookahead"), "ema and lookahead"),
}
MOST_COMBINATIONS = 1_000  # of a grid
TRIALS = 40  # where nobody says how many
PART = 6  # a held-out part is a sixth of the training images where nobody says otherwise ...
MOST_HELD_OUT = 10_000  # ... and at most so many
SLACK = 1e-9  # of a step, by which a range may miss a whole number of steps: floats


@dataclass(frozen=True)
class Dimension:
    """One setting that is varied: a range of numbers, or a list of values.

    Attributes:
        name: of the recipe's setting.
        low: the smallest value of a range; None for a list.
        high: the largest.
        step: between two values; None for any value between, which for whole numbers is 1.
        log: whether a tenth and ten times as much are equally far.
        choices: of a list; empty for a range.
    """

    name: str
    low: float | int | None = None
    high: float | int | None = None
    step: float | int | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return isinstance(self.low, int)

    def grid(self) -> list[Any]:
        """Return every value, for a grid.

        Raises:
            UsageError: a range without a step has endlessly many.

        Example:
            >>> Dimension("batch_size", 64, 256, 64).grid()
            [64, 128, 192, 256]
        """
        if self.choices:
            return list(self.choices)
        step = self.step or (1 if self.is_whole and not self.log else None)
        if step is None or self.low is None or self.high is None:
            raise UsageError(
                f"[space] {self.name}: expected a step or a list of values for a grid, received a range without one."
            )
        count = math.floor((self.high - self.low) / step + SLACK) + 1
        if count > MOST_COMBINATIONS:
            raise UsageError(f"[space] {self.name}: expected at most {MOST_COMBINATIONS:,} values, received {count:,}.")
        values = [self.low + number * step for number in range(count)]
        return values if self.is_whole else [round(value, 12) for value in values]

    def words(self) -> str:
        """Return it in words.

        Example:
            >>> Dimension("learning_rate", 0.01, 1.0, log=True).words()
            '0.01 to 1, by factors'
        """
        if self.choices:
            return listed([str(value) for value in self.choices])
        step = "" if self.step is None else f" in steps of {self.step:g}"
        return f"{self.low:g} to {self.high:g}{step}{', by factors' if self.log else ''}"


@dataclass(frozen=True)
class SweepSpace:
    """A space file as it was read.

    Attributes:
        name: of the file, without its ending.
        recipe: name or path of the recipe that is varied; None for the walk-through's.
        settings: what is another from the start.
        dimensions: what is varied, in the order of the file.
    """

    name: str
    recipe: str | None
    settings: Mapping[str, Any]
    dimensions: tuple[Dimension, ...]

    def origin(self) -> Recipe:
        """Return the recipe that the file names."""
        return Recipe() if self.recipe is None else load_recipe(self.recipe)

    def base(self) -> Recipe:
        """Return the recipe that is varied: the one that is named, with what is another from the start."""
        return self.origin().replace(**self.settings)

    def most_epochs(self, base: Recipe) -> int:
        """Return how many epochs the longest trial has."""
        for each in self.dimensions:
            if each.name == "epochs":
                return int(max(each.choices or (each.high or 1,)))
        return base.epochs

    def models(self, base: Recipe) -> list[str | None]:
        """Return the networks of the trials, by name; None for the default one."""
        varied = [each.choices for each in self.dimensions if each.name == "model"]
        return list(varied[0]) if varied else [base.model]

    def combinations(self) -> list[dict[str, Any]]:
        """Return every combination of values, for a grid.

        Raises:
            UsageError: there are endlessly or too many.
        """
        values = [each.grid() for each in self.dimensions]
        count = math.prod(len(each) for each in values)
        if count > MOST_COMBINATIONS:
            raise UsageError(
                f"Expected a grid of at most {counted(MOST_COMBINATIONS, 'combination')}, received {count:,}. Take "
                "fewer values or larger steps, or --sampler random."
            )
        names = [each.name for each in self.dimensions]
        return [dict(zip(names, one, strict=True)) for one in itertools.product(*values)]

    def as_dict(self) -> dict[str, Any]:
        """Return what is varied as plain values, as a sweep's folder keeps it."""
        return {each.name: dataclasses.asdict(each) | {"choices": list(each.choices)} for each in self.dimensions}


def read_space(source: str | Path | Mapping[str, Any]) -> SweepSpace:
    """Return a space, checked.

    Args:
        source: a TOML file, or its values as a mapping.

    Raises:
        UsageError: no such file, not TOML, an unknown name (a close one is suggested), a value that does not fit its
            setting, or nothing to vary.
    """
    if isinstance(source, str | Path):
        where, found = str(source), read_toml(Path(source), raises=UsageError)
        name = Path(source).stem
    else:
        where, found, name = "space", dict(source), "space"
    for key in found:
        if key not in KEYS:
            hint = "What is varied stands under [space]." if key in SETTINGS else suggest(key, KEYS)
            raise UsageError(f"{where}: unknown key '{key}'. {hint}")
    recipe = found.get("recipe")
    if recipe is not None and not isinstance(recipe, str):
        raise UsageError(f"{where}: recipe: expected a recipe's name or its TOML file, received {recipe!r}.")
    if recipe is not None and isinstance(source, str | Path) and (Path(source).parent / recipe).is_file():
        recipe = str(Path(source).parent / recipe)
    settings, space = (_table(found.get(key, {}), f"{where}: [{key}]") for key in ("settings", "space"))
    settings = {key: None if _is_off(key, value) else value for key, value in settings.items()}
    try:
        _refuse_twice(settings, space)
        base = SweepSpace(name, recipe, settings, ()).base()
        dimensions = tuple(_dimension(setting, value) for setting, value in space.items())
        _refuse_without_effect(dimensions, base)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if not dimensions:
        raise UsageError(
            f"{where}: expected something to vary, found nothing under [space]. Such as: learning_rate = {{ low = "
            "0.001, high = 0.1, log = true }."
        )
    return SweepSpace(name, recipe, settings, dimensions)


def space_toml(source: Mapping[str, Any]) -> str:
    """Return a space, given as `read_space` takes it, as the text of its TOML file.

    Example:
        >>> print(space_toml({"settings": {"gradient_clip": None}, "space": {"epochs": [1, 2]}}))
        [settings]
        gradient_clip = "none"
        <BLANKLINE>
        [space]
        epochs = [
            1,
            2,
        ]
        <BLANKLINE>
    """
    import tomli_w

    def worded(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: worded(each) for key, each in value.items() if key != "step" or each is not None}
        if isinstance(value, list | tuple):
            return [worded(each) for each in value]
        return OFF if value is None else value

    return tomli_w.dumps(worded(dict(source)))


def trial_count(space: SweepSpace, sampler: str, trials: int | None) -> int:
    """Return how many trials a sweep is to have.

    Args:
        space: what is varied.
        sampler: "tpe", "random" or "grid".
        trials: as they were asked for; None for 40, or for every combination of a grid.

    Raises:
        UsageError: a grid with other than all its combinations, or with too many.
    """
    if sampler != "grid":
        return trials or TRIALS
    size = len(space.combinations())
    if trials not in (None, size):
        raise UsageError(
            f"--trials: expected all {counted(size, 'combination')} of the grid, received {trials}. Leave --trials "
            "out, take fewer values, or --sampler random."
        )
    return size


def held_out_sizes(images: int, validation: int | None, second: int | None) -> tuple[int, int]:
    """Return how many images the two held-out parts have, each stratified and apart from the other.

    Args:
        images: how many training images there are.
        validation: of the first part; None for a sixth of the training images, 10,000 at most.
        second: of the second; likewise.

    Raises:
        UsageError: nothing would be left to train on.

    Example:
        >>> held_out_sizes(60_000, None, 5_000)
        (10000, 5000)
    """
    usual = max(1, min(MOST_HELD_OUT, images // PART))
    first, other = validation or usual, second or usual
    if first + other >= images:
        raise UsageError(
            f"Expected two held-out parts with fewer than the {counted(images, 'training image')} together, received "
            f"{first:,} and {other:,}. Take smaller ones: --validation, --second."
        )
    return first, other


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: expected a table of settings, received {value!r}.")
    return value


def _is_off(name: str, value: object) -> bool:
    """Say whether a value switches a setting off that can be off."""
    return name in SETTINGS and str(SETTINGS[name].type).endswith("None") and value in (OFF, None)


def _refuse_twice(settings: Mapping[str, Any], space: Mapping[str, Any]) -> None:
    for name in settings:
        if name in space:
            raise UsageError(f"{name} stands under [settings] and under [space]. Leave one out.")


def _dimension(name: str, value: object) -> Dimension:
    entry = look_up(name, SETTINGS, "recipe setting")
    if name in NOT_VARIED:
        raise UsageError(f"{name} cannot be varied: it says how a training is computed. Put it under [settings].")
    if isinstance(value, list):
        return _list(entry, value)
    if not isinstance(value, dict):
        raise UsageError(
            f"[space] {name}: expected a list of values, or low and high, received {value!r}. A value that is the same "
            "in every trial stands under [settings]."
        )
    return _range(entry, value)


def _list(entry: dataclasses.Field[Any], values: list[Any]) -> Dimension:
    fitting = [None if _is_off(entry.name, value) else checked(entry, value) for value in values]
    twice = [value for place, value in enumerate(fitting) if value in fitting[:place]]
    if twice:
        raise UsageError(f"[space] {entry.name}: expected each value once, received {twice[0]!r} twice.")
    if len(fitting) < 2:
        raise UsageError(
            f"[space] {entry.name}: expected two or more values to choose from, received {values!r}: there is nothing "
            "to vary. A single value stands under [settings]."
        )
    return Dimension(entry.name, choices=tuple(fitting))


def _range(entry: dataclasses.Field[Any], given: Mapping[str, Any]) -> Dimension:
    name, kind = entry.name, str(entry.type).partition(" | ")[0]
    if kind not in ("int", "float"):
        raise UsageError(f"[space] {name}: expected a list of values ({expectation(entry)}), received a range.")
    for key in given:
        if key not in RANGE_KEYS:
            raise UsageError(f"[space] {name}: unknown key '{key}'. {suggest(key, RANGE_KEYS)}")
    for key in ("low", "high"):
        if key not in given:
            raise UsageError(f"[space] {name}: expected low and high, found no {key}.")
    low, high = _number(entry, given["low"]), _number(entry, given["high"])
    step, log = given.get("step"), given.get("log", False)
    if not low < high:
        raise UsageError(
            f"[space] {name}: expected low below high, received {low:g} and {high:g}: there is nothing to vary. A "
            "single value stands under [settings]."
        )
    if not isinstance(log, bool):
        raise UsageError(f"[space] {name}: log: expected true or false, received {log!r}.")
    if log and (low <= 0 or step is not None):
        raise UsageError(f"[space] {name}: log = true needs a low above 0, and no step.")
    return Dimension(name, low, high, None if step is None else _step(name, kind, step, high - low), log)


def _number(entry: dataclasses.Field[Any], value: object) -> Any:
    if value == AUTO:
        raise UsageError(f"[space] {entry.name}: expected numbers for low and high, received 'auto'.")
    return checked(entry, value)


def _step(name: str, kind: str, step: object, span: float | int) -> float | int:
    fits = type(step) is int or (kind == "float" and type(step) is float)
    if not fits or not isinstance(step, int | float) or not 0 < step <= span:
        what = "a whole number" if kind == "int" else "a number"
        raise UsageError(f"[space] {name}: step: expected {what} above 0, at most high - low, received {step!r}.")
    steps = span / step
    if abs(steps - round(steps)) > SLACK * max(1.0, steps):
        raise UsageError(
            f"[space] {name}: expected high to be low and a whole number of steps, received a range of {span:g} in "
            f"steps of {step:g}."
        )
    return step if kind == "int" else float(step)


def _refuse_without_effect(dimensions: tuple[Dimension, ...], base: Recipe) -> None:
    """Raise for a setting that no trial would use, since what it belongs to is switched off in all of them."""
    varied = {each.name: each.choices for each in dimensions}
    for name in varied:
        other, needed, words = USED_BY.get(name, ("", (), ""))
        if other and not {*needed} & {*varied.get(other, (getattr(base, other),))}:
            raise UsageError(
                f"[space] {name} is used only where {other} is {words}, and every trial has {getattr(base, other)}. "
                f"Put {other} under [settings], or leave {name} out."
            )
