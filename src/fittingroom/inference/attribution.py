"""Which pixels an answer hangs on, for every class: by occlusion, which asks any model, and by gradients of Keras ones.

All maps are about centred logits, the logarithms of the probabilities less their mean over the classes: the difference
of two maps is then about how much more probable one class is than the other.

Source: M. Zeiler and R. Fergus, arXiv 1311.2901 (occlusion); D. Smilkov and others, arXiv 1706.03825 (SmoothGrad, by
``captum``).
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
NOISE = 0.02  # standard deviation, of pixels in 0..1, where the network bears it
SAME = 0.9  # of the noisy copies, that have to have the picture's own answer
SAMPLES = 16  # noisy copies of each picture


def occlusion_maps(ask: Callable[[Array], Array], images: Array, *, step: int | None = None) -> Array:
    """Return how much covering each pixel takes from each class's centred logit, the mean over all patches on it.

    Args:
        ask: pictures to probabilities ``(n, c)``.
        images: uint8 ``(n, h, w)`` or ``(n, h, w, 3)``; each is covered by the middle value of its own edge.
        step: pixels from one patch to the next; None for one pixel, and of larger pictures a quarter of a patch.
    """
    height, width = images.shape[1:3]
    side = max(1, round(PATCH * min(height, width) / 28))
    step = step or (max(1, side // 4) if side > PATCH else 1)
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

    The noise is `NOISE` where the answer stays with it, else a share of that, or none.

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
        noises = [_bearable_noise(scores, pixels[place : place + 1]) for place in range(len(images))]
        for place, label in np.ndindex(len(images), classes):
            one, noise = pixels[place : place + 1], noises[place]
            torch.manual_seed(0)  # the same noise for every class, and each time
            asked = {"nt_type": "smoothgrad", "nt_samples": SAMPLES, "nt_samples_batch_size": SAMPLES, "stdevs": noise}
            plain = InputXGradient(scores)
            method, more = (NoiseTunnel(plain), asked) if noise else (plain, {})
            maps = method.attribute(one.clone().requires_grad_(), target=label, **more)
            found[place, label] = maps.detach().cpu().numpy()[0]
    return found


def _bearable_noise(scores: Any, pixels: Any) -> float:
    """Return how much noise leaves a picture's answer as it is: `NOISE`, or a share of it, or none.

    A network that whitens its input makes much of a little noise, and then tells of the noise and not of the picture.
    """
    import torch

    with torch.no_grad():
        answer = scores(pixels).argmax(dim=1)
        torch.manual_seed(0)
        drawn = torch.randn((SAMPLES, *pixels.shape[1:]))
        for share in (1.0, 0.25, 0.0625):
            if float((scores(pixels + share * NOISE * drawn).argmax(dim=1) == answer).float().mean()) >= SAME:
                return share * NOISE
    return 0.0


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
