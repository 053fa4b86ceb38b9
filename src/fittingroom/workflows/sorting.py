"""Copies and pictures by answer: photos sorted into folders, and one explanation a photo."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.errors import DataError, UsageError
from fittingroom.photos.naming import folder_name, free_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fittingroom.workflows.predicting import PictureAnswer

NONE_FOLDER = "none of these"


def writable_folder(folder: Path) -> Path:
    """Return a folder that files can be written into, made where it is missing.

    Raises:
        UsageError: it cannot be made or written into; said before any picture is answered.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise UsageError(
            f"{folder}: expected a folder to write into, received: {error.strerror}. Choose another."
        ) from error


def sort_into(folder: Path, answer: PictureAnswer) -> Path | None:
    """Copy an answered file into the folder of its class, under its own name; a name that is taken gets a number.

    Args:
        folder: holds a folder for each class, made where it is missing.
        answer: of a file.

    Returns:
        The copy; None for one of several pictures in a ``.npy`` file, which is no file of its own.

    Raises:
        DataError: the copy cannot be written.
    """
    label = NONE_FOLDER if answer.none_of_these else folder_name(answer.label)
    source = Path(answer.path)
    if not source.is_file():
        return None
    try:
        (folder / label).mkdir(parents=True, exist_ok=True)
        return _copied(source, folder / label)
    except OSError as error:
        raise DataError(f"{folder / label}: the copy of {source} could not be written ({error.strerror}).") from error


def _copied(source: Path, folder: Path) -> Path:
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".copy-")
    os.close(handle)
    try:
        shutil.copy2(source, temporary)
        to = free_name(folder, source.name)
        Path(temporary).replace(to)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return to


def save_explanation(folder: Path, answer: PictureAnswer, threshold: float) -> Path | None:
    """Save the picture of how a photo was read; for data there is none.

    Args:
        folder: made where it is missing.
        answer: with its prepared photo.
        threshold: above which a score is none of the classes.

    Raises:
        DataError: the picture cannot be written.
    """
    if answer.prepared is None:
        return None
    from fittingroom.photos.explain import explain_figure

    said = "none of these" if answer.none_of_these else f"{answer.label}, {answer.confidence:.0%}"
    score = None if answer.none_of_these_score is None else (answer.none_of_these_score, threshold)
    figure = explain_figure(answer.prepared, f"{Path(answer.path).name}: {said}", answer.probabilities, score)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = free_name(folder, f"{Path(answer.path).stem}.png")
        _save(figure, path)
    except OSError as error:
        raise DataError(f"{folder}: the picture could not be written ({error.strerror}).") from error
    return path


def _save(figure: Figure, path: Path) -> None:
    """Save a figure whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".explain-", suffix=".png")
    os.close(handle)
    try:
        with warnings.catch_warnings(action="ignore"):  # a file's name in letters that the font lacks shows boxes
            figure.savefig(temporary, dpi=130, facecolor="white")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
