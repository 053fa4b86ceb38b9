"""`fittingroom models`, `recipes` and `glossary`: what there is to train and how, and what the words mean."""

from __future__ import annotations

from typing import Any

from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json, table
from fittingroom.models import build
from fittingroom.models import list_models as architectures


def list_models(*, json: Json = False) -> None:
    """Print the architectures by name."""
    rows = architectures()
    if json:
        emit_json({"schema": "fittingroom/models/1", "models": rows})
    else:
        emit(table(["name", "what", "source"], [tuple(row.values()) for row in rows]))


def model_info(name: str = "walkthrough", *, json: Json = False) -> None:
    """Print the layers and parameters of an architecture, for 28x28 images and ten classes.

    Args:
        name: as `fittingroom models list` gives it.
    """
    from fittingroom.pages.run.gather import summary

    model = build(name)
    if json:
        layers = [{"name": layer.name, "class": type(layer).__name__} for layer in model.layers]
        emit_json({"schema": "fittingroom/model/1", "name": name, "parameters": model.count_params(), "layers": layers})
    else:
        emit(summary(model))


def list_recipes(*, json: Json = False) -> None:
    """Print the ladder: each recipe with its network, and its measured accuracy and seconds on two cores."""
    from fittingroom.ladder.ladder_table import list_recipes as recipes

    rows = recipes()
    if json:
        emit_json({"schema": "fittingroom/recipes/1", "recipes": rows})
        return
    header = ["recipe", "network", "epochs", "test accuracy", "sd", "seeds", "seconds", "MFLOP", "parameters"]
    emit(table(header, [_cells(row) for row in rows]))


def _cells(row: dict[str, Any]) -> list[str]:
    forms = {"mean": ".4f", "sd": ".4f", "n": "d", "seconds": ".1f", "mflop": ".2f", "parameters": ",d"}
    numbers = ["-" if row[key] is None else format(row[key], form) for key, form in forms.items()]
    return [row["name"], row["model"] or "-", str(row["epochs"]), *numbers]


def show_recipe(name: str) -> None:
    """Print a recipe's file, to read, copy and change.

    Args:
        name: as `fittingroom recipes list` gives it.
    """
    from fittingroom.recipes import find_recipe

    emit(find_recipe(name).read_text("utf-8").rstrip("\n"))


def glossary(word: str | None = None, *, json: Json = False) -> None:
    """Print what a technical word means, with an example; all of them if left out.

    Args:
        word: such as epoch, seed or calibration.
    """
    from fittingroom.pages.glossary import GLOSSARY, define

    chosen = {each: define(each) for each in (GLOSSARY if word is None else [word])}
    if json:
        emit_json({"schema": "fittingroom/glossary/1", "words": chosen})
    else:
        emit("\n\n".join(f"{each}: {meaning}" for each, meaning in chosen.items()))
