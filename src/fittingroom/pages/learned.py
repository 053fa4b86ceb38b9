"""What a network has learned, for a page: its first weights as pictures, what they make of some images, layer by layer.

A sheet of weights is one grey picture, coloured in the page: so it is small, and a picture of it can be shown anywhere
on the page again.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from fittingroom.arrays import Array, Images
from fittingroom.pages.html import picture_uri
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fittingroom.inference.inside import Inside
    from fittingroom.pages.answers import Answer

COLUMNS = 16  # of a sheet
GAP = 2  # pixels between the pictures of a sheet of units
BELOW = 9  # pixels below each, for what it makes of an image
KERNEL_SCALE = 8  # pixels that a kernel's weight is wide
STRONGEST = 6  # units that are told of for an image
CHANNELS = 16  # of a layer, drawn at most
NUMBERS = 2048  # of a layer without places, drawn at most
LAYERS = 20  # drawn at most, evenly through the network
MOST = 512  # units or kernels that have pictures: of more nobody would look at each
QUALITIES = (45, 20, 10)  # of a sheet's WebP file: the first whose file is small enough
SHEET_BYTES = 13_000
MAP_COLOURS = 48  # of a picture with a map over it
FULL = 99.5  # per cent of the weights that are not beyond the strongest colour
SILENT, ACTIVE, FOR, AGAINST = (251, 250, 246), (37, 39, 44), (230, 97, 1), (94, 60, 153)


def smoothed(pictures: Array) -> Array:
    """Return pictures ``(n, h, w)`` each of whose pixels is averaged with its neighbours, a quarter its own.

    Example:
        >>> smoothed(np.ones((1, 3, 3))).round(6).tolist()
        [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """
    for axis in (1, 2):
        padded = np.pad(pictures, [(0, 0), *((1, 1) if place == axis else (0, 0) for place in (1, 2))], mode="edge")
        first, middle, last = (np.take(padded, range(start, start + pictures.shape[axis]), axis) for start in range(3))
        pictures = (first + 2 * middle + last) / 4
    return pictures


def learned_facts(inside: Inside, answers: Sequence[Answer], parameters: int) -> dict[str, Any]:
    """Return what a page says of a network's inside as plain values.

    Args:
        inside: of the network, asked about the images of these answers, in their order.
        answers: about test images, or others.
        parameters: of the network.
    """
    facts: dict[str, Any] = {
        "kind": inside.kind if len(inside.weights) <= MOST else "other",
        "layer": inside.layer,
        "count": len(inside.weights),
        "parameters": parameters,
        "layers": [
            {"name": name, "kind": kind, "shape": list(values.shape[1:]), "zeros": float((values == 0).mean())}
            for name, kind, values in inside.layers
        ],
        "start": None if inside.start is None else _rounded(inside.start),
        "images": [],
    }
    if inside.activations is None or facts["kind"] == "other":
        return facts
    for place, answer in enumerate(answers):
        activations = inside.activations[place]
        told = {
            "index": answer.index,
            "label": answer.label,
            "predicted": answer.predicted,
            "activations": _rounded(activations),
            "silent": int((activations <= 0).sum()),
        }
        if inside.pushes is not None and inside.start is not None:
            told |= _pushes(inside.pushes[place], inside.start, answer)
        facts["images"].append(told)
    return facts


def _pushes(pushes: Array, start: Array, answer: Answer) -> dict[str, Any]:
    """Return how the units move the classes' scores for one image, those first that speak most for its answer."""
    second = int(np.argsort(-np.asarray(answer.probabilities), kind="stable")[1])
    order = np.argsort(-np.abs(pushes[:, answer.predicted]), kind="stable")[:STRONGEST]
    units = [
        {
            "unit": int(unit),
            "push": round(float(pushes[unit, answer.predicted]), 3),
            "most": int(pushes[unit].argmax()),
            "most_push": round(float(pushes[unit].max()), 3),
            "least": int(pushes[unit].argmin()),
            "least_push": round(float(pushes[unit].min()), 3),
        }
        for unit in order
    ]
    scores = pushes.sum(axis=0) + start
    return {
        "second": second,
        "pushes": [_rounded(row) for row in pushes],
        "scores": _rounded(scores),
        "times": float(np.exp(scores[answer.predicted] - scores[second])),
        "units": units,
    }


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 3) for value in values]


def sheet_size(count: int, shape: tuple[int, int], below: int = BELOW) -> tuple[int, int]:
    """Return rows and columns, in pixels, of a sheet of so many pictures of a shape.

    Example:
        >>> sheet_size(128, (28, 28))
        (312, 478)
    """
    rows, columns = -(-count // COLUMNS), min(count, COLUMNS)
    return rows * (shape[0] + GAP + below), columns * (shape[1] + GAP) - GAP


def places(count: int, shape: tuple[int, int], below: int = BELOW) -> list[tuple[int, int]]:
    """Return where the corner of each picture of a sheet is, row and column in pixels."""
    return [
        (number // COLUMNS * (shape[0] + GAP + below), number % COLUMNS * (shape[1] + GAP)) for number in range(count)
    ]


def weight_sheet(weights: Array, scale: int = 1, below: int = BELOW) -> tuple[str, tuple[int, int], float]:
    """Return weights as one grey picture, middle grey for 0, with its size and the weight of the strongest colour.

    Args:
        weights: ``(n, h, w)``; of wide ones each pixel is averaged with its neighbours, of kernels it is not.
        scale: how many pixels wide each weight is drawn.
        below: pixels left free below each picture.

    Returns:
        A ``data:`` address; height and width; and the weight beyond which all are of one colour.
    """
    pictures = smoothed(weights.astype(np.float64)) if weights.shape[1] > COLUMNS else weights.astype(np.float64)
    most = float(np.percentile(np.abs(pictures), FULL)) or 1.0
    grey = np.clip(127.5 + 127.5 * pictures / most, 0, 255).astype(np.uint8)
    grey = grey.repeat(scale, axis=1).repeat(scale, axis=2)
    shape = grey.shape[1], grey.shape[2]
    sheet = np.full(sheet_size(len(grey), shape, below), 128, np.uint8)
    for picture, (row, column) in zip(grey, places(len(grey), shape, below), strict=True):
        sheet[row : row + shape[0], column : column + shape[1]] = picture
    return _address(sheet, scale == 1), (sheet.shape[0], sheet.shape[1]), most


def _address(pixels: Array, lossy: bool) -> str:
    """Return a picture as a ``data:`` address: a WebP file where it may lose a little, else a PNG file."""
    from PIL import Image, features

    with io.BytesIO() as file:
        if lossy and features.check("webp"):
            for quality in QUALITIES:
                file.seek(0)
                file.truncate()
                Image.fromarray(pixels).save(file, "WEBP", quality=quality, method=6)
                if len(file.getvalue()) <= SHEET_BYTES:
                    break
        else:
            Image.fromarray(pixels).save(file, "PNG", optimize=True)
        kind = "webp" if file.getvalue().startswith(b"RIFF") else "png"
        return f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode("ascii")


def overlay(activations: Sequence[float], pushes: Sequence[Sequence[float]] | None, shape: tuple[int, int]) -> str:
    """Return what lies over a sheet of units for one image: a bar for each activation, and a strip of pushes.

    The bar is as long as the activation is large; a silent unit has none, and its picture is covered. The strip has a
    field a class, orange where the unit speaks for it, violet where against it.

    Args:
        activations: one a unit.
        pushes: of each unit one a class; None for no strips.
        shape: of a unit's picture.
    """
    height, width = shape
    pixels = np.zeros((*sheet_size(len(activations), shape), 4), np.uint8)
    largest = max(*activations, 1e-9)
    strongest = 1.0 if pushes is None else float(np.abs(np.array(pushes)).max()) or 1.0
    for number, (row, column) in enumerate(places(len(activations), shape)):
        below = row + height
        pixels[below : below + GAP + BELOW, max(0, column - GAP) : column + width + GAP] = (*SILENT, 255)
        pixels[max(0, row - GAP) : below, max(0, column - GAP) : column] = (*SILENT, 255)
        if activations[number] <= 0:
            pixels[row:below, column : column + width] = (*SILENT, 200)
            continue
        long = max(1, round(width * activations[number] / largest))
        pixels[below + 1 : below + 4, column : column + long] = (*ACTIVE, 255)
        if pushes is not None:
            fields = np.arange(width) * len(pushes[number]) // width
            pixels[below + 5 : below + 9, column : column + width, :3] = _colours(pushes[number], strongest)[fields]
    return _address(pixels, lossy=False)


def _colours(values: Sequence[float], strongest: float) -> Array:
    """Return a colour for each value ``(n, 3)``, white for 0, in sixteen steps so that the file stays small."""
    share = np.round(np.clip(np.array(values) / strongest, -1, 1) * 8) / 8
    end = np.where(share[:, None] > 0, FOR, AGAINST)
    return np.asarray(247 + np.abs(share)[:, None] * (end - 247.0), np.uint8)


def layer_sheets(inside: Inside, place: int = 0) -> list[dict[str, Any]]:
    """Return what each layer makes of one image, as pictures for a page: dark where a number is large.

    Args:
        inside: of the network.
        place: of the image among those that it was asked about.

    Returns:
        For each layer, of many for some of them, its name, its kind, the shape of its values, ``shown`` of
        ``channels``, and a ``data:`` address with its ``size``.
    """
    found = []
    chosen = np.unique(np.linspace(0, len(inside.layers) - 1, min(LAYERS, len(inside.layers))).astype(int))
    for name, kind, values in (inside.layers[number] for number in chosen):
        own = values[place]
        planes = own.transpose(2, 0, 1)[:CHANNELS] if own.ndim == 3 else own.reshape(1, 1, -1)[:, :, :NUMBERS]
        low, high = float(planes.min()), float(planes.max())
        grey = (255 - 255 * (planes - low) / ((high - low) or 1.0)).astype(np.uint8)
        scale = max(1, 28 // max(grey.shape[1:])) if own.ndim == 3 else 4
        grey = grey.repeat(scale, axis=1).repeat(scale if own.ndim == 3 else max(1, 448 // planes.size), axis=2)
        shape = grey.shape[1], grey.shape[2]
        if own.ndim == 3:
            sheet = np.full(sheet_size(len(grey), shape, 0), 255, np.uint8)
            for picture, (row, column) in zip(grey, places(len(grey), shape, 0), strict=True):
                sheet[row : row + shape[0], column : column + shape[1]] = picture
        else:
            sheet = grey[0]
        found.append(
            {
                "name": name,
                "kind": kind,
                "channels": own.shape[-1] if own.ndim == 3 else own.size,
                "shape": own.shape,
                "shown": len(planes) if own.ndim == 3 else planes.size,
                "low": low,
                "high": high,
                "uri": _address(sheet, lossy=False),
                "size": sheet.shape,
            }
        )
    return found


def drawn_inside(
    inside: Inside, facts: Mapping[str, Any], images: Images, names: Sequence[str], *, layer_by_layer: bool = False
) -> dict[str, Any]:
    """Return the pictures of a network's inside, for the templates.

    Args:
        inside: of the network, asked about these images.
        facts: from `learned_facts`.
        images: uint8 ``(n, h, w)``.
        names: of the classes.
        layer_by_layer: whether to draw what each layer makes of the first image too.

    Returns:
        ``sheet`` and its ``size``; of units ``images``, ``overlays``, ``sentences`` and ``ones``, one of each an image;
        ``layers``, see `layer_sheets`.
    """
    drawn: dict[str, Any] = {"layers": layer_sheets(inside) if layer_by_layer and len(images) else []}
    if facts["kind"] == "other":
        return drawn
    is_kernel = inside.kind == "kernels"
    sheet, size, _ = weight_sheet(
        inside.weights, scale=KERNEL_SCALE if is_kernel else 1, below=0 if is_kernel else BELOW
    )
    shape = inside.weights.shape[1], inside.weights.shape[2]
    drawn |= {"sheet": sheet, "size": size}
    if not is_kernel:
        drawn["images"] = [picture_uri(image) for image in images]
        drawn["overlays"] = [overlay(one["activations"], one.get("pushes"), shape) for one in facts["images"]]
        drawn["sentences"] = [unit_sentence(facts, one, names) if "units" in one else "" for one in facts["images"]]
        drawn["ones"] = [
            [
                one_of_sheet(each["unit"], len(inside.weights), shape, f"The weights of unit {each['unit']}.")
                for each in one.get("units", ())
            ]
            for one in facts["images"]
        ]
    return drawn


def one_of_sheet(number: int, count: int, shape: tuple[int, int], words: str) -> Markup:
    """Return one picture of the sheet of units as an ``<svg>`` that shows it from there.

    Args:
        number: of the unit.
        count: of units.
        shape: of a picture.
        words: for a reader who does not see it.
    """
    row, column = places(count, shape)[number]
    return Markup('<svg role="img" aria-label="{}" viewBox="{} {} {} {}"><use href="#weights"/></svg>').format(
        words, column, row, shape[1], shape[0]
    )


def map_uri(image: Array, values: Array) -> str:
    """Return a picture with a map over it as a ``data:`` address: orange where a pixel speaks for, violet against.

    Args:
        image: uint8 ``(h, w)``, drawn pale and dark on white.
        values: ``(h, w)``; the strongest has the full colour.
    """
    from PIL import Image

    pale = 255 - 0.55 * np.asarray(image, np.float64)[:, :, None].repeat(3, axis=2)
    share = values / (float(np.abs(values).max()) or 1.0)
    strength = 0.85 * np.abs(share)[:, :, None]
    drawn = pale * (1 - strength) + strength * np.where(share[:, :, None] > 0, FOR, AGAINST)
    with io.BytesIO() as file:
        Image.fromarray(drawn.astype(np.uint8)).quantize(MAP_COLOURS).save(file, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def images_of(pictures: Mapping[int, Array], answers: Sequence[Answer]) -> Images:
    """Return the pixels of the images that some answers are about, in their order, uint8 ``(n, h, w)``."""
    return np.stack([np.asarray(pictures[each.index], np.uint8) for each in answers])


def unit_sentence(facts: Mapping[str, Any], image: Mapping[str, Any], names: Sequence[str]) -> str:
    """Say what the units make of one image."""
    without, scores = image["silent"], image["scores"]
    predicted, second = names[image["predicted"]], names[image["second"]]
    factor = f"{image['times']:,.0f}" if image["times"] >= 10 else f"{image['times']:.1f}"
    return (
        f"For this image {counted(without, 'unit is', 'units are')} silent and {facts['count'] - without:,} speak. All "
        f"pushes together, with each class's start, give {predicted} a score of {scores[image['predicted']]:.2f} and "
        f"{second}, the runner-up, {scores[image['second']]:.2f}. That makes {predicted} more probable "
        f"by a factor of {factor}."
    )
