"""Files of arrays, held in memory: NumPy's ``.npz`` as Keras has it, and MATLAB's ``.mat`` as EMNIST has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import check_images, check_labels
from fittingroom.data.formats.contents import Contents, gathered, library, part_of_arrays, read_class_names
from fittingroom.errors import DataError
from fittingroom.files import array_names, read_arrays
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fittingroom.arrays import Array
    from fittingroom.data.formats.contents import Part
    from fittingroom.progress import Log

NPZ_NAMES = {  # of the training images and labels, and how those of the test part are called
    ("x_train", "y_train"): ("x_test", "y_test"),  # Keras
    ("train_images", "train_labels"): ("test_images", "test_labels"),
    ("images", "labels"): (),
    ("x", "y"): (),
}
CLASS_NAMES, IMAGE_SHAPE = "class_names", "image_shape"  # beside the arrays of others, where we write a file


def read_npz(path: Path, log: Log) -> Contents:
    """Return the contents of a ``.npz`` file of images and labels.

    Args:
        path: of a file with the names of `NPZ_NAMES`, perhaps with ``class_names`` too.
        log: takes one line for each choice that was made: pixels scaled back.

    Raises:
        DataError: other names, other arrays, Python objects.
    """
    there = set(array_names(path))
    pair = next((pair for pair in NPZ_NAMES if set(pair) <= there), None)
    if pair is None:
        known = " or ".join(" and ".join(names) for names in NPZ_NAMES)
        raise DataError(f"{path}: expected arrays called {known}, found {', '.join(sorted(there)) or 'none'}.")
    arrays: Any = read_arrays(path)
    train, test = _npz_part("train", arrays, pair, path, log), None
    if NPZ_NAMES[pair] and set(NPZ_NAMES[pair]) <= there:
        test = _npz_part("test", arrays, NPZ_NAMES[pair], path, log)
    names = tuple(str(name) for name in arrays[CLASS_NAMES]) if CLASS_NAMES in there else read_class_names(path)
    return Contents(path.stem, train, test, names)


def _npz_part(name: str, arrays: Mapping[str, Array], pair: tuple[str, ...], path: Path, log: Log) -> Part:
    labels = check_labels(arrays[pair[1]], None, f"{path}, {pair[1]}")
    return part_of_arrays(name, check_images(arrays[pair[0]], f"{path}, {pair[0]}", log, len(labels)), labels)


def write_npz(contents: Contents, out: Path) -> None:
    """Write a ``.npz`` file like Keras's ``mnist.npz``, with ``class_names`` where there are some.

    Args:
        contents: checked; held in memory.
        out: the file to make.
    """
    arrays: dict[str, Any] = {}
    for part in contents.parts:
        arrays[f"x_{part.name}"], arrays[f"y_{part.name}"] = gathered(part)
    if contents.class_names is not None:
        arrays[CLASS_NAMES] = np.array(contents.class_names)
    with out.open("wb") as file:  # by its name NumPy would change an ending in capitals
        np.savez_compressed(file, **arrays)


def read_mat(path: Path, log: Log) -> Contents:
    """Return the contents of a ``.mat`` file as EMNIST has it: ``dataset`` with ``train``, ``test`` and ``mapping``.

    Its images are transposed, and are turned upright; its labels are counted by their place in the mapping.

    Args:
        path: of the file, of MATLAB's version 7 or before.
        log: takes one line for each choice that was made.

    Raises:
        UsageError: SciPy is not installed.
        DataError: another layout, or a damaged file.
    """
    loadmat = library("scipy.io", "MATLAB's .mat").loadmat
    try:
        loaded = loadmat(path, simplify_cells=True, appendmat=False)
        dataset = loaded["dataset"]
        parts = {name: dataset[name] for name in ("train", "test") if name in dataset}
        first, codes = _mapping(dataset)
        shape = tuple(int(size) for size in loaded[IMAGE_SHAPE]) if IMAGE_SHAPE in loaded else None
        made = {name: _mat_part(name, part, first, shape, f"{path}, {name}", log) for name, part in parts.items()}
        names = tuple(map(str, np.atleast_1d(loaded[CLASS_NAMES]))) if CLASS_NAMES in loaded else codes
        train = made.pop("train")
    except DataError:
        raise
    except NotImplementedError as error:
        raise DataError(f"{path}: expected a .mat file of version 7, received 7.3. Save it with -v7.") from error
    except Exception as error:  # SciPy raises many kinds for what is damaged or laid out otherwise
        raise DataError(
            f"{path}: expected a .mat file as EMNIST's: dataset.train.images, dataset.train.labels, dataset.mapping; "
            f"received another ({type(error).__name__}: {' '.join(str(error).split())[:80]})."
        ) from error
    log(f"{path}: its pictures are turned upright, as those of every file in EMNIST's layout.")
    return Contents(path.stem, train, made.get("test"), names)


def _mapping(dataset: Mapping[str, Any]) -> tuple[int, tuple[str, ...] | None]:
    """Return the number of the first class, and the classes' letters, from rows of a number and codes of letters."""
    if "mapping" not in dataset:
        return 0, None
    rows = np.atleast_2d(dataset["mapping"])
    first = int(rows[0, 0])
    if rows[:, 0].tolist() != list(range(first, first + len(rows))):
        raise DataError("expected a mapping of classes that are counted up, received another.")
    return first, tuple(chr(int(code)) for code in rows[:, 1])


def _mat_part(
    name: str, part: Mapping[str, Any], first: int, shape: tuple[int, ...] | None, where: str, log: Log
) -> Part:
    flat = np.atleast_2d(part["images"])
    height, width = shape or (math.isqrt(flat.shape[1]),) * 2
    if height * width != flat.shape[1]:
        raise DataError(f"{where}: expected square pictures, received {counted(flat.shape[1], 'pixel')} each.")
    upright = np.ascontiguousarray(flat.reshape(-1, width, height).transpose(0, 2, 1))
    labels = np.atleast_1d(part["labels"]).astype(np.int64) - first
    return part_of_arrays(name, check_images(upright, where, log, len(upright)), check_labels(labels, None, where))


def write_mat(contents: Contents, out: Path) -> None:
    """Write a ``.mat`` file in EMNIST's layout, with ``class_names`` and ``image_shape`` beside ``dataset``.

    Args:
        contents: checked; held in memory.
        out: the file to make.

    Raises:
        UsageError: SciPy is not installed.
    """
    savemat = library("scipy.io", "MATLAB's .mat").savemat
    dataset: dict[str, Any] = {}
    values: dict[str, Any] = {"dataset": dataset}
    for part in contents.parts:
        images, labels = gathered(part)
        dataset[part.name] = {
            "images": images.transpose(0, 2, 1).reshape(len(images), -1),
            "labels": labels.reshape(-1, 1),
        }
        values[IMAGE_SHAPE] = np.array(images.shape[1:], np.int32)
    if contents.class_names is not None:
        values[CLASS_NAMES] = np.array(contents.class_names, object)
    savemat(out, values, do_compression=True, appendmat=False)
