"""Pixels as a model is fed them: scaled, and shaped to its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def shaped(images: Tensor, input_shape: tuple[int, ...], dtype: torch.dtype, scale: float) -> Tensor:
    """Return images as a model's inputs.

    Args:
        images: uint8 or float ``(n, h, w)`` in 0..255.
        input_shape: ``(h * w,)``, ``(h, w)``, ``(h, w, 1)`` or ``(1, h, w)``; the last in channels-last memory, which
            convolutions then keep.
        dtype: of the model's weights.
        scale: what pixels are multiplied by.
    """
    values = images.to(dtype)
    if scale != 1.0:
        values = values.mul_(scale) if values is not images else values * scale
    if len(input_shape) == 3 and input_shape[0] == 1 and input_shape[2] != 1:
        return values.unsqueeze(3).permute(0, 3, 1, 2)
    return values.view(-1, *input_shape)


def pixel_scale(pixels: str) -> float:
    """Return what pixels in 0..255 are multiplied by for a recipe's ``pixels``.

    Example:
        >>> pixel_scale("raw")
        1.0
    """
    return 1 / 255 if pixels == "unit" else 1.0
