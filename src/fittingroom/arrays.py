"""Shapes and dtypes of the arrays that cross layers, and the checks made once at the border.

What people have in another form, and means one thing only, is taken: tensors, columns of a table, lists of pictures, an
axis of one, whole numbers kept as floats, pixels that are exactly k/255. Anything else is one sentence with the remedy.

Axes: ``n`` images, ``h`` rows, ``w`` columns, ``c`` classes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from fittingroom.errors import DataError, UsageError
from fittingroom.mapped_arrays import first_rows, pieces
from fittingroom.progress import Log, warn_user
from fittingroom.words import counted

Array: TypeAlias = np.ndarray
Images: TypeAlias = UInt8[Array, "n h w"]
Labels: TypeAlias = UInt8[Array, " n"] | Int64[Array, " n"]
Probabilities: TypeAlias = Float32[Array, "n c"] | Float64[Array, "n c"]
Predict: TypeAlias = Callable[[Images], Probabilities]

MNIST_PIXELS = 784  # of one picture, 28 x 28: a row of so many is a picture laid flat
LEAST_SIDE = 8  # pixels: below that an axis is no picture's height or width
MOST_ELONGATED = 4  # times as long as wide: beyond it two axes are no single picture
CHUNK = 4096  # images looked at together, so that a copy in float64 stays small


def as_array(values: object, where: str) -> Array:
    """Return as one NumPy array what somebody passed: lists, tensors, columns of a table, Pillow pictures.

    Args:
        values: anything with numbers in it; tensors are taken from their device, without their gradient.
        where: what to call it in a message.

    Raises:
        DataError: parts of different sizes, or nothing that makes an array.
    """
    try:
        array = _plain(values)
    except ImportError:
        raise
    except Exception as error:  # foreign containers raise what they like
        raise DataError(
            f"{where}: expected numbers in one array, received {type(values).__name__} whose parts do not fit together "
            f"({' '.join(str(error).split())[:100]})."
        ) from error
    return array


def _plain(values: Any) -> Array:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values
    if hasattr(values, "detach"):  # a torch tensor; NumPy has no bfloat16
        tensor = values.detach().cpu()
        return np.asarray((tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy())
    if hasattr(values, "getbands"):
        return _pixels_of_picture(values)
    if isinstance(values, Mapping) and values.get("bytes"):  # a picture as Hugging Face keeps it
        from PIL import Image

        return _pixels_of_picture(Image.open(io.BytesIO(values["bytes"])))
    for convert in ("to_numpy", "numpy"):
        if hasattr(values, convert):
            return _stacked(np.asarray(getattr(values, convert)()))
    if hasattr(values, "__len__") and hasattr(values, "__getitem__") and not isinstance(values, str | bytes | Mapping):
        return _stacked(values)
    return np.asarray(values)


def _stacked(values: Any) -> Array:
    """Return a sequence as one array; where its parts are no plain numbers, each is made an array first."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values
    parts = list(values) if np.ndim(values) or not isinstance(values, np.ndarray) else [values.item()]
    if parts and not isinstance(parts[0], int | float | str | np.generic | None):
        return np.stack([_plain(part) for part in parts])
    return np.asarray(parts)


def _pixels_of_picture(picture: Any) -> Array:
    if picture.mode in ("1", "La"):
        picture = picture.convert("L")
    elif picture.mode in ("P", "PA", "LA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return np.asarray(picture)


def check_images(images: object, where: str = "images", log: Log = warn_user, count: int | None = None) -> Images:
    """Return the images as ``uint8 (n, h, w)``, or say what is wrong with them.

    Taken besides that form: ``(n, h, w, 1)``, ``(n, 1, h, w)``, one image ``(h, w)``, rows of 784, equal channels,
    whole numbers in 0..255 of any dtype, and floats in 0..1 that are all exactly k/255 with some between 0 and 1.

    Args:
        images: see above and `as_array`.
        where: what to call the array in a message.
        log: takes one line where a choice was made; a Python warning if left out.
        count: how many images are meant, where something else tells, such as labels; None to guess from the shape.

    Raises:
        DataError: another shape or other values; among them colour, and pixels that are only 0 and 1.
    """
    if isinstance(images, str | PurePath):
        raise DataError(
            f"{where}: expected an array, received the path '{images}'. For photos: fr.predict_photos([path]); for a "
            "picture that is data: np.asarray(PIL.Image.open(path))."
        )
    array = as_array(images, where)
    is_stack = array.ndim == 3 and count is not None and len(array) == count
    stack = array if is_stack else _as_stack(array, where, log)
    pixels = stack if stack.dtype == np.uint8 else _as_uint8(stack, where, log)
    if is_binary(pixels):
        raise DataError(_only_zero_and_one(where))
    return pixels


def is_binary(pixels: Array) -> bool:
    """Say whether uint8 pixels ``(n, h, w)`` are only 0 and 1, some of them 1.

    Example:
        >>> is_binary(np.eye(3, dtype=np.uint8)[None])
        True
    """
    if not pixels.size or int(first_rows(pixels, 16).max()) > 1:
        return False
    return max(int(part.max()) for part in pieces(pixels, CHUNK)) == 1


def _only_zero_and_one(where: str) -> str:
    return (
        f"{where}: expected pixels in 0..255, received only 0 and 1, which are nearly black. If 1 means white, pass "
        "images.astype('uint8') * 255."
    )


def _as_stack(array: Array, where: str, log: Log) -> Array:
    """Return images of whatever dtype as ``(n, h, w)``."""
    while array.ndim > 3 and array.shape[-1] == 1:  # (n, h, w, 1)
        array = array[..., 0]
    if array.ndim == 3 and array.shape[-1] == 1 and min(array.shape[:2]) >= LEAST_SIDE:  # (h, w, 1)
        array = array[..., 0]
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 3 and array.shape[2] in (3, 4) and min(array.shape[:2]) >= LEAST_SIDE:
        array = array[None]  # one picture in colour
    if array.ndim == 4 and (array.shape[3] in (2, 3, 4) or array.shape[1] in (2, 3, 4)):
        array = _without_colour(array, where)
    if array.ndim == 2:
        array = _from_two_axes(array, where, log)
    if array.ndim != 3:
        hint = ""
        if array.ndim == 1 and (side := math.isqrt(len(array))) ** 2 == len(array) and side >= LEAST_SIDE:
            hint = f" For one picture laid flat pass images.reshape(1, {side}, {side})."
        raise DataError(f"{where}: expected shape (n, height, width), received {array.shape}.{hint}")
    return array


def _without_colour(array: Array, where: str) -> Array:
    last = array.shape[3] in (2, 3, 4)
    channels = array if last else np.moveaxis(array, 1, 3)
    grey = grey_in_fact(channels)
    if grey is not None:
        return grey
    one, three = (
        ("images[..., 0]", "images[..., :3]") if last else ("images[:, 0]", "np.moveaxis(images, 1, 3)[..., :3]")
    )
    scale = "255 * " if array.dtype.kind == "f" and array.size and array.max() <= 1 else ""
    raise DataError(
        f"{where}: expected grey pictures (n, height, width), received colour {array.shape}. For their brightness pass "
        f"({scale}{three} @ [0.299, 0.587, 0.114]).round().astype('uint8'), for one channel {one}."
    )


def grey_in_fact(channels: Array) -> Array | None:
    """Return the one channel of pictures that are grey in fact, or None where they are coloured or see-through.

    Args:
        channels: ``(..., c)`` of grey and alpha (2), red, green and blue (3), or these with alpha (4).

    Example:
        >>> grey_in_fact(np.array([[[7, 7, 7]]], np.uint8))
        array([[7]], dtype=uint8)
    """
    count = channels.shape[-1]
    if count in (2, 4):
        solid = 1.0 if channels.dtype.kind == "f" and channels.size and channels.max() <= 1 else 255
        if not (channels[..., -1] == solid).all():
            return None
    colours = channels[..., : 1 if count == 2 else 3]
    grey = colours[..., 0]
    return grey if all(np.array_equal(grey, colours[..., index]) for index in range(1, colours.shape[-1])) else None


def _from_two_axes(array: Array, where: str, log: Log) -> Array:
    """Return one image ``(h, w)``, or rows that are pictures laid flat, as ``(n, h, w)``."""
    rows, width = array.shape
    side = math.isqrt(width)
    is_square = side * side == width and side >= LEAST_SIDE
    looks_like_one = 0 < max(array.shape) <= MOST_ELONGATED * min(array.shape)
    if is_square and (width == MNIST_PIXELS or not looks_like_one):
        log(f"{where}: received {array.shape}, taken as {counted(rows, 'image')} of {side}x{side}, flattened by rows.")
        return array.reshape(rows, side, side)
    if looks_like_one and not is_square:
        return array[None]
    hint = f" For pictures laid flat pass images.reshape(-1, {side}, {side});" if is_square else ""
    raise DataError(
        f"{where}: expected shape (n, height, width), received {array.shape}.{hint} for one picture pass images[None]."
    )


def _as_uint8(array: Array, where: str, log: Log) -> Array:
    if array.dtype.kind == "b":
        raise DataError(_only_zero_and_one(where))
    if array.dtype.kind not in "iuf":
        raise DataError(f"{where}: expected uint8 pixels in 0..255, received {array.dtype}.")
    if not array.size:
        return array.astype(np.uint8)
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = int(np.flatnonzero(~np.isfinite(array).all(axis=(1, 2)))[0])
        raise DataError(f"{where}: expected pixels in 0..255, received a value that is not finite in image {bad}.")
    if array.dtype.kind == "f" and low >= 0 and 0 < high <= 1:
        return _scaled_back(array, where, log)
    if low >= 0 and high <= 255 and (array.dtype.kind != "f" or _is_whole(array)):
        return array.astype(np.uint8)
    raise DataError(f"{where}: expected uint8 pixels in 0..255, received {array.dtype} {_remedy(array, low, high)}")


def _is_whole(array: Array) -> bool:
    parts = (array[start : start + CHUNK] for start in range(0, len(array), CHUNK))
    return all(bool((part == np.rint(part)).all()) for part in parts)


def _scaled_back(array: Array, where: str, log: Log) -> Array:
    """Return floats in 0..1 as the whole pixels that they were made from, where every one is k/255."""
    pixels = np.empty(array.shape, np.uint8)
    tolerance = max(float(np.finfo(array.dtype).eps), 2.4e-7)  # float64 may have been float32 on its way
    for start in range(0, len(array), CHUNK):
        part = array[start : start + CHUNK].astype(np.float64)
        whole = np.rint(part * 255)
        if np.abs(part - whole / 255).max() > tolerance:
            raise DataError(
                f"{where}: expected uint8 pixels in 0..255, received {array.dtype} in 0..1. Pass the pixels as they "
                "are in the files; scaling happens inside. These are not all k/255, so they were changed on the way. "
                "To round them, pass (images * 255).round().astype('uint8')."
            )
        pixels[start : start + CHUNK] = whole
    if not ((pixels > 0) & (pixels < 255)).any():
        raise DataError(_only_zero_and_one(where))
    log(f"{where}: received {array.dtype} in 0..1, each exactly k/255; taken back to the whole pixels, 0..255.")
    return pixels


def _remedy(array: Array, low: float, high: float) -> str:
    span = f"in {low:.4g}..{high:.4g}"
    if array.dtype.kind == "f" and -1 <= low < 0 and high <= 1:
        return f"{span}. If these were scaled to -1..1, pass (127.5 * (images + 1)).round().astype('uint8')."
    if array.dtype.kind == "f" and low < 0:
        return (
            f"{span}. Undo the standardising: (255 * (images * std + mean)).round().astype('uint8'), with the same two."
        )
    if low >= 0 and high <= 255:
        return f"{span}, not whole. Pass images.round().astype('uint8')."
    if low >= 0 and array.dtype.kind in "iu" and high <= 65535:
        return f"{span}. For pictures of 16 bits pass (images // 257).astype('uint8')."
    return f"{span}. Bring them to whole numbers in 0..255, then images.astype('uint8')."


def check_labels(labels: object, classes: int | None = None, where: str = "labels") -> Labels:
    """Return the labels as an integer vector, or say what is wrong with them.

    Taken besides that form: ``(n, 1)``, one-hot ``(n, c)``, whole numbers kept as floats or bools, one label.

    Args:
        labels: see above and `as_array`.
        classes: how many classes there are; labels must be below it. None skips that check.
        where: what to call the array in a message.

    Raises:
        DataError: other shapes or values, or a label outside ``0..classes-1``.
    """
    array = _as_whole(_as_vector(as_array(labels, where), where), where)
    if array.size and (int(array.min()) < 0 or (classes is not None and int(array.max()) >= classes)):
        top = np.iinfo(np.int64).max if classes is None else classes - 1
        bad = int(np.flatnonzero((array < 0) | (array > top))[0])
        expected = "from 0" if classes is None else f"in 0..{classes - 1}"
        from_1 = classes is not None and int(array.min()) == 1 and int(array.max()) == classes
        hint = " If they count from 1, pass labels - 1." if from_1 else ""
        raise DataError(f"{where}: expected labels {expected}, received {array[bad]} at index {bad}.{hint}")
    return array if array.dtype == np.uint8 else array.astype(np.int64)


def _as_vector(array: Array, where: str) -> Array:
    while array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 0:
        array = array[None]
    if array.ndim == 1:
        return array
    if array.ndim == 2 and is_one_hot(array):
        return np.asarray(array.argmax(axis=1))
    hint = "If each row is a vector of classes, pass labels.argmax(axis=1)."
    if array.ndim == 2 and array.shape[1] == 8 and array.dtype.kind in "iu":
        hint = "If these are QMNIST's eight columns, pass labels[:, 0]."
    raise DataError(
        f"{where}: expected whole numbers of shape (n,), received {array.dtype} {array.shape}. "
        f"{hint if array.ndim == 2 else 'Are images and labels in each other’s place?'}"
    )


def is_one_hot(array: Array) -> bool:
    """Say whether every row of ``(n, c)`` is one 1 among zeros.

    Example:
        >>> is_one_hot(np.array([[0, 1], [1, 0]])), is_one_hot(np.array([[0.9, 0.1]]))
        (True, False)
    """
    if array.dtype.kind not in "biuf" or not array.size:
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1, dtype=np.float64) == 1).all())


def _as_whole(array: Array, where: str) -> Array:
    """Return a vector of whole numbers as integers."""
    if array.dtype.kind in "iu":
        if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
            raise DataError(f"{where}: expected labels from 0, received {array.max()}.")
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind in "US" or (array.dtype == object and any(isinstance(one, str) for one in array)):
        digits = all(str(one).strip().isdigit() for one in array)
        code = "np.asarray(labels).astype(int)" if digits else "np.unique(labels, return_inverse=True)[1]"
        raise DataError(
            f"{where}: expected whole numbers of shape (n,), received words such as {str(array[0])!r}. Pass {code}."
        )
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"{where}: expected whole numbers of shape (n,), received {array.dtype} {array.shape}."
        ) from None
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers == np.rint(numbers))))
    if wrong.size:
        raise DataError(
            f"{where}: expected whole numbers of shape (n,), received {numbers[wrong[0]]:g} at index {wrong[0]}."
        )
    return numbers.astype(np.int64)


def check_same_length(images: Array, labels: Array, where: str = "data") -> None:
    """Raise where images and labels do not pair up.

    Raises:
        DataError: their counts differ.
    """
    if len(images) != len(labels):
        raise DataError(
            f"{where}: expected as many labels as images, received {counted(len(images), 'image')} "
            f"and {counted(len(labels), 'label')}."
        )


def check_whole(value: object, where: str, least: int | None = 0, most: int | None = 2**32 - 1) -> int:
    """Return a whole number, NumPy's among them, or say what was expected.

    Args:
        value: a number; True and False are none.
        where: what to call it in a message.
        least: the smallest allowed; None for no limit.
        most: the largest allowed; None for no limit, left out that of a seed.

    Raises:
        UsageError: no whole number, or outside the range.

    Example:
        >>> check_whole(np.int64(7), "seed")
        7
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        number = int(value)
        if (least is None or number >= least) and (most is None or number <= most):
            return number
    span = "" if least is None else f", {least} or more" if most is None else f", {least} to {most}"
    raise UsageError(f"{where}: expected a whole number{span}, received {value!r}.")
