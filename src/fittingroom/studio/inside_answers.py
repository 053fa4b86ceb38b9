"""What a network has learned, for the studio: its first weights with what they make of a picture, and its replay.

All of it is what the pages show, as plain values: pictures are ``data:`` addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import ModelError
from fittingroom.inference.inside import look_inside
from fittingroom.inference.predictor import open_predictor
from fittingroom.pages.answers import answers_at
from fittingroom.pages.html import picture_uri
from fittingroom.pages.learned import BELOW, drawn_inside, learned_facts, places
from fittingroom.pages.replay import COLOURS, MAP, gather_replay, replay_sentence
from fittingroom.pages.run.gather import data_or_why
from fittingroom.runs import open_run
from fittingroom.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def told_inside(model: str, image: Array, label: int) -> dict[str, Any]:
    """Return a network's first weights as pictures, what they make of one picture, and what each layer does.

    Args:
        model: what `open_predictor` takes.
        image: uint8 ``(h, w)``.
        label: its true class.

    Returns:
        ``kind`` ("units", "kernels" or "other"), ``layer``, ``count`` and ``sentence``; where there are pictures of
        weights ``sheet`` with ``size`` (rows, columns); of units ``overlay``, and ``units``, the strongest, each with
        ``corner``, where on the sheet its picture is, and ``picture``, that picture's size; ``layers``.

    Raises:
        Problem: it is no Keras model, or the picture is of another size.
        ModelError: what lies between its layers cannot be reached.
    """
    predictor = open_predictor(model)
    if predictor.model is None or predictor.of_photos:
        raise Problem(422, "Only 28x28 networks of Keras layers can be looked into; of others only answers are known.")
    probabilities = predictor.predict(image[None])
    answers = answers_at(np.zeros(1, np.int64), np.array([label]), probabilities, np.zeros(1, np.int64))
    inside = look_inside(predictor.model, image[None])
    names = predictor.names(probabilities.shape[1])
    facts = learned_facts(inside, answers, int(predictor.model.count_params()))
    drawn = drawn_inside(inside, facts, image[None], names, layer_by_layer=True)
    told: dict[str, Any] = {
        "class_names": list(names),
        **{key: facts[key] for key in ("kind", "layer", "count", "parameters")},
    }
    told |= {"layers": [_layer(one) for one in drawn["layers"]]}
    if "sheet" in drawn:
        told |= {"sheet": drawn["sheet"], "size": list(drawn["size"])}
    if facts["images"]:
        told |= _of_units(facts["images"][0], inside.weights) | {
            "overlay": drawn["overlays"][0],
            "sentence": drawn["sentences"][0],
        }
    return told


def _of_units(image: Mapping[str, Any], weights: Array) -> dict[str, Any]:
    corners = places(len(weights), (weights.shape[1], weights.shape[2]), BELOW)
    units = [
        {**one, "activation": image["activations"][one["unit"]], "corner": list(corners[one["unit"]])}
        for one in image.get("units", ())
    ]
    return {"predicted": image["predicted"], "units": units, "picture": list(weights.shape[1:])}


def _layer(drawn: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: drawn[key] for key in ("name", "kind", "channels", "shown", "uri")}
    return {**kept, "shape": list(drawn["shape"]), "size": list(drawn["size"])}


def told_replay(folder: Path) -> dict[str, Any]:
    """Return how a run's network changed while it was trained, as `gather_replay` has it, with its pictures.

    Args:
        folder: of the run.

    Raises:
        Problem: it kept no snapshots, or its data are not here.
        RunError: a snapshot is damaged or of another network.
    """
    run = open_run(folder)
    data, why = data_or_why(run)
    if data is None:
        raise Problem(422, why)
    try:
        facts, drawn = gather_replay(run, data)
    except ModelError as error:
        raise Problem(422, str(error)) from None
    if facts is None:
        raise Problem(404, f"'{run.name}' kept no snapshots. Train with --snapshots to see its training replayed.")
    return {
        **facts,
        "class_names": list(data.class_names),
        "sentence": replay_sentence(facts),
        "pictures": [picture_uri(image) for image in drawn["images"]],
        "sheets": [None if one is None else {"uri": one[0], "size": list(one[1])} for one in drawn["sheets"]],
        "side": MAP,
        "colours": [COLOURS[label % len(COLOURS)] for label in range(data.classes)],
    }
