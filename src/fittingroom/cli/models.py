"""`fittingroom models`: the architectures that can be trained."""

from __future__ import annotations

from fittingroom.cli.options import Json
from fittingroom.cli.output import emit, emit_json, table
from fittingroom.models import MODELS, build
from fittingroom.models.summary import summary


def list_(*, json: Json = False) -> None:
    """Print the architectures by name."""
    rows = [{"name": name, "title": entry.title, "source": entry.source} for name, entry in MODELS.items()]
    if json:
        emit_json({"schema": "fittingroom/models/1", "models": rows})
    else:
        emit(table(["name", "what", "source"], [tuple(row.values()) for row in rows]))


def info(name: str = "walkthrough", *, json: Json = False) -> None:
    """Print the layers and parameters of an architecture, for 28x28 images and ten classes.

    Args:
        name: as `fittingroom models list` gives it.
    """
    model = build(name)
    if json:
        layers = [{"name": layer.name, "class": type(layer).__name__} for layer in model.layers]
        emit_json({"schema": "fittingroom/model/1", "name": name, "parameters": model.count_params(), "layers": layers})
    else:
        emit(summary(model))
