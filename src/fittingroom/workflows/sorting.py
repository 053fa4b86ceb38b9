"""Copies and pictures by answer: photos sorted into folders, and one explanation a photo."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.errors import DataError
from fittingroom.photos.naming import folder_name, free_name

if TYPE_CHECKING:
    from fittingroom.workflows.predicting import Answer

NONE_FOLDER = "none of these"


def sort_into(folder: Path, answer: Answer) -> Path:
    """Copy an answered file into the folder of its class, under its own name; a name that is taken gets a number.

    Args:
        folder: holds a folder for each class, made where it is missing.
        answer: of a file.

    Returns:
        The copy.

    Raises:
        DataError: the copy cannot be written.
    """
    label = NONE_FOLDER if answer.none_of_these else folder_name(answer.label)
    source = Path(answer.path)
    try:
        (folder / label).mkdir(parents=True, exist_ok=True)
        if not source.is_file():
            raise DataError(f"{source}: only whole files can be sorted; a .npy file of several pictures cannot.")
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


def save_explanation(folder: Path, answer: Answer, threshold: float) -> Path | None:
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
        figure.savefig(path, dpi=130, facecolor="white")
    except OSError as error:
        raise DataError(f"{folder}: the picture could not be written ({error.strerror}).") from error
    return path
