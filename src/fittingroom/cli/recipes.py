"""`fittingroom recipes`: the recipes of the ladder, and what each was measured to reach."""

from __future__ import annotations

from typing import Any

from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json, table


def list_(*, json: Json = False) -> None:
    """Print the ladder: each recipe with its network, and its measured accuracy and seconds on two cores."""
    from fittingroom.ladder.measured import measured
    from fittingroom.recipes import find_recipe, load_recipe, recipe_names, recipe_sha256

    figures = measured()
    rows: list[dict[str, Any]] = []
    for name in sorted(recipe_names(), key=lambda name: (figures.get(name, {}).get("mean") or 1.0, name)):
        recipe, row = load_recipe(name), figures.get(name, {})
        rows.append(
            {
                "name": name,
                "model": recipe.model,
                "epochs": recipe.epochs,
                **{key: row.get(key) for key in ("mean", "sd", "n", "seconds", "mflop", "parameters")},
                "sha256": recipe_sha256(name),
                "file": str(find_recipe(name)),
            }
        )
    if json:
        emit_json({"schema": "fittingroom/recipes/1", "recipes": rows})
        return
    header = ["recipe", "network", "epochs", "test accuracy", "sd", "seeds", "seconds", "MFLOP", "parameters"]
    emit(table(header, [_cells(row) for row in rows]))


def _cells(row: dict[str, Any]) -> list[str]:
    forms = {"mean": ".4f", "sd": ".4f", "n": "d", "seconds": ".1f", "mflop": ".2f", "parameters": ",d"}
    numbers = ["-" if row[key] is None else format(row[key], form) for key, form in forms.items()]
    return [row["name"], row["model"] or "-", str(row["epochs"]), *numbers]


def show(name: str) -> None:
    """Print a recipe's file, to read, copy and change.

    Args:
        name: as `fittingroom recipes list` gives it.
    """
    from fittingroom.recipes import find_recipe

    emit(find_recipe(name).read_text("utf-8").rstrip("\n"))
