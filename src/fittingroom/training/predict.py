"""Prediction and evaluation: the model's forward pass, traced once, in large batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from fittingroom.arrays import Array, Images, Probabilities, check_images
from fittingroom.training import passes
from fittingroom.training.adapt import adapt, probe
from fittingroom.training.feed import pixel_scale, shaped
from fittingroom.training.losses import as_probabilities

if TYPE_CHECKING:
    from fittingroom.training.subject import Subject

BATCH = 1000

Infer = Callable[[Tensor], tuple[Tensor, Tensor | None]]
"""``infer(images)``: uint8 ``(n, h, w)`` to outputs ``(n, c)`` and the penalty that the model adds to its loss."""


def make_infer(subject: Subject, *, pixels: str, trace: bool) -> Infer:
    """Return the function that runs images through a model in inference mode.

    Args:
        subject: the model; its live weights are used, also after they have changed.
        pixels: "unit" or "raw", as in the recipe.
        trace: replay a graph; off calls the model layer by layer. A model that cannot be traced is called so anyway.
    """
    first, scale = subject.parameters[0], pixel_scale(pixels)
    graphs: dict[int, Any] = {}

    def run(inputs: Tensor) -> list[Tensor]:
        if trace and len(inputs) not in graphs:
            graphs[len(inputs)] = _graph(subject, inputs)
        forward = graphs.get(len(inputs)) or _forward(subject)
        return list(forward(*subject.parameters, *subject.buffers, inputs))

    def infer(images: Tensor) -> tuple[Tensor, Tensor | None]:
        with torch.no_grad():
            parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
            results = [run(shaped(part, subject.input_shape, first.dtype, scale)) for part in parts]
        penalty = results[0][1] if len(results[0]) > 1 else None
        return torch.cat([result[0] for result in results]), penalty

    return infer


def _forward(subject: Subject) -> Callable[..., list[Tensor]]:
    count = len(subject.parameters)

    def forward(*tensors: Tensor) -> list[Tensor]:
        output = subject.forward(tensors[:count], tensors[count:-1], tensors[-1], False)
        return [output.outputs] if output.penalty is None else [output.outputs, output.penalty]

    return forward


def _graph(subject: Subject, inputs: Tensor) -> Any:
    from torch.func import functionalize

    from fittingroom.training.trace import graph_of

    sample = (*(parameter.detach() for parameter in subject.parameters), *subject.buffers, inputs)
    try:
        graph = graph_of(functionalize(_forward(subject), remove="mutations"), sample)
    except Exception:  # whatever Python it holds, it runs without a graph
        return None
    for run in (passes.drop_dead, passes.fuse_bias, passes.fold_constants, passes.cancel_permutes):
        run(graph)
    passes.direct_calls(graph)
    graph.recompile()
    return graph.forward


def predict(model: Any, images: Images, *, pixels: str = "unit") -> Probabilities:
    """Return a model's probabilities for images.

    Args:
        model: a Keras model or torch module, as it is trained: fed 0..1, giving logits or probabilities.
        images: uint8 ``(n, h, w)``.
        pixels: "raw" for a model that scales its pixels itself.

    Returns:
        float32 ``(n, classes)``, rows summing to 1.

    Raises:
        ModelError: the images do not fit the model.
        DataError: the images are no uint8 ``(n, h, w)``.
    """
    array = check_images(images)
    subject = adapt(model, array.shape[1:], pixels=pixels)
    classes, probabilities = probe(subject, scale=255 * pixel_scale(pixels))
    if not len(array):
        return np.zeros((0, classes), np.float32)
    outputs, _ = make_infer(subject, pixels=pixels, trace=len(array) > BATCH)(as_tensor(array, subject))
    chances: Array = as_probabilities(outputs, probabilities=probabilities).float().cpu().numpy()
    return chances


def as_tensor(array: Array, subject: Subject) -> Tensor:
    """Return an array as a tensor where the model is, sharing its memory where that is possible."""
    writable = array if array.flags.writeable else array.copy()
    return torch.from_numpy(np.ascontiguousarray(writable)).to(subject.parameters[0].device)
