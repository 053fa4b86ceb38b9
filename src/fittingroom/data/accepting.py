"""Whatever people have their images and labels in, read once into two arrays.

Known by what they can do, never by importing their library: the four arrays of ``load_data``, dictionaries and ``.npz``
files, pandas and polars tables, Hugging Face datasets, torch datasets and loaders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from fittingroom.arrays import Array, Images, Labels, as_array, check_images, check_labels, check_same_length
from fittingroom.data.dataset import Dataset, Split
from fittingroom.errors import DataError, UsageError
from fittingroom.progress import Log, warn_user
from fittingroom.words import counted

Part: TypeAlias = Literal["train", "test"]
Parts: TypeAlias = "tuple[Any, Any]"
IMAGE_NAMES = ("image", "images", "img", "pixels", "x", "data")
LABEL_NAMES = ("label", "labels", "class", "target", "targets", "y")
TAKEN = "a Dataset, a Split, (images, labels), a table, or a torch or Hugging Face dataset"


def accept_pair(source: object, where: str, log: Log = warn_user, *, part: Part = "train") -> tuple[Images, Labels]:
    """Return images ``uint8 (n, h, w)`` and labels ``(n,)``, at least one, from whatever holds them.

    Args:
        source: see `TAKEN` and the head of this module.
        where: "training", "validation" or "evaluation", for messages.
        log: takes one line where a choice was made; a Python warning if left out.
        part: which is meant where the source has a train and a test part.

    Raises:
        UsageError: nothing that holds images with labels.
        DataError: images or labels that are not what they should be, see `check_images` and `check_labels`.
    """
    found = _parts(source, part, where, log)
    if found is None:
        passes_once = hasattr(source, "__iter__") and not hasattr(source, "__len__")
        hint = " If it ends, pass list(data)." if passes_once else ""
        raise UsageError(f"Expected {where} data as {TAKEN}, received {type(source).__name__}.{hint}")
    if found[1] is None:
        raise DataError(
            f"{where}: expected images with labels, found no labels. Their column may be one of: {_LABELS}."
        )
    labels = check_labels(found[1], None, f"{where} labels")
    images = check_images(found[0], f"{where} images", log, len(labels))
    check_same_length(images, labels, where)
    if not len(images):
        raise DataError(f"{where}: expected at least one image, received none.")
    return images, labels


def accept_images(
    source: object, where: str = "images", log: Log = warn_user, shape: tuple[int, int] | None = None
) -> Images:
    """Return images ``uint8 (n, h, w)`` from whatever holds them, with or without labels.

    Args:
        source: as for `accept_pair`, or images alone, see `check_images`.
        where: what to call them in a message.
        log: takes one line where a choice was made; a Python warning if left out.
        shape: ``(h, w)`` of the images that are meant, where it is known: ``(n, h, w)`` is then no colour picture.

    Raises:
        UsageError: a `Dataset`, of which it is not said whether the train or the test images are meant.
        DataError: images that are not what they should be.
    """
    if isinstance(source, Dataset):
        raise UsageError("Expected images, received a Dataset. Pass data.test.images or data.train.images.")
    found = None if isinstance(source, tuple | list) else _parts(source, "test", where, log)
    images: Any = source if found is None else found[0]
    is_stack = shape is not None and tuple(getattr(images, "shape", ()))[1:] == shape
    return check_images(images, where, log, len(images) if is_stack else None)


_LABELS = ", ".join(LABEL_NAMES)


def _parts(source: Any, part: Part, where: str, log: Log) -> Parts | None:
    """Return images and labels, unchecked; labels None where there are none, all None where it is no such source."""
    if isinstance(source, Dataset):
        return _parts(source.train if part == "train" else source.test, part, where, log)
    if isinstance(source, Split):
        return source.images, source.labels
    is_array = isinstance(source, np.ndarray | str) or hasattr(source, "detach")
    if is_array or (hasattr(source, "to_numpy") and not hasattr(source, "columns")):
        return None
    if isinstance(source, Mapping):
        return _of_mapping(source, part, where, log)
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        return _of_table(source)
    if hasattr(source, "column_names") and hasattr(source, "features") and hasattr(source, "__len__"):
        return _of_columns(source, list(source.column_names))
    if hasattr(source, "dataset") and hasattr(source, "batch_size"):
        return _of_loader(source, where, log)
    if isinstance(source, tuple | list) and len(source) == 2:
        return _of_two(source, part)
    return _of_items(source, where, log)


def _of_two(source: Any, part: Part) -> Parts:
    """Return ``(images, labels)``, or the part meant of ``(train, test)`` as `load_data` gives them."""
    second = source[1]
    if isinstance(second, tuple | list) and len(second) == 2 and getattr(second[0], "ndim", np.ndim(second[0])) >= 3:
        source = source[0 if part == "train" else 1]
    return source[0], source[1]


def _of_mapping(source: Mapping[str, Any], part: Part, where: str, log: Log) -> Parts:
    for images, labels in ((f"x_{part}", f"y_{part}"), (f"{part}_images", f"{part}_labels")):
        if images in source and labels in source:
            return source[images], source[labels]
    if part in source:
        found = _parts(source[part], part, where, log)
        if found is not None:
            return found
    return _of_columns(source, list(source))


def _of_columns(source: Any, names: list[str]) -> Parts:
    image, label = _one_of(IMAGE_NAMES, names), _one_of(LABEL_NAMES, names)
    if image is None:
        raise DataError(f"Expected images under one of the names {', '.join(IMAGE_NAMES)}, found {', '.join(names)}.")
    return source[image], None if label is None else source[label]


def _one_of(known: tuple[str, ...], names: list[str]) -> str | None:
    lower = {str(name).casefold(): name for name in names}
    return next((lower[name] for name in known if name in lower), None)


def _of_table(table: Any) -> Parts:
    """Return a table's column of pictures, or all its columns of pixels, with its column of labels."""
    names = list(table.columns)
    image, label = _one_of(IMAGE_NAMES, names), _one_of(LABEL_NAMES, names)
    labels = None if label is None else table[label]
    if image is not None:
        return table[image], labels
    pixels = [name for name in names if name != label and str(name).casefold() not in ("id", "index")]
    return table[pixels], labels


def _of_loader(loader: Any, where: str, log: Log) -> Parts | None:
    """Read a loader; in its dataset's own order where it only shuffles, so that two readings are the same."""
    usual = ("SequentialSampler", "RandomSampler")
    sampler, collate = getattr(loader, "sampler", None), getattr(loader, "collate_fn", None)
    only_shuffles = type(sampler).__name__ in usual and len(sampler or ()) == len(loader.dataset)
    if only_shuffles and getattr(collate, "__name__", "") == "default_collate":
        return _parts(loader.dataset, "train", where, log)
    if not hasattr(loader.dataset, "__len__"):
        return None
    _tell_of_transform(loader.dataset, where, log)
    return _gathered(loader, where)


def _of_items(source: Any, where: str, log: Log) -> Parts | None:
    """Read a dataset of items ``(image, label)``, or of batches of both; None for what is none."""
    if not (hasattr(source, "__len__") and hasattr(source, "__getitem__")) or not len(source):
        return None
    tensors = getattr(source, "tensors", None)  # of torch's TensorDataset
    if isinstance(tensors, tuple) and len(tensors) == 2:
        return tensors[0], tensors[1]
    if not isinstance(source[0], tuple | list | Mapping) or len(source[0]) < 2:
        return None
    _tell_of_transform(source, where, log)
    return _gathered((source[index] for index in range(len(source))), where)


def _tell_of_transform(dataset: Any, where: str, log: Log) -> None:
    """Say that what a transform draws at random stays as it was drawn, also for a part of a dataset."""
    inner = dataset
    while getattr(inner, "transform", None) is None and hasattr(inner, "dataset"):
        inner = inner.dataset
    if getattr(inner, "transform", None) is not None:
        log(
            f"{where}: {counted(len(dataset), 'item')} read once into memory, as their transform gave them: what it "
            "draws at random is the same in each epoch."
        )


def _gathered(items: Iterable[Any], where: str) -> Parts:
    images: list[Array] = []
    labels: list[Array] = []
    for item in items:
        pair = _of_columns(item, list(item)) if isinstance(item, Mapping) else tuple(item)
        if len(pair) != 2 or pair[1] is None:
            raise DataError(f"{where}: expected items of an image and a label, received items of {len(pair)} parts.")
        image, label = as_array(pair[0], f"{where} images"), as_array(pair[1], f"{where} labels")
        is_batch = label.ndim > 0 and image.ndim > 2 and len(label) == len(image)
        images.append(image if is_batch else image[None])
        labels.append(label if is_batch else label[None])
    return _joined(images, where), _joined(labels, where)


def _joined(parts: list[Array], where: str) -> Array:
    shapes = sorted({part.shape[1:] for part in parts})
    if len(shapes) != 1:
        raise DataError(f"{where}: expected items of one shape, received {', '.join(map(str, shapes[:3])) or 'none'}.")
    return np.concatenate(parts)
