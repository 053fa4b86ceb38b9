"""The network as ONNX: batch norm folded into its convolutions, weights as 8-bit whole numbers.

Weights are int8 with a scale for each output channel, and go through `Cast` and `Mul`: ONNX Runtime computes these
once, when it loads the file. (`DequantizeLinear` is not folded, and costs four times the processor time.)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
from network import CLASSES, CUT, DEVIATION, HEIGHT, MEAN, OUTPUTS, WIDTH, same_padding
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from network import InvertedResidual, SameConvolution, Tail, Trunk
    from numpy.typing import NDArray
    from torch import nn


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

    def answers(self, logits: str, none_slope: float, none_offset: float) -> None:
        """Add probabilities over the ten classes, and the score of none of these: see `folds.py`."""
        edges = [self.constant(np.array([at], np.int64), f"at{at}") for at in (0, len(CLASSES), 99)]
        axis = self.constant(np.array([1], np.int64), "axis")
        ten = self.node("Slice", [logits, edges[0], edges[1], axis], "ten")
        others = self.node("Slice", [logits, edges[1], edges[2], axis], "others")
        self.node("Softmax", [ten], PROBABILITIES, axis=1)
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


def photo_model(trunk: Trunk, tail: Tail, none_slope: float, none_offset: float) -> onnx.ModelProto:
    """Return the network that is shipped: uint8 ``(n, 224, 168, 3)`` to probabilities and a score of none of these.

    The probabilities are the network's own: the temperature is in the card.
    """
    writer = GraphWriter(quantized=True, mirrored=True)
    writer.answers(writer.tail(writer.trunk(trunk), tail), none_slope, none_offset)
    model = writer.model({PROBABILITIES: ["n", len(CLASSES)], NONE: ["n"]})
    helper.set_model_props(model, {"class_names": json.dumps(CLASSES)})
    return model
