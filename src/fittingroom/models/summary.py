"""A model's layers and parameters in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def summary(model: keras.Model, width: int = 80) -> str:
    """Return a Keras model's summary.

    Args:
        model: built.
        width: of a line, in characters.
    """
    lines: list[str] = []
    model.summary(line_length=width, print_fn=lambda line, **_: lines.append(line))
    return "\n".join(line.rstrip() for line in "\n".join(lines).strip().splitlines())
