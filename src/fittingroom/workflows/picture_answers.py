"""Name pictures: data as they are, all others prepared as photos; and sort or explain them by their answers."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import DataError, FittingRoomError, UsageError
from fittingroom.files import atomic_write
from fittingroom.photos.importing import folder_name, free_name
from fittingroom.photos.opening import is_picture_name
from fittingroom.photos.prepare import PreparedPhoto, prepare_photo, with_halves
from fittingroom.photos.views import VIEWS, averaged, views_of
from fittingroom.pictures import LIGHT, have_light_background, is_grey_of_size, read_pictures
from fittingroom.workflows.evaluation import learned_from_dark, open_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.figure import Figure
    from PIL import Image

    from fittingroom.inference.predictor import Predictor


PHOTO_MODEL = "fashion-mnist/photo"
As = Literal["auto", "data", "photo"]


@dataclass(frozen=True)
class PictureAnswer:
    """What a model says of one picture.

    Attributes:
        path: of the file; "[3]" is added for the fourth picture of a ``.npy`` file; a number for an array.
        taken_as: "data" or "photo".
        label: the class with the highest probability.
        confidence: its probability.
        probabilities: by class name, in the model's order.
        none_of_these: whether the picture is better called none of the classes; None where the model cannot tell.
        none_of_these_score: 0 surely one of the classes, 1 surely none; None where the model cannot tell.
        warnings: what the user may want to know.
        seconds: from the file to the answer.
        prepared: the photo's steps; None for data.
    """

    path: str
    taken_as: str
    label: str
    confidence: float
    probabilities: dict[str, float]
    none_of_these: bool | None
    none_of_these_score: float | None
    warnings: tuple[str, ...]
    seconds: float
    prepared: PreparedPhoto | None = None


@dataclass(frozen=True)
class Failure:
    """A picture that could not be answered.

    Attributes:
        path: of the file.
        error: why, in one sentence.
    """

    path: str
    error: str


def predict_photos(
    photos: str | Path | Image.Image | Array | Iterable[str | Path | Image.Image | Array],
    model: str | Path = PHOTO_MODEL,
    *,
    halves: bool = False,
) -> list[PictureAnswer | Failure]:
    """Name photos of garments.

    Args:
        photos: files, Pillow images or arrays, see `prepare_photo`; one alone needs no list, and a folder stands for
            its pictures.
        model: a run folder, a file, or a shipped name.
        halves: whether each half of two of a kind that lie apart is asked about too.

    Returns:
        One answer or failure a photo, in their order.

    Raises:
        ModelError: no such model.
    """
    predictor = open_settled(model, prefer="onnx")
    answers: list[PictureAnswer | Failure] = []
    for number, photo in enumerate(_several(photos)):
        name = str(photo) if isinstance(photo, (str, Path)) else str(number)
        try:
            answers.append(name_photo(photo, predictor, name, halves=halves))
        except FittingRoomError as error:
            answers.append(Failure(name, str(error)))
    return answers


def _several(photos: Any) -> Iterable[str | Path | Image.Image | Array]:
    """Return photos as a list: one alone is a list of one, a folder its pictures, an array one photo or several."""
    if isinstance(photos, str | Path):
        return pictures_in([Path(photos)]) if _is_folder(Path(photos)) else [photos]
    is_one = hasattr(photos, "getbands") or (isinstance(photos, np.ndarray) and _is_photo(photos.shape))
    return [photos] if is_one else photos


def _is_photo(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))


def pictures_in(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are meant, in the order given; a folder stands for its pictures by name.

    A folder without pictures, or one that cannot be read, is kept as it is, so that it is told among the answers.
    """
    return [one for path in paths for one in (_inside(path) or [path])]


def _inside(path: Path) -> list[Path]:
    try:
        return sorted(one for one in path.iterdir() if _is_picture(one)) if path.is_dir() else []
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    """Say whether a path is a folder; no where that cannot be told."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_picture(path: Path) -> bool:
    return path.is_file() and (is_picture_name(path) or path.suffix == ".npy")


def name_pictures(
    paths: Iterable[Path], predictor: Predictor, taken_as: As = "auto", *, halves: bool = False
) -> Iterator[PictureAnswer | Failure]:
    """Answer files one after the other; what fails is told, and the rest goes on.

    Args:
        paths: files.
        predictor: the model.
        taken_as: "data", "photo", or "auto": ``.npy`` and grey pictures of the model's size are data, others photos.
        halves: of photos, see `predict_photos`.
    """
    for path in paths:
        try:
            if _is_folder(path):
                raise DataError(f"{path}: expected pictures in this folder, found none. Subfolders are not searched.")
            if taken_as == "data" or (taken_as == "auto" and is_data(path, predictor.image_shape)):
                yield from name_data(path, predictor)
            else:
                yield name_photo(path, predictor, str(path), halves=halves)
        except FittingRoomError as error:
            yield Failure(str(path), str(error))


def is_data(path: Path, image_shape: tuple[int, int] | None) -> bool:
    """Say whether a file is data already: ``.npy``, or a grey picture of exactly the model's size."""
    return path.suffix == ".npy" or (image_shape is not None and is_grey_of_size(path, image_shape))


def name_data(path: Path, predictor: Predictor) -> list[PictureAnswer]:
    """Answer the pictures of one file, taken as they are."""
    start = time.perf_counter()
    notes: list[str] = []
    images = read_pictures(path, notes.append)
    told = [note.removeprefix(f"{path}: ").rstrip(".") for note in notes]
    probabilities = predictor.predict(images)
    score = predictor.none_of_these
    scores = [None] * len(images) if score is None else [score(image[None]) for image in images]
    names = [str(path)] if len(images) == 1 else [f"{path}[{index}]" for index in range(len(images))]
    seconds = (time.perf_counter() - start) / max(1, len(images))
    light = have_light_background(images) & learned_from_dark(predictor)
    return [
        replace(
            _answer(name, "data", row, score, predictor),
            seconds=seconds,
            warnings=(*told, *([LIGHT] if is_light else [])),
        )
        for name, row, score, is_light in zip(names, probabilities, scores, light, strict=True)
    ]


def name_photo(
    photo: str | Path | Image.Image | Array, predictor: Predictor, name: str, *, halves: bool = False
) -> PictureAnswer:
    """Answer one photo: prepared, seen from several sides, averaged; whether it is none is asked of the whole alone."""
    start = time.perf_counter()
    prepared = prepare_photo(photo)
    if predictor.image_shape is not None and predictor.image_shape != prepared.image.shape:
        height, width = predictor.image_shape
        raise DataError(f"{name}: photos are prepared as 28x28, but model '{predictor.title}' takes {height}x{width}.")
    prepared = with_halves(prepared) if halves else prepared
    probabilities, score = ask_about(prepared, predictor)
    answer = _answer(name, "photo", probabilities, score, predictor)
    return replace(answer, warnings=prepared.warnings, prepared=prepared, seconds=time.perf_counter() - start)


def ask_about(photo: PreparedPhoto, predictor: Predictor) -> tuple[Array, float | None]:
    """Return a photo's probabilities ``(classes,)``, the mean over its views, and how surely it is none of the classes.

    Args:
        photo: prepared.
        predictor: taught ``none_of_these`` or not; where not, the score is None.
    """
    images, weights = views_of(photo)
    whole = images[: 2 * len(VIEWS)]  # each view and its mirror image; halves of a pair come after them
    score = None if predictor.none_of_these is None else predictor.none_of_these(whole)
    return averaged(predictor.predict(images), weights), score


def _answer(path: str, taken_as: str, probabilities: Array, score: float | None, predictor: Predictor) -> PictureAnswer:
    names = predictor.names(len(probabilities))
    best = int(np.argmax(probabilities))
    return PictureAnswer(
        path=path,
        taken_as=taken_as,
        label=names[best],
        confidence=float(probabilities[best]),
        probabilities={name: float(value) for name, value in zip(names, probabilities, strict=True)},
        none_of_these=None if score is None else score > predictor.threshold,
        none_of_these_score=score,
        warnings=(),
        seconds=0.0,
    )


def as_json(answers: Iterable[PictureAnswer | Failure], predictor: Predictor) -> dict[str, Any]:
    """Return answers, and who gave them, as ``--json`` prints them: one object; a failed picture has its error."""
    return {
        "schema": "fittingroom/predict/2",
        "model": predictor.title,
        "engine": predictor.engine,
        "temperature": predictor.temperature,
        "class_names_known": predictor.class_names is not None,
        "none_of_these_threshold": None if predictor.none_of_these is None else predictor.threshold,
        "answers": [_as_row(answer) for answer in answers],
    }


def _as_row(answer: PictureAnswer | Failure) -> dict[str, Any]:
    if isinstance(answer, Failure):
        return {"path": answer.path, "error": answer.error}
    return {
        "path": answer.path,
        "as": answer.taken_as,
        "label": answer.label,
        "confidence": answer.confidence,
        "probabilities": answer.probabilities,
        "none_of_these": answer.none_of_these,
        "none_of_these_score": answer.none_of_these_score,
        "warnings": list(answer.warnings),
        "seconds": round(answer.seconds, 4),
    }


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
        to = free_name(folder / label, source.name)
        atomic_write(to, partial(shutil.copy2, source))
        return to
    except OSError as error:
        raise DataError(f"{folder / label}: the copy of {source} could not be written ({error.strerror}).") from error


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
    with warnings.catch_warnings(action="ignore"):  # a file's name in letters that the font lacks shows boxes
        atomic_write(path, partial(figure.savefig, dpi=130, facecolor="white"))
