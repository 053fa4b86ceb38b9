"""The recipes of the ladder: TOML files beside this one, found by name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fittingroom.errors import UsageError
from fittingroom.lookup import suggest
from fittingroom.training.recipe import Recipe

__all__ = ["find_recipe", "load_recipe", "recipe_names", "recipe_sha256"]

FOLDER = Path(__file__).parent


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package.

    Example:
        >>> "walkthrough" in recipe_names()
        True
    """
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def find_recipe(name_or_path: str | Path) -> Path:
    """Return the TOML file that a user means; a path that exists wins over a name.

    Args:
        name_or_path: a file, or a name such as ``93``.

    Raises:
        UsageError: neither, with close names.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    names = recipe_names()
    if str(name_or_path) in names:
        return FOLDER / f"{name_or_path}.toml"
    hint = suggest(str(name_or_path), names)
    raise UsageError(f"No recipe '{name_or_path}': neither a TOML file that exists nor a shipped name. {hint}")


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Read a recipe by name or file.

    Raises:
        UsageError: there is none, or it is not a recipe.

    Example:
        >>> load_recipe("walkthrough").epochs
        5
    """
    return Recipe.from_toml(find_recipe(name_or_path))


def recipe_sha256(name_or_path: str | Path) -> str:
    """Return the SHA-256 of a recipe's file, 64 hex digits: which recipe a logged score belongs to."""
    return hashlib.sha256(find_recipe(name_or_path).read_bytes()).hexdigest()
