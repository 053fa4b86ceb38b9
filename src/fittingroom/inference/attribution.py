"""Which pixels an answer hangs on, for every class: by occlusion, which asks any model, and by gradients of Keras ones.

All maps are about centred logits, the logarithms of the probabilities less their mean over the classes: the difference
of two maps is then about how much more probable one class is than the other.

Source: M. Zeiler and R. Fergus, arXiv 1311.2901 (occlusion); D. Smilkov and others, arXiv 1706.03825 (SmoothGrad);
R. Selvaraju and others, arXiv 1610.02391 (Grad-CAM). Both gradients are those of ``captum``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.errors import ModelError, UsageError
from fittingroom.extras import install_line, missing
from fittingroom.inference.inside import core_of, feed_of
from fittingroom.models.front import gives_probabilities

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 1e-30  # probabilities below it count as this: a float32 holds little less
PATCH = 5  # pixels of a 28x28 picture: side of the patch that covers
AT_ONCE = 2000  # patches that are asked about together
NOISE = 0.02  # standard deviation, of pixels in 0..1
SAMPLES = 16  # noisy copies of each picture


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


def smoothgrad_maps(network: Any, images: Images) -> Array:
    """Return pixel times gradient of each class's centred logit, the mean over noisy copies ``(n, c, h, w)``.

    Args:
        network: a Keras model, as it is saved for use or as it is trained.
        images: uint8 ``(n, h, w)``.

    Raises:
        UsageError: captum is not installed.
        ModelError: no Keras model, one with a single output, or images that do not fit.
    """
    _need_captum()
    import torch
    from captum.attr import InputXGradient, NoiseTunnel

    core, scores = core_of(network), _scores(network, images)
    pixels, classes = torch.from_numpy(images / np.float32(255)), int(core.output_shape[-1])
    found = np.zeros((len(images), classes, *images.shape[1:]), np.float32)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        for label in range(classes if len(images) else 0):
            torch.manual_seed(0)  # the same noise for every class, and each time
            asked = {"nt_type": "smoothgrad", "nt_samples": SAMPLES, "nt_samples_batch_size": 1, "stdevs": NOISE}
            given = pixels.clone().requires_grad_()
            maps = NoiseTunnel(InputXGradient(scores)).attribute(given, target=label, **asked)
            found[:, label] = maps.detach().cpu().numpy()
    return found


def grad_cam_maps(network: Any, images: Images) -> Array:
    """Return where what a convolution finds speaks for each class, drawn large ``(n, c, h, w)``, 0 or above.

    The layer is the last activation whose places are at most two pixels apart: beyond it a place is larger than what
    is to be found in pictures of this size. A map tells where to look first, and not how far what matters reaches.

    Args:
        network: a Keras model, as it is saved for use or as it is trained.
        images: uint8 ``(n, h, w)``.

    Raises:
        UsageError: captum is not installed.
        ModelError: no Keras model, one without convolutions or with a single output, or images that do not fit.
    """
    _need_captum()
    import torch
    from captum.attr import LayerGradCam

    core, shape = core_of(network), images.shape[1:]
    classes, whole = int(core.output_shape[-1]), _scores(network, images)
    halves = torch.nn.Sequential(*_halves(core, whole, (shape[0], shape[1])))
    pixels = torch.from_numpy(images / np.float32(255))
    found = np.zeros((len(images), classes, *shape), np.float32)
    with torch.enable_grad():
        for label in range(classes if len(images) else 0):
            maps = LayerGradCam(halves, halves[0]).attribute(pixels, target=label, relu_attributions=True).detach()
            drawn = torch.nn.functional.interpolate(maps, size=tuple(shape), mode="bilinear", align_corners=False)
            found[:, label] = drawn[:, 0].cpu().numpy()
    return found


def _need_captum() -> None:
    if missing("explain"):
        raise UsageError(
            f"Maps by gradients need captum, which is not installed. Install it: {install_line('explain')}. Occlusion "
            "needs nothing."
        )


def _scores(network: Any, images: Images) -> Any:
    """Return a torch module from pixels in 0..1 ``(n, h, w)`` to centred logits ``(n, c)``."""
    import torch

    core, (shape, scale, offset) = core_of(network), feed_of(network, images)
    if core.output_shape[-1] == 1:
        raise ModelError(f"Model '{network.name}' has one output for two classes: maps of it are by occlusion alone.")
    are_probabilities = gives_probabilities(core, shape)

    class Scores(torch.nn.Module):
        def fed(self, pixels: Any) -> Any:
            return (pixels * (255 * scale) + offset).reshape(-1, *shape)

        def centred(self, outputs: Any) -> Any:
            logits = outputs.clamp_min(LEAST).log() if are_probabilities else outputs
            return logits - logits.mean(dim=1, keepdim=True)

        def forward(self, pixels: Any) -> Any:
            return self.centred(core(self.fed(pixels), training=False))

    return Scores()


def _is_activated(layer: Any) -> bool:
    """Say whether a layer is an activation, or has one of its own."""
    own = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return own != "linear" or type(layer).__name__ in ("ReLU", "LeakyReLU", "PReLU", "ELU")


def _halves(core: Any, whole: Any, image_shape: tuple[int, int]) -> tuple[Any, Any]:
    """Return a network up to a convolution's layer, channels first, and from there to the centred logits."""
    import keras
    import torch

    layers = list(core._flatten_layers(recursive=False, include_self=False))
    begun = next((number for number, layer in enumerate(layers) if "Conv2D" in type(layer).__name__), len(layers))
    wide = [layer for layer in layers[begun:] if len(layer.output.shape) == 4]
    spread = [layer for layer in wide if 2 * layer.output.shape[1] >= image_shape[0]]
    if not spread:
        raise ModelError(
            f"Model '{core.name}' has no convolution whose places are at most two pixels apart, and Grad-CAM is of "
            "those. Take --method smoothgrad or occlusion."
        )
    output = ([layer for layer in spread if _is_activated(layer)] or spread)[-1].output
    try:
        first, second = keras.Model(core.inputs, output), keras.Model(output, core.outputs[0])
    except (AttributeError, ValueError, KeyError) as error:
        raise ModelError(f"Model '{core.name}': what lies between its layers cannot be reached.") from error

    class First(torch.nn.Module):
        def forward(self, pixels: Any) -> Any:
            return first(whole.fed(pixels), training=False).permute(0, 3, 1, 2)

    class Second(torch.nn.Module):
        def forward(self, values: Any) -> Any:
            return whole.centred(second(values.permute(0, 2, 3, 1), training=False))

    return First(), Second()
