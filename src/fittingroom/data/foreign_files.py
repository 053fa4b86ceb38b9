"""What people have in place of four IDX files: recognised, with the command that turns it into them."""

from __future__ import annotations

import csv
import math
import shlex
import zipfile
from typing import TYPE_CHECKING

from fittingroom.errors import DataError
from fittingroom.files import array_names

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
PARTS = ("train", "test")
LABEL_COLUMNS = ("label", "labels", "class", "target", "y")
ENDINGS = (".npz", ".csv", ".parquet", ".mat", ".zip")
OTHERS = {".parquet": "a Parquet file", ".mat": "a file of MATLAB's"}
NO_TEST = " --hold-out COUNT (or --test PATH, where the test part is elsewhere)"


def advice(path: Path) -> str:
    """Say what a file or folder is, and the command that turns it into IDX files; empty where it is nothing known.

    Args:
        path: of a file, or of a folder that lacks IDX files; it need not exist.
    """
    try:
        if path.is_file():
            return _of_file(path)
        if path.is_dir():
            return _of_folder(path)
    except (
        OSError,
        ValueError,
        csv.Error,
        zipfile.BadZipFile,
        DataError,
    ):  # whoever reads it in full says what is wrong with it
        return ""
    return ""


def _of_file(path: Path) -> str:
    kind = path.suffix.lower()
    if zipfile.is_zipfile(path) and kind != ".npz":
        return _of_zip(path)
    if kind == ".npz":
        return _of_npz(path)
    if kind == ".csv":
        return _of_csv(path)
    if kind in OTHERS:
        return f"{path} is {OTHERS[kind]}. {_convert(path, has_test=True)}"
    return f"{path} is one file. Name the folder that holds the four." if "idx" in path.name else ""


def _of_folder(folder: Path) -> str:
    inside = sorted(folder.iterdir())
    for ending in ENDINGS:
        found = [one for one in inside if one.suffix.lower() == ending and one.is_file()]
        if found:
            chosen = next((one for one in found if "train" in one.name.lower()), found[0])
            return _of_file(chosen)
    if any(_holds_pictures(one) for one in inside):
        return _of_class_folders(folder, has_test=False)
    if (folder / "train").is_dir() and any(map(_holds_pictures, (folder / "train").iterdir())):
        has_test = (folder / "test").is_dir()
        return _of_class_folders(folder if has_test else folder / "train", has_test=has_test)
    deeper = [one for pattern in ("*/", "*/*/") for one in folder.glob(f"{pattern}train-images*idx3-ubyte*")]
    return f"Is {deeper[0].parent} meant?" if deeper else ""


def _holds_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(one.suffix.lower() in PICTURES for one in folder.iterdir())


def _convert(path: Path, *, has_test: bool) -> str:
    return (
        f"Make the four files of it: fittingroom data convert {shlex.quote(str(path))} NEW{'' if has_test else NO_TEST}"
    )


def _of_zip(path: Path) -> str:
    archive, target = shlex.quote(str(path)), shlex.quote(str(path.with_suffix("")))
    command = f"python -m zipfile -e {archive} {target}"
    return f"{path} is a zip archive. Unpack it: {command} . Then name the folder: {target}"


def _of_npz(path: Path) -> str:
    names = set(array_names(path))
    parts = [{f"x_{part}", f"y_{part}"} <= names or {f"{part}_images", f"{part}_labels"} <= names for part in PARTS]
    if not parts[0] and not ({"images", "labels"} <= names or {"x", "y"} <= names):
        return (
            f"{path} holds NumPy's arrays {', '.join(sorted(names))}. In Python: np.savez(NEW, x_train=images, "
            "y_train=labels, x_test=test_images, y_test=test_labels) with the right ones of them; then name that file."
        )
    return f"{path} holds NumPy's arrays. {_convert(path, has_test=parts[1])}"


def _of_csv(path: Path) -> str:
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        first = next(csv.reader(file), [])
    names = [cell.strip().casefold() for cell in first]
    is_labelled = any(name in names for name in LABEL_COLUMNS)
    side = math.isqrt(len(first))
    if side * side == len(first) and not is_labelled:
        return (
            f"{path} is a table of {side}x{side} pixels without labels, so nothing can be learned from it. To ask a "
            f"model about it, in Python: fr.predict(model, np.loadtxt({str(path)!r}, np.uint8, delimiter=',', "
            f"skiprows={int(not all(map(str.isdigit, names)))}).reshape(-1, {side}, {side}))"
        )
    other = path.with_name(path.name.replace("train", "test", 1))
    return f"{path} is a table. {_convert(path, has_test=other != path and other.is_file())}"


def _of_class_folders(folder: Path, has_test: bool) -> str:
    quoted, command = shlex.quote(str(folder)), _convert(folder, has_test=has_test).partition(": ")[2]
    photos = f"Photos: fittingroom data import {quoted} --out NEW ."
    return f"{folder} holds pictures in class folders. {photos} Grey pictures, as they are: {command}"
