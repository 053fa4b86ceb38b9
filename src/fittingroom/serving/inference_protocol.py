"""The Open Inference Protocol, version 2, as pure functions: a request's bytes to arrays, arrays to an answer's bytes.

Source: https://github.com/kserve/open-inference-protocol, and the binary tensor data extension of NVIDIA Triton.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import DataError
from fittingroom.words import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LENGTH_HEADER = "inference-header-content-length"
DATATYPES = {
    "BOOL": "?",
    **{
        f"{sign}INT{bits}": f"{kind}{bits // 8}" for sign, kind in (("U", "<u"), ("", "<i")) for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}
MOST_AXES = 8
LARGEST_SIDE = 2**31


@dataclass(frozen=True)
class InferenceRequest:
    """What a request asks.

    Attributes:
        id: that the answer has to repeat; "" for none.
        input_name: of its one tensor.
        values: of that tensor, in the shape that the request tells.
        outputs: the names asked for, each with whether it is to be binary; None for all of them.
        is_binary: whether an output is binary where it does not say.
    """

    id: str
    input_name: str
    values: Array
    outputs: dict[str, bool] | None
    is_binary: bool


def read_request(body: bytes, header_length: str | None) -> InferenceRequest:
    """Read a request's body.

    Args:
        body: JSON; or JSON and then the bytes of binary tensors.
        header_length: what the header `LENGTH_HEADER` says, how long the JSON is; None without it.

    Raises:
        DataError: what the protocol does not allow.
    """
    head, tail = _parts(body, header_length)
    told = read_json_object(head)
    inputs = told.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        received = f"{len(inputs)} entries" if isinstance(inputs, list) else _kind(inputs)
        raise DataError(f"inputs: expected a list of one tensor, received {received}.")
    identity = told.get("id", "")
    if not isinstance(identity, str):
        raise DataError(f"id: expected a text, received {_kind(identity)}.")
    parameters = _object(told.get("parameters"), "parameters")
    name, values = _tensor(inputs[0], tail)
    return InferenceRequest(
        id=identity[:200],
        input_name=name,
        values=values,
        outputs=_outputs(told.get("outputs"), _flag(parameters, "binary_data_output")),
        is_binary=_flag(parameters, "binary_data_output"),
    )


def read_json_object(text: bytes) -> dict[str, Any]:
    """Return the object that a body of JSON holds.

    Raises:
        DataError: it is no JSON, or something else than an object.
    """
    try:
        told = json.loads(text)
    except RecursionError:
        raise DataError("The body: expected JSON, received lists inside lists without an end.") from None
    except ValueError as error:  # no UTF-8 among it
        raise DataError(f"The body: expected JSON, received: {' '.join(str(error).split())[:120]}.") from None
    if not isinstance(told, dict):
        raise DataError(f"The body: expected a JSON object, received {_kind(told)}.")
    return told


def _parts(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    if not (header_length.isascii() and header_length.isdigit()) or int(header_length) > len(body):
        raise DataError(
            f"{LENGTH_HEADER}: expected the length of the JSON, at most the body's {len(body)}, received "
            f"'{header_length[:20]}'."
        )
    length = int(header_length)
    if not length:
        raise DataError(f"{LENGTH_HEADER}: expected JSON before the tensor's bytes, received a length of 0.")
    return body[:length], body[length:]


def _tensor(told: Mapping[str, Any], tail: bytes) -> tuple[str, Array]:
    name = told.get("name")
    if not isinstance(name, str):
        raise DataError(f"inputs[0].name: expected a text, received {_kind(name)}.")
    name = name[:100]
    datatype, shape = told.get("datatype"), _shape(told.get("shape"), name)
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        received = datatype[:20] if isinstance(datatype, str) else _kind(datatype)
        raise DataError(f"input '{name}': expected a datatype of {listed(list(DATATYPES))}, received {received}.")
    dtype = np.dtype(DATATYPES[datatype])
    size = _object(told.get("parameters"), f"input '{name}', parameters").get("binary_data_size")
    if size is None:
        if tail:
            raise DataError(f"input '{name}': expected binary_data_size, since {len(tail)} bytes follow the JSON.")
        return name, _from_json(told.get("data"), datatype, dtype, shape, name)
    if "data" in told:
        raise DataError(f"input '{name}': expected either data or binary_data_size, received both.")
    expected = math.prod(shape) * dtype.itemsize
    if size != expected or len(tail) != expected or isinstance(size, bool):
        raise DataError(
            f"input '{name}': expected {expected} bytes for {datatype} of shape {shape}, received {len(tail)} and "
            f"binary_data_size {str(size)[:20]}."
        )
    return name, np.frombuffer(tail, dtype).reshape(shape)


def _shape(told: Any, name: str) -> list[int]:
    is_shape = isinstance(told, list) and len(told) <= MOST_AXES
    if not is_shape or not all(type(side) is int and 0 <= side < LARGEST_SIDE for side in told):
        raise DataError(
            f"input '{name}': expected a shape of at most {MOST_AXES} whole numbers, received {told!s:.60}."
        )
    return list(told)


def _from_json(data: Any, datatype: str, dtype: np.dtype[Any], shape: list[int], name: str) -> Array:
    if not isinstance(data, list):
        raise DataError(f"input '{name}': expected data as a list of numbers, received {_kind(data)}.")
    values = numbers(data, f"input '{name}'")
    if values.size != math.prod(shape):
        raise DataError(
            f"input '{name}': expected {math.prod(shape)} values for shape {shape}, received {values.size}."
        )
    if dtype.kind == "b":
        is_good = values.dtype.kind == "b"
    elif dtype.kind == "f":
        is_good = values.dtype.kind in "iuf"
    else:
        limits = np.iinfo(dtype)
        is_good = values.dtype.kind in "iu" and (
            not values.size or (int(values.min()) >= limits.min and int(values.max()) <= limits.max)
        )
    if not is_good and values.size:
        raise DataError(f"input '{name}': expected values of {datatype}, received others ({_span(values)}).")
    with np.errstate(over="ignore"):
        return values.astype(dtype).reshape(shape)


def _span(values: Array) -> str:
    return f"{values.dtype.name} {values.min()!s:.12} to {values.max()!s:.12}"


def numbers(data: list[Any], where: str) -> Array:
    """Return nested lists of numbers as an array.

    Raises:
        DataError: lists of different lengths, or something else than numbers.
    """
    try:
        values = np.asarray(data)
    except (ValueError, OverflowError, RecursionError):
        raise DataError(f"{where}: expected numbers in lists of one length, received others.") from None
    if values.dtype.kind not in "biuf" and values.size:
        raise DataError(f"{where}: expected numbers, received others.")
    return values


def _outputs(told: Any, binary: bool) -> dict[str, bool] | None:
    if told is None:
        return None
    if not isinstance(told, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in told
    ):
        raise DataError(f"outputs: expected a list of objects with a name, received {_kind(told)}.")
    found = {}
    for one in told:
        parameters = _object(one.get("parameters"), f"output '{one['name'][:100]}', parameters")
        if parameters.get("classification"):
            raise DataError(
                f"output '{one['name'][:100]}': expected no classification, which this server leaves to the client. "
                "Ask for the probabilities."
            )
        found[one["name"]] = _flag(parameters, "binary_data", binary)
    return found or None


def _object(told: Any, where: str) -> dict[str, Any]:
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise DataError(f"{where}: expected an object, received {_kind(told)}.")
    return told


def _flag(parameters: Mapping[str, Any], name: str, default: bool = False) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise DataError(f"{name}: expected true or false, received {_kind(value)}.")
    return value


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), "a number")


def write_answer(
    request: InferenceRequest, model: str, version: int, outputs: Mapping[str, Array], notes: Sequence[str] = ()
) -> tuple[bytes, int | None]:
    """Return an answer's body, and how long its JSON is where binary tensors follow it.

    Args:
        request: that is answered.
        model: its name.
        version: its version.
        outputs: by name, float32, as the request asks for them.
        notes: what the server chose for the user, said as the parameter ``notes``.
    """
    tensors: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for name, values in outputs.items():
        tensor: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(values.shape)}
        if request.is_binary if request.outputs is None else request.outputs[name]:
            tail.append(np.ascontiguousarray(values, "<f4").tobytes())
            tensor["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            tensor["data"] = values.ravel().tolist()
        tensors.append(tensor)
    told: dict[str, Any] = {"model_name": model, "model_version": str(version), "outputs": tensors}
    if request.id:
        told["id"] = request.id
    if notes:
        told["parameters"] = {"notes": " ".join(notes)}
    head = json.dumps(told, separators=(",", ":")).encode()
    return (b"".join([head, *tail]), len(head)) if tail else (head, None)
