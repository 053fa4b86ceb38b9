"""What a network costs: its parameters and the operations of one forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def forward_mflop(model: keras.Model) -> float:
    """Return the floating-point operations of one image's forward pass, in millions.

    Products and convolutions are counted, a multiplication and an addition as two; the rest is left out.

    Args:
        model: as it is saved for use: ``(n, h, w)`` in.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    images = torch.zeros((1, *model.input_shape[1:]))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(images, training=False)
    return float(counter.get_total_flops() / 1e6)
