"""The model card beside a model's file: class names, temperature, thresholds, where it is weak."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Probabilities
from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "fittingroom/card/1"


def read_card(model_file: Path) -> dict[str, Any]:
    """Return the card of a model's file, or an empty one where there is none.

    Args:
        model_file: the card has its name and ends in ``.json``.

    Raises:
        ModelError: the card is not JSON.
    """
    path = model_file.with_suffix(".json")
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: expected a model card in JSON, received: {error}") from error
    return card if isinstance(card, dict) and card.get("schema") == SCHEMA else {}


def none_of_these_file(model_file: Path) -> Path | None:
    """Return the second network of a model that tells what is none of its classes, or None where it has none.

    Args:
        model_file: the network lies beside it, and its card names it.

    Raises:
        ModelError: the card names a file that is not there.
    """
    told = read_card(model_file).get("none_of_these")
    if not told:
        return None
    path = model_file.with_name(told["file"])
    if not path.is_file():
        card = model_file.with_suffix(".json")
        raise ModelError(
            f"{path}: expected the network that tells what is none of the classes, which {card} names, found no such "
            "file. Copy it there from where the model is from."
        )
    return path


def tempered(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Return probabilities as confident as a model's record warrants.

    Args:
        probabilities: float ``(n, classes)``.
        temperature: above 1 makes them less sure, below 1 surer; the order never changes.

    Example:
        >>> tempered(np.array([[0.9, 0.1]], np.float32), 2.0).round(2)
        array([[0.75, 0.25]], dtype=float32)

    Source: C. Guo and others, arXiv 1706.04599.
    """
    if temperature == 1:
        return probabilities
    powers = np.clip(probabilities, 1e-12, 1) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
