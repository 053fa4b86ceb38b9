"""What people have in place of four IDX files: recognised, with the lines of Python that turn it into arrays."""

from __future__ import annotations

import csv
import math
import zipfile
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
LABEL_COLUMNS = ("label", "labels", "class", "target", "y")
ENDINGS = (".npz", ".csv", ".zip")
USE = "Then fr.train(model, (images, labels))."


def advice(path: Path) -> str:
    """Say what a file or folder is, and how to turn it into arrays; empty where it is nothing known.

    Args:
        path: of a file, or of a folder that lacks IDX files; it need not exist.
    """
    try:
        if path.is_file():
            return _of_file(path)
        if path.is_dir():
            return _of_folder(path)
    except (OSError, ValueError, zipfile.BadZipFile):  # whoever reads it in full says what is wrong with it
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
    return f"{path} is one file. Name the folder that holds the four." if "idx" in path.name else ""


def _of_folder(folder: Path) -> str:
    inside = sorted(folder.iterdir())
    for ending in ENDINGS:
        found = [one for one in inside if one.suffix.lower() == ending and one.is_file()]
        if found:
            chosen = next((one for one in found if "train" in one.name.lower()), found[0])
            return _of_file(chosen)
    if any(_holds_pictures(one) for one in inside):
        return _of_class_folders(folder)
    if (folder / "train").is_dir() and any(map(_holds_pictures, (folder / "train").iterdir())):
        return _of_class_folders(folder, "train/*/*")
    deeper = [one for pattern in ("*/", "*/*/") for one in folder.glob(f"{pattern}train-images*idx3-ubyte*")]
    return f"Is {deeper[0].parent} meant?" if deeper else ""


def _holds_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(one.suffix.lower() in PICTURES for one in folder.iterdir())


def _of_zip(path: Path) -> str:
    target = str(path.with_suffix(""))
    code = f"import zipfile; zipfile.ZipFile({str(path)!r}).extractall({target!r})"
    return f"{path} is a zip archive. In Python: {code} . Then name the folder: {target}"


def _of_npz(path: Path) -> str:
    with np.load(path, allow_pickle=False) as file:
        names = list(file.files)
    keras, code = ["x_train", "y_train", "x_test", "y_test"], f"import numpy as np; file = np.load({str(path)!r}); "
    if set(keras) <= set(names):
        code += "images, labels = file['x_train'], file['y_train']; "
        code += "test_images, test_labels = file['x_test'], file['y_test']"
    else:
        code += f"arrays = [file[name] for name in {names!r}]"
        return f"{path} holds NumPy's arrays {', '.join(names)}. In Python: {code} . Then choose images and labels."
    return f"{path} holds NumPy's arrays. In Python: {code} . {USE}"


def _of_csv(path: Path) -> str:
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        first = next(csv.reader(file), [])
    has_header = not all(cell.strip().isdigit() for cell in first)
    names = [cell.strip().casefold() for cell in first]
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    side = math.isqrt(len(first))
    if side * side != len(first):
        label, side = label or 0, math.isqrt(max(len(first) - 1, 0))
    elif label is None:
        return (
            f"{path} is a table of {side}x{side} pixels without labels. In Python: {_loadtxt(path, has_header)}; "
            + (f"images = rows.reshape(-1, {side}, {side}) . Then fr.predict(model, images).")
        )
    if side * side != len(first) - 1 or not side:
        return f"{path} is a table of {len(first)} columns, expected a label and the pixels of a square picture."
    code = f"{_loadtxt(path, has_header)}; labels = rows[:, {label}]; "
    code += f"images = np.delete(rows, {label}, axis=1).reshape(-1, {side}, {side})"
    return f"{path} is a table of labels and pixels. In Python: {code} . {USE}"


def _loadtxt(path: Path, has_header: bool) -> str:
    options = f"np.uint8, delimiter=',', skiprows={int(has_header)}, ndmin=2"
    return f"import numpy as np; rows = np.loadtxt({str(path)!r}, {options})"


def _of_class_folders(folder: Path, pattern: str = "*/*") -> str:
    code = (
        "import numpy as np; from pathlib import Path; from PIL import Image; "
        f"files = sorted(Path({str(folder)!r}).glob({pattern!r})); "
        "images = np.stack([np.asarray(Image.open(file).convert('L')) for file in files]); "
        "labels = np.unique([file.parent.name for file in files], return_inverse=True)[1]"
    )
    return (
        f"{folder} holds pictures in class folders. Make the four files: fittingroom data import {folder} --out NEW . "
        f"Or in Python: {code} . {USE}"
    )
