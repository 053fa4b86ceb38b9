"""Folders of grey pictures: a folder a class, or a table of file names and labels; in two parts or in one."""

from __future__ import annotations

import csv
import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fittingroom.data.catalog import DATASETS
from fittingroom.data.folder import CLASSES_FILE
from fittingroom.data.formats.contents import Contents, Part, read_class_names, rows_of, write_class_names
from fittingroom.data.formats.csv_tables import LABEL_COLUMNS, csv_pair, first_cells
from fittingroom.data.formats.grey_png import decode_png, encode_png
from fittingroom.data.idx import reading
from fittingroom.errors import DataError
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fittingroom.data.formats.contents import Chunk
    from fittingroom.progress import Log

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
PARTS = (("train", "training"), ("test", "testing", "t10k"))  # names of the folders of a layout in two parts
FILE_COLUMNS = ("file_name", "filename", "file", "image", "path", "image_path")
METADATA = "metadata.csv"  # as Hugging Face's "imagefolder" calls the table
DIGITS = 7  # of a picture's number in its file's name

Labelled: TypeAlias = "Sequence[tuple[str, int]]"  # the path of a picture, and its label


def folder_name(label: str) -> str:
    """Return a class's name as a folder's name.

    Example:
        >>> folder_name("T-shirt/top")
        'T-shirt-top'
    """
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "-", label).strip(". ") or "-"


def folder_names(names: Iterable[str]) -> list[str]:
    """Return the classes' names as names of folders, each another.

    Example:
        >>> folder_names(["a/b", "a-b", "ä"])
        ['a-b', 'a-b-2', 'ä']
    """
    found: list[str] = []
    for name in map(folder_name, names):
        number, free = 2, name
        while free in found:
            number, free = number + 1, f"{name}-{number}"
        found.append(free)
    return found


def two_parts(folder: Path) -> tuple[Path, Path] | None:
    """Return the folders of a layout in a train and a test part; None where all is one part.

    Args:
        folder: to look in.
    """
    inside = _folders_in(folder)
    train, test = (next((one for one in inside if one.name.casefold() in names), None) for names in PARTS)
    return None if train is None or test is None else (train, test)


def _folders_in(folder: Path) -> list[Path]:
    return sorted((one for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")), key=_by_number)


def _by_number(path: Path) -> tuple[int, str]:
    return (int(path.name) if path.name.isdecimal() else -1), path.name


def _pictures_in(folder: Path) -> list[str]:
    with os.scandir(folder) as inside:
        return sorted(one.path for one in inside if one.name.lower().endswith(PICTURES))


def is_class_folders(path: Path) -> bool:
    """Say whether a folder holds folders of pictures, perhaps in two parts, without a table of their labels."""
    if not path.is_dir() or is_picture_table(path):
        return False
    return any(any(map(_pictures_in, _folders_in(part))) for part in _parts_of(path))


def _parts_of(path: Path) -> tuple[Path, ...]:
    found = two_parts(path)
    return (path,) if found is None or any(map(_pictures_in, found)) else found


def read_class_folders(path: Path, log: Log) -> Contents:
    """Return the contents of a folder with a folder of grey pictures for each class, perhaps in train and test.

    Where every picture's name is a number, another for each, they are in that order; otherwise by class and name.
    ``classes.txt`` has the names by label; without it the folders are sorted by name, or number.

    Args:
        path: of the folder.
        log: told how the classes were counted, where that was a choice.

    Raises:
        DataError: a class folder that ``classes.txt`` does not name, no pictures, or pictures that are not grey.
    """
    parts = [{one.name: _pictures_in(one) for one in _folders_in(part)} for part in _parts_of(path)]
    there = sorted(
        {name for part in parts for name, inside in part.items() if inside}, key=lambda n: _by_number(Path(n))
    )
    names = read_class_names(path) or _names_of(there, path, log)
    label_of = {folder: label for label, folder in enumerate(folder_names(names))}
    unknown = next((name for name in there if name not in label_of), None)
    if unknown is not None:
        raise DataError(
            f"{path / unknown}: expected a folder for one of the classes of {CLASSES_FILE} "
            f"({', '.join(label_of)}), found another. Add its name to that file."
        )
    labelled = [_in_order([(one, label_of[name]) for name in there for one in part.get(name, ())]) for part in parts]
    return _contents(path, labelled, names)


def _names_of(there: Sequence[str], path: Path, log: Log) -> tuple[str, ...]:
    for known in DATASETS.values():
        if not known.class_names[0].isdigit() and set(there) <= set(folder_names(known.class_names)):
            log(f"{path}: its folders are classes of {known.title}, and are counted as there.")
            return known.class_names
    return tuple(there)


def _in_order(pictures: Labelled) -> Labelled:
    stems = [Path(path).stem for path, _ in pictures]
    if all(stem.isdecimal() for stem in stems) and len({int(stem) for stem in stems}) == len(stems):
        return sorted(pictures, key=lambda one: int(Path(one[0]).stem))
    return pictures


def _contents(path: Path, parts: Sequence[Labelled], names: tuple[str, ...] | None) -> Contents:
    made = [
        Part(name, partial(_chunks, pictures, path)) for name, pictures in zip(("train", "test"), parts, strict=False)
    ]
    return Contents(path.resolve().name, made[0], made[1] if len(made) > 1 else None, names)


def _chunks(pictures: Labelled, where: Path) -> Iterator[Chunk]:
    if not pictures:
        raise DataError(f"{where}: expected at least one picture in each part, found none.")
    first = _read(pictures[0][0])
    step = rows_of(first.nbytes)
    for start in range(0, len(pictures), step):
        chosen = pictures[start : start + step]
        images = np.empty((len(chosen), *first.shape), np.uint8)
        for index, (path, _) in enumerate(chosen):
            image = _read(path)
            if image.shape != first.shape:
                sizes = " and ".join("x".join(map(str, one.shape)) for one in (first, image))
                raise DataError(f"{path}: expected pictures of one size, received {sizes} pixels.")
            images[index] = image
        yield images, np.array([label for _, label in chosen], np.int64)


def _read(path: str) -> np.ndarray:
    with reading(path):
        content = Path(path).read_bytes()
    return decode_png(content, path)


def write_class_folders(contents: Contents, out: Path) -> None:
    """Write a folder of PNGs for each class, below ``train`` and ``test`` where there are two parts.

    Args:
        contents: checked.
        out: an empty folder; ``classes.txt`` goes into it too, since a folder cannot be called by every name.
    """
    most, known = 0, contents.class_names
    folders = None if known is None else folder_names(known)
    for part in contents.parts:
        home = out if contents.test is None else out / part.name
        for number, image, label in _numbered(part):
            folder = home / (str(label) if folders is None else folders[label])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:0{DIGITS}}.png").write_bytes(encode_png(image))
            most = max(most, label)
    write_class_names(out / CLASSES_FILE, known or tuple(map(str, range(most + 1))))


def _numbered(part: Part) -> Iterator[tuple[int, np.ndarray, int]]:
    number = 0
    for images, labels in part.chunks():
        for image, label in zip(images, labels.tolist(), strict=True):
            yield number, image, label
            number += 1


def is_picture_table(path: Path) -> bool:
    """Say whether a folder holds a table of pictures' names and labels, perhaps one in each part."""
    return path.is_dir() and any(
        _names_pictures(file) for part in (path, *(two_parts(path) or ())) for file in _csvs(part)
    )


def _csvs(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.suffix.lower() == ".csv")


def _names_pictures(file: Path) -> bool:
    names = [name.casefold() for name in first_cells(file)]
    return any(name in names for name in FILE_COLUMNS) and any(name in names for name in LABEL_COLUMNS)


def read_picture_table(path: Path, log: Log) -> Contents:
    """Return the contents of a folder of pictures with a table of their names and labels.

    Args:
        path: of the folder; with the folders train and test in it there is a table in each, otherwise one for each
            part in it, or one for all.
        log: takes one line for each choice that was made.

    Raises:
        DataError: tables without names and labels, pictures that are missing or not grey, words as labels that
            ``classes.txt`` does not have.
    """
    parts = two_parts(path)
    tables = [_only_table(part) for part in parts] if parts and all(map(_csvs, parts)) else list(csv_pair(path, log))
    rows = [_rows(table) for table in tables if table is not None]
    names, label_of = read_class_names(path), None
    if not all(label.isdecimal() for part in rows for _, label in part):
        names = names or tuple(sorted({label for part in rows for _, label in part}))
        label_of = {name: label for label, name in enumerate(names)}
        log(f"{path}: its labels are words, counted in this order: {', '.join(names)}.")
    return _contents(path, [[(file, _number(word, label_of, file)) for file, word in part] for part in rows], names)


def _only_table(folder: Path) -> Path:
    found = [file for file in _csvs(folder) if _names_pictures(file)]
    if len(found) != 1:
        raise DataError(f"{folder}: expected one table of pictures, found {counted(len(found), 'table')}.")
    return found[0]


def _rows(table: Path) -> list[tuple[str, str]]:
    """Return the paths of pictures, and their labels as they are written."""
    with reading(table), table.open(encoding="utf-8-sig", newline="") as file:
        try:
            reader = csv.reader(file)
            names = [name.strip().casefold() for name in next(reader, [])]
            path, label = (next(names.index(one) for one in known if one in names) for known in _ASKED)
            return [(_found(table.parent, row[path]), row[label].strip()) for row in reader if row]
        except (UnicodeDecodeError, csv.Error, IndexError, StopIteration, RuntimeError) as error:
            raise DataError(
                f"{table}: expected a table in UTF-8 with the columns {FILE_COLUMNS[0]} and {LABEL_COLUMNS[0]}, "
                "received another."
            ) from error


_ASKED = (FILE_COLUMNS, LABEL_COLUMNS)


def _found(folder: Path, name: str) -> str:
    path = folder / name.strip()
    return str(path if path.exists() else folder / "images" / name.strip())


def _number(word: str, label_of: dict[str, int] | None, file: str) -> int:
    """Return a label that is written as a number, or, where there are words among them, as a word."""
    if label_of is None:
        return int(word)
    if word not in label_of:
        raise DataError(f"{file}: expected a label that {CLASSES_FILE} names, received {word!r}.")
    return label_of[word]


def write_picture_table(contents: Contents, out: Path) -> None:
    """Write PNGs and ``metadata.csv`` with their names and labels, in ``train`` and ``test`` where there are two parts.

    Args:
        contents: checked.
        out: an empty folder; ``classes.txt`` goes into it too, where classes have names.
    """
    for part in contents.parts:
        home = out if contents.test is None else out / part.name
        home.mkdir(exist_ok=True)
        with (home / METADATA).open("w", encoding="utf-8", newline="") as table:
            table.write("file_name,label\n")
            for number, image, label in _numbered(part):
                name = f"{number:0{DIGITS}}.png"
                (home / name).write_bytes(encode_png(image))
                table.write(f"{name},{label}\n")
    write_class_names(out / CLASSES_FILE, contents.class_names)
