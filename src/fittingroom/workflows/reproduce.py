"""The one command that makes a run again."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS
from fittingroom.errors import RunError
from fittingroom.files import read_toml
from fittingroom.models import MODELS
from fittingroom.models.custom import SOURCE_FIELDS
from fittingroom.recipes import load_recipe, recipe_names
from fittingroom.training import Recipe
from fittingroom.workflows.training import DEFAULT_MODEL, SOURCE

if TYPE_CHECKING:
    from fittingroom.runs import Run


@dataclass(frozen=True)
class Reproduction:
    """How to make a run again.

    Attributes:
        command: one line for a shell; empty where the command line cannot.
        note: what else it takes, in one or two sentences.
    """

    command: str
    note: str


SAME = "On the same machine, with the same number of threads and the same versions, its weights are equal to the bit."


def reproduce(run: Run) -> Reproduction:
    """Return the command that makes a run again, and what else it takes.

    Args:
        run: with ``recipe.toml`` and ``environment.json``.
    """
    facts = run.environment
    recipe = Recipe.from_toml(run.folder / "recipe.toml")
    model = _model_words(run, recipe)
    held_by_hand = bool(facts.get("validation_images")) and not facts.get("held_out")
    if model is None or facts.get("dataset", "arrays") == "arrays" or held_by_hand:
        return Reproduction("", _from_python(run))
    held_out = ["--validation", str(facts["held_out"])] if facts.get("held_out") else []
    words = ["fittingroom", "train", "--dataset", facts["dataset"], *model, *recipe_words(recipe)]
    return Reproduction(shlex.join([*words, *held_out, "--seed", str(facts["seed"])]), _note(facts))


def recipe_words(recipe: Recipe) -> list[str]:
    """Return the shortest options of ``fittingroom train`` that stand for a recipe.

    Example:
        >>> recipe_words(load_recipe("90").replace(epochs=5))
        ['--recipe', '90', '--set', 'epochs=5']
    """
    bases = {name: load_recipe(name) for name in recipe_names()}
    settings = {name: differences(recipe, base) for name, base in bases.items()}
    plain = differences(recipe, Recipe())
    name = min(settings, key=lambda each: len(settings[each]))
    near = len(settings[name]) < len(plain)
    words = ["--recipe", name] if near else []
    return words + [
        word
        for key, value in (settings[name] if near else plain).items()
        for word in ("--set", f"{key}={_written(value)}")
    ]


def differences(recipe: Recipe, base: Recipe) -> dict[str, Any]:
    """Return the settings in which a recipe differs from another, with its own values."""
    other = base.as_dict()
    return {name: value for name, value in recipe.as_dict().items() if value != other[name]}


def _written(value: Any) -> str:
    """Return a setting as ``--set`` reads it."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _model_words(run: Run, recipe: Recipe) -> list[str] | None:
    """Return the option that names the architecture, none where the recipe does, None where no name is known."""
    source = run.folder / SOURCE
    if source.exists():
        values = read_toml(source, SOURCE_FIELDS, RunError)
        return ["--model", f"{values['file']}:{values['function']}"]
    name = _architecture(str(run.environment.get("model")), recipe.model or DEFAULT_MODEL)
    if name is None:
        return None
    return [] if name == (recipe.model or DEFAULT_MODEL) and recipe.model else ["--model", name]


def _architecture(built: str, asked: str) -> str | None:
    """Return the key of the table for a network's own name, which may say its kind in other words but not its widths.

    Nothing is built to find out: that would draw from the caller's random numbers.
    """
    widths = re.findall(r"\d+", built)
    if asked == built or (asked in MODELS and widths and re.findall(r"\d+", asked) == widths):
        return asked
    return next((key for key in (built, built.replace("-conv-", "-")) if key in MODELS), None)


def _note(facts: dict[str, Any]) -> str:
    if facts["dataset"] in DATASETS:
        return SAME
    return f"'{facts['dataset']}' stands for the folder that holds the data, fingerprint {facts['fingerprint']}. {SAME}"


def _from_python(run: Run) -> str:
    name = Path(run.folder).name
    return (
        f"It was trained from Python, with a model, images or held-out images that the command line has no name for. "
        f'With the same model and data: fr.train(model, data, recipe=fr.Recipe.from_toml("{name}/recipe.toml"), '
        f"seed={run.environment['seed']})."
    )
