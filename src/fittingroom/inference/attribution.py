"""Which pixels an answer hangs on, for every class, by occlusion: it asks any model, layers or not.

All maps are about centred logits, the logarithms of the probabilities less their mean over the classes: the difference
of two maps is then about how much more probable one class is than the other.

Source: M. Zeiler and R. Fergus, arXiv 1311.2901.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 1e-30  # probabilities below it count as this: a float32 holds little less
PATCH = 5  # pixels of a 28x28 picture: side of the patch that covers
AT_ONCE = 2000  # patches that are asked about together


def occlusion_maps(ask: Callable[[Array], Array], images: Array) -> Array:
    """Return how much covering each pixel takes from each class's centred logit, the mean over all patches on it.

    Args:
        ask: pictures to probabilities ``(n, c)``.
        images: uint8 ``(n, h, w)`` or ``(n, h, w, 3)``; each is covered by the middle value of its own edge.
    """
    height, width = images.shape[1:3]
    side = max(1, round(PATCH * min(height, width) / 28))
    step = max(1, side // 4) if side > PATCH else 1
    tops = sorted({*range(0, height - side + 1, step), height - side})
    lefts = sorted({*range(0, width - side + 1, step), width - side})
    places = [(top, left) for top in tops for left in lefts]
    found = []
    for image in images:
        before = _logs(ask(image[None]))[0]
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        total = np.zeros((len(before), height, width), np.float64)
        covered = np.zeros((height, width))
        for start in range(0, len(places), AT_ONCE):
            part = places[start : start + AT_ONCE]
            copies = np.repeat(image[None], len(part), axis=0)
            for copy, (top, left) in zip(copies, part, strict=True):
                copy[top : top + side, left : left + side] = np.median(edge, axis=0).astype(np.uint8)
            for drop, (top, left) in zip(before - _logs(ask(copies)), part, strict=True):
                total[:, top : top + side, left : left + side] += drop[:, None, None]
                covered[top : top + side, left : left + side] += 1
        found.append(total / np.maximum(covered, 1))
    classes = ask(images[:1]).shape[1] if not found else found[0].shape[0]
    return np.stack(found).astype(np.float32) if found else np.zeros((0, classes, height, width), np.float32)


def _logs(probabilities: Array) -> Array:
    logs = np.log(np.maximum(probabilities.astype(np.float64), LEAST))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
