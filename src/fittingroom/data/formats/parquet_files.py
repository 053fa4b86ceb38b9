"""Hugging Face's forms: Parquet with pictures in a column ``image``, folders of it, what ``save_to_disk`` writes."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data.formats.contents import (
    Chunk,
    Contents,
    Part,
    library,
    read_class_names,
)
from fittingroom.data.formats.csv_tables import LABEL_COLUMNS, check_one_part, csv_pair
from fittingroom.data.formats.grey_png import decode_png, encode_png
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from fittingroom.progress import Log

IMAGE_COLUMNS = ("image", "img", "images", "pixels")
PART_NAMES = ("train", "test")
OTHER_PARTS = ("validation", "valid", "val", "dev", "unsupervised", "extra")
ROWS = 1000  # decoded at once
NEEDS = "Parquet"


def is_huggingface_folder(path: Path) -> bool:
    """Say whether a folder holds files of Hugging Face: Parquet, or Arrow as ``save_to_disk`` writes it."""
    return path.is_dir() and bool(_files(path))


def _files(folder: Path) -> list[Path]:
    found = [one for pattern in ("*", "*/*") for one in folder.glob(pattern) if one.suffix in (".parquet", ".arrow")]
    return sorted(one for one in found if not one.name.startswith((".", "cache-")))


def read_parquet(path: Path, log: Log) -> Contents:
    """Return the contents of a Parquet file with a column of pictures and one of labels.

    Args:
        path: of the file; where its name says "train", a file beside it that says "test" is the test part.
        log: takes one line for each choice that was made.

    Raises:
        UsageError: PyArrow is not installed.
        DataError: other columns, or pictures that are not grey.
    """
    train, test = csv_pair(path, log, ".parquet")
    return _contents(path.stem, [train], [test] if test else [], read_class_names(path))


def read_huggingface(path: Path, log: Log) -> Contents:
    """Return the contents of a folder of Parquet files, or of one that ``save_to_disk`` wrote.

    Args:
        path: of the folder; the names of files, or of the folders around them, begin with train and test.
        log: told of parts that are not read.

    Raises:
        UsageError: PyArrow is not installed.
        DataError: names that tell no parts, other columns, or pictures that are not grey.
    """
    files: dict[str, list[Path]] = {}
    for file in _files(path):
        files.setdefault(_part_of(file, path), []).append(file)
    for other in files.keys() - set(PART_NAMES):
        log(f"{path}: its part {other!r} is not read, since a dataset has a train and a test part.")
    if len({file.parent for file in files.get("train", [])}) > 1:
        raise DataError(f"{path}: expected one dataset, found several folders of them. Name the one meant.")
    if "train" not in files:
        raise DataError(f"{path}: expected files whose names begin with train and test, found {', '.join(files)}.")
    return _contents(path.resolve().name, files["train"], files.get("test", []), read_class_names(path))


def _part_of(file: Path, folder: Path) -> str:
    """Return which part a file is of, by its name or that of its folder."""
    names = [file.name] if file.parent == folder else [file.name, file.parent.name]
    known = (*PART_NAMES, *OTHER_PARTS)
    found = next((part for name in names for part in known if name.lower().startswith(part)), None)
    if found is None and file.parent == folder and file.name.startswith("data-"):
        return "train"  # save_to_disk of a dataset without parts: data-00000-of-00001.arrow
    return found or file.stem


def _contents(name: str, train: Sequence[Path], test: Sequence[Path], beside: tuple[str, ...] | None) -> Contents:
    names = _class_names(train[0]) or beside
    test_part = Part("test", partial(_chunks, test)) if test else None
    return Contents(name, Part("train", partial(_chunks, train)), test_part, names)


def _class_names(path: Path) -> tuple[str, ...] | None:
    """Return the names that Hugging Face keeps with the columns, or None."""
    schema = _opened(path)[0]
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[_column(schema.names, LABEL_COLUMNS, path)]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(map(str, names))


def _opened(path: Path) -> tuple[Any, Iterable[Any]]:
    """Return the schema of a file, and its batches of rows."""
    arrow, parquet = library("pyarrow", NEEDS), library("pyarrow.parquet", NEEDS)
    try:
        if path.suffix == ".parquet":
            file = parquet.ParquetFile(path)
            return file.schema_arrow, file.iter_batches(ROWS)
        stream = arrow.ipc.open_stream(arrow.memory_map(str(path)))
        return stream.schema, stream
    except (arrow.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: expected a file that PyArrow reads, received: {' '.join(str(error).split())[:100]}"
        ) from error


def _column(names: Sequence[str], known: Sequence[str], path: Path) -> str:
    found = next((name for one in known for name in names if name.casefold() == one), None)
    if found is None:
        raise DataError(f"{path}: expected a column {' or '.join(known[:3])}, found {', '.join(names)}.")
    return found


def _chunks(files: Sequence[Path]) -> Iterator[Chunk]:
    arrow = library("pyarrow", NEEDS)
    for path in files:
        schema, batches = _opened(path)
        image, label = _column(schema.names, IMAGE_COLUMNS, path), _column(schema.names, LABEL_COLUMNS, path)
        try:
            for batch in batches:
                for start in range(0, len(batch), ROWS):
                    part = batch.slice(start, ROWS)
                    yield _decoded(part.column(image).to_pylist(), part.column(label).to_pylist(), path)
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{path}: the file is damaged ({' '.join(str(error).split())[:100]}).") from error


def _decoded(images: Sequence[Any], labels: Sequence[Any], path: Path) -> Chunk:
    if not all(isinstance(label, int) for label in labels):
        wrong = next(label for label in labels if not isinstance(label, int))
        raise DataError(f"{path}: expected labels as whole numbers, received {str(wrong)[:40]!r}.")
    pictures = [_picture(one, path) for one in images]
    if len({picture.shape for picture in pictures}) > 1:
        raise DataError(f"{path}: expected images of one size, received several.")
    return np.stack(pictures), np.array(labels, np.int64)


def _picture(value: Any, path: Path) -> Any:
    """Return one picture uint8 ``(h, w)`` from a PNG's bytes, or from rows of pixels."""
    content = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(content, bytes):
        return decode_png(content, str(path))
    rows = np.asarray(content) if isinstance(content, list) else np.empty(0)
    if rows.ndim == 2 and rows.dtype.kind in "iu" and rows.size and rows.min() >= 0 and rows.max() <= 255:
        return rows.astype(np.uint8)
    raise DataError(
        f"{path}: expected each picture as the bytes of a file, or as rows of pixels in 0..255, received "
        f"{'one that lies outside of the file' if content is None else type(content).__name__}."
    )


def write_parquet(contents: Contents, out: Path) -> None:
    """Write one Parquet file as Hugging Face does: ``image`` and ``label``, with the names of the classes.

    Args:
        contents: of one part, checked.
        out: the file to make.

    Raises:
        UsageError: PyArrow is not installed, or there are two parts.
    """
    check_one_part(contents, out, "huggingface")
    _write_part(contents.train, out, contents.class_names)


def write_huggingface(contents: Contents, out: Path) -> None:
    """Write a folder that ``datasets.load_dataset(FOLDER)`` reads: ``data/train-00000-of-00001.parquet`` and so on.

    Args:
        contents: checked.
        out: an empty folder.

    Raises:
        UsageError: PyArrow is not installed.
    """
    (out / "data").mkdir()
    for part in contents.parts:
        _write_part(part, out / "data" / f"{part.name}-00000-of-00001.parquet", contents.class_names)


def _write_part(part: Part, path: Path, names: tuple[str, ...] | None) -> None:
    arrow, parquet = library("pyarrow", NEEDS), library("pyarrow.parquet", NEEDS)
    picture = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    label = {"_type": "Value", "dtype": "int64"} if names is None else {"_type": "ClassLabel", "names": list(names)}
    features = {"image": {"_type": "Image"}, "label": label}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = arrow.schema([("image", picture), ("label", arrow.int64())], metadata)
    with parquet.ParquetWriter(path, schema) as writer:
        for images, labels in part.chunks():
            rows = [{"bytes": encode_png(image), "path": None} for image in images]
            columns = [arrow.array(rows, picture), arrow.array(labels.astype(np.int64))]
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
