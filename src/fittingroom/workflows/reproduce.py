"""The one command that makes a run again, read from what the run has written down."""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.data import DATASETS
from fittingroom.data.edits import EDITS
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import UsageError
from fittingroom.recipes import load_recipe, recipe_names
from fittingroom.runs import TUTORIAL
from fittingroom.training import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.runs import Run

SAME = "On the same machine, with the same number of threads and the same versions, its weights are equal to the bit."


def reproduce(run: Run) -> tuple[str, str]:
    """Return the command that makes a run again, and what else it takes.

    Args:
        run: with ``recipe.toml`` and ``environment.json``.

    Returns:
        One line for a shell, empty where the command line cannot do it; and one or two sentences.
    """
    facts = run.environment
    if (run.folder / TUTORIAL).exists():
        return str(run.read_json(TUTORIAL)["command"]), SAME
    source = facts.get("model_source")
    if not source:
        return "", (
            "This run was made before runs wrote down what they are made of, so the command that makes it again is not "
            f"known. Its settings are in {run.folder.resolve().name}/recipe.toml."
        )
    if source.get("kind") == "run":
        words = ["fittingroom", "train", "--resume", source["folder"]]
        note = f"The run must be as it was: SHA-256 of its model {source['sha256']}."
        return shlex.join([*words, "--epochs", str(source["epochs"] + run.resolved["epochs"])]), f"{SAME} {note}"
    model, data = _model_words(source), _data_words(facts)
    held_by_hand = bool(facts.get("validation_images")) and not facts.get("held_out")
    if not model or not data or held_by_hand or facts.get("compiled") or facts.get("callbacks"):
        return "", _from_python(run)
    edits = ["--edits", str(run.folder / EDITS)] if facts.get("edits") else []
    recipe = recipe_words(Recipe.from_toml(run.folder / "recipe.toml"), (facts.get("recipe") or {}).get("name"))
    held_out = ["--validation", str(facts["held_out"])] if facts.get("held_out") else []
    more = ["--snapshots"] if facts.get("snapshots") else []
    words = ["fittingroom", "train", *model, *data, *edits, *recipe, *held_out, *more, "--seed", str(facts["seed"])]
    return shlex.join(words), _note(facts, source)


def recipe_words(recipe: Recipe, name: str | None) -> list[str]:
    """Return the options of ``fittingroom train`` that stand for a recipe.

    Args:
        recipe: with all its values.
        name: of the recipe, or the TOML file, that it was made from; not used where there is none of the name now.

    Example:
        >>> recipe_words(load_recipe("90").replace(epochs=5), "90")
        ['--recipe', '90', '--set', 'epochs=5']
    """
    base, words = Recipe(), []
    if name is not None and (name in recipe_names() or Path(name).is_file()):
        with suppress(UsageError):  # the file is no recipe any more
            base, words = load_recipe(name), ["--recipe", name]
    settings = recipe.differences(base)
    return words + [word for key, value in settings.items() for word in ("--set", f"{key}={_written(value)}")]


def _written(value: Any) -> str:
    """Return a setting as ``--set`` reads it."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _model_words(source: Mapping[str, Any]) -> list[str]:
    """Return the option that names the architecture; none where the model was passed from Python."""
    if source.get("kind") == "architecture":
        return ["--model", str(source.get("name"))]
    return ["--model", f"{source.get('file')}:{source.get('function')}"] if source.get("kind") == "file" else []


def _data_words(facts: Mapping[str, Any]) -> list[str]:
    """Return the options that name the data; none where they were passed from Python."""
    if facts.get("data_folder"):
        return ["--dataset", facts["data_folder"]]
    where = ["--data-dir", facts["data_dir"]] if facts.get("data_dir") else []
    return ["--dataset", facts["dataset"], *where] if facts.get("dataset") in (*DATASETS, *KIN) else []


def _note(facts: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    folder = f" The folder must hold the data {facts.get('fingerprint')}." if facts.get("data_folder") else ""
    is_file = source.get("kind") == "file"
    file = f" {source.get('file')} must be as it was, SHA-256 {source.get('sha256')}." if is_file else ""
    return SAME + folder + file


def _from_python(run: Run) -> str:
    name, seed = run.folder.resolve().name, run.environment["seed"]
    return (
        "It was trained from Python, with a model, data, held-out images or callbacks that the command line has no "
        f'name for. With the same ones: fr.train(model, data, recipe="{name}/recipe.toml", seed={seed}).'
    )
