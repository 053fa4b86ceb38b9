"""Which pixels an answer hangs on: occlusion, gradient x input averaged over noise, and Grad-CAM, for every class.

All maps are about centred logits, the logarithms of the probabilities less their mean over the classes: the difference
of two maps is then about how much more probable one class is than the other, and a network that is sure beyond what a
float can hold still has them.

Sources: M. Zeiler and R. Fergus, arXiv 1311.2901 (occlusion); D. Smilkov and others, arXiv 1706.03825 (SmoothGrad);
R. Selvaraju and others, arXiv 1610.02391 (Grad-CAM).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import ModelError, UsageError
from fittingroom.extras import install_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from fittingroom.inference.predictor import Predictor

METHODS = {
    "occlusion": "what covering a patch with background takes from the class's logit",
    "smoothgrad": "gradient x input, averaged over noisy copies of the picture",
    "grad-cam": "where the last convolution speaks for the class",
}
LEAST = 1e-30  # probabilities below it count as this: a float32 holds little less
PATCH = 5  # pixels of a 28x28 picture: side of the patch that covers
AT_ONCE = 2000  # pictures that are asked about together
NOISY = 25  # copies that gradients are averaged over
NOISE = 0.1  # their standard deviation, as a share of the range of the pixels
SEED = 0


def attribution_maps(predictor: Predictor, images: Array, method: str = "occlusion") -> Array:
    """Return for each picture and class how much each pixel speaks for the class.

    Args:
        predictor: opened model. One that takes whole photos, and an ONNX file, get occlusion alone.
        images: uint8 ``(n, h, w)``, or ``(n, h, w, 3)`` of its size for a network for photos.
        method: a key of `METHODS`.

    Returns:
        float32 ``(n, c, h, w)``: above 0 for the class, below against it.

    Raises:
        UsageError: no such method, or captum is not installed.
        ModelError: a method that the model has nothing for.
    """
    if method not in METHODS:
        raise UsageError(f"Expected a method, {', '.join(METHODS)}, received '{method}'.")
    if method == "occlusion":
        ask = (lambda photos: predictor.ask(photos)[0]) if predictor.of_photos else predictor.predict
        return occlusion_maps(ask, images)
    if predictor.model is None:
        raise ModelError(
            f"{predictor.title}: {method} needs the network's layers, and this one answers by a file without them. "
            "Use occlusion, which asks any model, or the .keras file."
        )
    return smoothgrad_maps(predictor, images) if method == "smoothgrad" else grad_cam_maps(predictor, images)


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


def smoothgrad_maps(predictor: Predictor, images: Array) -> Array:
    """Return gradient x input averaged over noise, by captum.

    Args:
        predictor: of a Keras model or torch module.
        images: uint8 ``(n, h, w)``.

    Raises:
        UsageError: captum is not installed.
    """
    if find_spec("captum") is None:
        raise UsageError(f"SmoothGrad needs captum, which is not installed. Install it: {install_line('explain')}")
    import torch
    from captum.attr import InputXGradient, NoiseTunnel

    module = _log_module(predictor, images.shape[1:3])
    classes = predictor.predict(images[:1]).shape[1]
    tunnel = NoiseTunnel(InputXGradient(module))
    found = np.empty((len(images), classes, *images.shape[1:3]), np.float32)
    with torch.random.fork_rng(), torch.inference_mode(mode=False), torch.enable_grad():
        torch.manual_seed(SEED)
        for row, image in enumerate(images):
            pixels = torch.from_numpy(image.astype(np.float32))[None]
            for label in range(classes):
                parts = tunnel.attribute(
                    pixels, nt_type="smoothgrad", nt_samples=NOISY, stdevs=255 * NOISE, target=label
                )
                found[row, label] = parts[0].detach().cpu().numpy()
    return found


def _log_module(predictor: Predictor, image_shape: tuple[int, int]) -> Any:
    """Return a torch module from pixels in 0..255, float ``(n, h, w)``, to centred logits."""
    import torch

    from fittingroom.inference.keras_engine import answering_module

    pixels = predictor.feed if predictor.feed is not None else predictor.pixels
    inner = answering_module(
        predictor.model, image_shape, pixels=None if pixels == "raw" else pixels, temperature=predictor.temperature
    )

    class Logs(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            logs: torch.Tensor = inner(values).clamp(LEAST, 1).log()
            return logs - logs.mean(dim=1, keepdim=True)

    return Logs()


def grad_cam_maps(predictor: Predictor, images: Array) -> Array:
    """Return where the last convolution of a Keras model speaks for each class, spread over the picture.

    Args:
        predictor: of a Keras model with convolutions.
        images: uint8 ``(n, h, w)``.

    Raises:
        ModelError: it has none, or they cannot be reached.
    """
    import keras
    import torch

    from fittingroom.models.feature_extractor import _pixel_scale
    from fittingroom.models.front import as_probabilities, shape_for, stated_shape

    network = predictor.model
    if not isinstance(network, keras.Model):
        raise ModelError(f"{predictor.title}: Grad-CAM needs a Keras model with convolutions. Use occlusion.")
    core = next((layer for layer in network.layers if isinstance(layer, keras.Model)), network)
    last = [layer for layer in core._flatten_layers(recursive=False) if isinstance(layer, keras.layers.Conv2D)]
    if not last:
        raise ModelError(f"{predictor.title}: Grad-CAM needs convolutions, and this model has none. Use occlusion.")
    try:
        both = keras.Model(core.inputs, [last[-1].output, core.output])
    except (AttributeError, ValueError) as error:
        raise ModelError(f"{predictor.title}: its last convolution cannot be reached. Use occlusion.") from error
    height, width = images.shape[1:3]
    shape = shape_for(stated_shape(core), (height, width), predictor.title)
    scale = np.float32(_pixel_scale(network, core))
    own = network(torch.from_numpy(images[:1].astype(np.float32)) if core is not network else torch.zeros(1, *shape))
    probable = bool(torch.allclose(own.sum(dim=1), torch.ones(len(own)), atol=1e-3))
    found = []
    with torch.inference_mode(mode=False), torch.enable_grad():
        for image in images:
            inputs = torch.from_numpy((image * scale).astype(np.float32).reshape(1, *shape))
            seen, outputs = both(inputs, training=False)
            chances = as_probabilities(outputs, probabilities=probable)
            logs = chances.clamp(LEAST, 1).log()[0]
            logs = logs - logs.mean()
            maps = []
            for label in range(len(logs)):
                (slope,) = torch.autograd.grad(logs[label], seen, retain_graph=True)
                weights = slope.mean(dim=(1, 2), keepdim=True)  # Keras: height, width, channels
                maps.append((weights * seen).sum(dim=3))
            spread = torch.nn.functional.interpolate(
                torch.stack(maps, 1), size=(height, width), mode="bilinear", align_corners=False
            )
            found.append(spread[0].detach().cpu().numpy())
    return np.stack(found).astype(np.float32)
