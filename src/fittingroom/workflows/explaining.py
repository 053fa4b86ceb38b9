"""Why a photo was answered so, as one picture: what a 28x28 network sees of it, beside what the one for photos says."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.arrays import Array
from fittingroom.errors import DataError
from fittingroom.files import atomic_write
from fittingroom.photos.importing import free_name
from fittingroom.photos.prepare import prepare_photo
from fittingroom.photos.whole_photo import whole_photo
from fittingroom.workflows.picture_answers import PictureAnswer, name_prepared, name_whole, who_answers

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

    from fittingroom.photos.prepare import PreparedPhoto


def save_explanation(folder: Path, answer: PictureAnswer) -> Path | None:
    """Save the picture of how a photo was read; for data there is none.

    Args:
        folder: made where it is missing.
        answer: of a photo's file.

    Raises:
        DataError: the picture cannot be written, or there is nothing in the photo to cut out.
    """
    if answer.taken_as != "photo":
        return None
    figure = explained(Path(answer.path), answer)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = free_name(folder, f"{Path(answer.path).stem}.png")
        _save(figure, path)
    except OSError as error:
        raise DataError(f"{folder}: the picture could not be written ({error.strerror}).") from error
    return path


def explained(photo: str | Path | Image.Image | Array, answer: PictureAnswer) -> Figure:
    """Draw a photo's steps to 28x28 with what a network says that sees these, and what the one for photos says.

    Args:
        photo: that was answered.
        answer: by either of them.

    Raises:
        DataError: there is nothing in the photo to cut out.
    """
    from fittingroom.photos.explain import explain_figure

    prepared = answer.prepared or prepare_photo(photo)
    of_steps, of_whole = both_answers(prepared, answer)
    title = f"{Path(answer.path).name}: {answer.words}, {answer.confidence:.0%}"
    told = [(each.predictor.title, each.probabilities, _score(each)) for each in (of_steps, of_whole)]
    return explain_figure(prepared, whole_photo(prepared.photo), title, told[0], told[1])


def both_answers(photo: PreparedPhoto, answer: PictureAnswer) -> tuple[PictureAnswer, PictureAnswer]:
    """Return what a 28x28 network says of a photo's steps, and what the network for photos says of the whole photo.

    Args:
        photo: prepared.
        answer: by one of them; the other is asked here.
    """
    if answer.predictor.of_photos:
        return name_prepared(photo, who_answers(None, "data"), answer.path), answer
    return answer, name_whole(photo.photo, who_answers(None, "photo"), answer.path)


def _score(answer: PictureAnswer) -> tuple[float, float] | None:
    score = answer.none_of_these_score
    return None if score is None else (score, answer.predictor.threshold)


def _save(figure: Figure, path: Path) -> None:
    """Save a figure whole or not at all."""
    with warnings.catch_warnings(action="ignore"):  # a file's name in letters that the font lacks shows boxes
        atomic_write(path, partial(figure.savefig, dpi=130, facecolor="white"))
