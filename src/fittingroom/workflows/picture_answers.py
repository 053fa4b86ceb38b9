"""Name pictures: data as they are, all others as photos; and sort or explain them by their answers.

Without a model the network for photos answers photos, and the 28x28 one beside it data. Any other model is shown a
photo as its dataset would show it.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fittingroom.arrays import Array
from fittingroom.data.formats.png_folders import folder_name
from fittingroom.errors import DataError, FittingRoomError, UsageError
from fittingroom.files import atomic_write
from fittingroom.inference.model_files import PHOTO_28_MODEL, PHOTO_MODEL
from fittingroom.inference.predictor import UNSURE
from fittingroom.judging import names_in, set_words, sets_of
from fittingroom.photos.importing import free_name
from fittingroom.photos.opening import Opened, as_opened, is_picture_name
from fittingroom.photos.prepare import PreparedPhoto, prepare_photo, with_halves
from fittingroom.photos.views import VIEWS, averaged, views_of
from fittingroom.photos.whole_photo import SIZE, strip_warning, whole_photo
from fittingroom.pictures import LIGHT, have_light_background, is_grey_of_size, read_pictures
from fittingroom.workflows.evaluation import learned_from_dark, open_settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from PIL import Image

    from fittingroom.inference.predictor import Predictor


DATA_SHAPE = (28, 28)  # of what is data where no model says another size
ALSO_LIKELY = 0.1  # probability of another kind of article from which it is said that there may be several
APART = (
    {"T-shirt/top", "Pullover", "Dress", "Coat", "Shirt"},
    {"Trouser"},
    {"Sandal", "Sneaker", "Ankle boot"},
    {"Bag"},
)
"""Fashion-MNIST's classes by kinds so far apart that nothing is likely to be two of them."""
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
        predictor: who answered.
        prepared: the steps to 28x28; None for data, and where a network for photos answered, which takes none.
        prediction_set: the classes that it may be, for the coverage that was asked for, the most probable first; None
            where none was.
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
    predictor: Predictor = field(repr=False)
    prepared: PreparedPhoto | None = field(default=None, repr=False)
    prediction_set: tuple[str, ...] | None = None

    @property
    def words(self) -> str:
        """What the picture is called: the class, with its runner-up where that is not sure, or none of them."""
        if self.none_of_these:
            return f"none of these ({self.label}?)"
        if self.prediction_set is not None:
            return set_words(self.prediction_set)
        if self.confidence >= UNSURE or len(self.probabilities) < 2:
            return self.label
        return f"{self.label}, or {sorted(self.probabilities, key=lambda name: -self.probabilities[name])[1]}"


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
    model: str | Path | None = None,
    *,
    halves: bool = False,
) -> list[PictureAnswer | Failure]:
    """Name photos of garments.

    Args:
        photos: files, Pillow images or arrays, see `prepare_photo`; one alone needs no list, and a folder stands for
            its pictures.
        model: a run folder, a file, or a shipped name, which is shown each photo as its dataset would show it; the
            network for photos, which takes them whole, where left out.
        halves: whether each half of two of a kind that lie apart is asked about too; not by the network for photos.

    Returns:
        One answer or failure a photo, in their order.

    Raises:
        ModelError: no such model.
        UsageError: ``halves`` of the network for photos.
    """
    predictor = open_settled(model or PHOTO_MODEL, prefer="onnx")
    check_halves(predictor, halves)
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


def check_halves(predictor: Predictor | None, halves: bool) -> None:
    """Raise where halves are asked about of a network that cuts nothing out.

    Raises:
        UsageError: see above.
    """
    if halves and (predictor is None or predictor.of_photos):
        raise UsageError(
            f"Halves are asked about where a photo is cut out for a 28x28 network, and {PHOTO_MODEL} takes it whole. "
            f"Name such a network: --model {PHOTO_28_MODEL}"
        )


def who_answers(model: Predictor | None, taken_as: str, *, tempered: bool = True) -> Predictor:
    """Return who answers a picture: the model asked for; else the network for photos, and for data the 28x28 one.

    Args:
        model: asked for, or None.
        taken_as: "photo" or "data".
        tempered: see `Predictor.predict`.
    """
    default = PHOTO_MODEL if taken_as == "photo" else PHOTO_28_MODEL
    predictor = open_settled(default, prefer="onnx") if model is None else model
    return predictor if tempered else replace(predictor, temperature=1.0)


def name_pictures(
    paths: Iterable[Path],
    model: Predictor | None = None,
    taken_as: As = "auto",
    *,
    halves: bool = False,
    tempered: bool = True,
    thresholds: Array | None = None,
) -> Iterator[PictureAnswer | Failure]:
    """Answer files one after the other; what fails is told, and the rest goes on.

    Args:
        paths: files.
        model: who answers; None for `who_answers`.
        taken_as: "data", "photo", or "auto": ``.npy`` and grey pictures of the model's size are data, others photos.
        halves: of photos, see `predict_photos`.
        tempered: see `Predictor.predict`.
        thresholds: of prediction sets, see `fittingroom.workflows.evaluation.coverage_thresholds`; None for no sets.
            Photos then fail: a coverage is stated for pictures like the dataset's.
    """
    shape = DATA_SHAPE if model is None or model.of_photos else model.image_shape
    for path in paths:
        try:
            if _is_folder(path):
                raise DataError(f"{path}: expected pictures in this folder, found none. Subfolders are not searched.")
            if taken_as == "data" or (taken_as == "auto" and is_data(path, shape)):
                yield from name_data(path, who_answers(model, "data", tempered=tempered), thresholds)
            elif thresholds is not None:
                raise DataError(f"{path}: {NO_COVERAGE}")
            else:
                yield name_photo(path, who_answers(model, "photo", tempered=tempered), str(path), halves=halves)
        except FittingRoomError as error:
            yield Failure(str(path), str(error))


def is_data(path: Path, image_shape: tuple[int, int] | None) -> bool:
    """Say whether a file is data already: ``.npy``, or a grey picture of exactly the model's size."""
    return path.suffix == ".npy" or (image_shape is not None and is_grey_of_size(path, image_shape))


NO_COVERAGE = (
    "it is taken as a photo, and the coverage is stated for pictures like the dataset's, which a photo made small is "
    "not. Leave --coverage out, or pass --as data for a picture that looks like the dataset's."
)


def name_data(path: Path, predictor: Predictor, thresholds: Array | None = None) -> list[PictureAnswer]:
    """Answer the pictures of one file, taken as they are; with thresholds, with their prediction sets too.

    Raises:
        DataError: they cannot be read, or the model is the network for photos.
    """
    if predictor.of_photos:
        raise DataError(
            f"{path}: it is data, and {predictor.title} answers whole photos. Ask {PHOTO_28_MODEL}, or pass --as photo "
            "for a photo of this size."
        )
    start = time.perf_counter()
    notes: list[str] = []
    images = read_pictures(path, notes.append)
    told = [note.removeprefix(f"{path}: ").rstrip(".") for note in notes]
    probabilities = predictor.predict(images)
    score = predictor.none_of_these
    scores = [None] * len(images) if score is None else [score(image[None]) for image in images]
    names = [str(path)] if len(images) == 1 else [f"{path}[{index}]" for index in range(len(images))]
    sets: Any = [None] * len(images)
    if thresholds is not None:
        own = predictor.predict(images, tempered=False)
        rows = zip(sets_of(own, thresholds), own, strict=True)
        sets = [names_in(*row, predictor.names(len(thresholds))) for row in rows]
    seconds = (time.perf_counter() - start) / max(1, len(images))
    light = have_light_background(images) & learned_from_dark(predictor)
    return [
        replace(
            answer_of(name, "data", row, score, predictor),
            seconds=seconds,
            warnings=(*told, *([LIGHT] if is_light else [])),
            prediction_set=own_set,
        )
        for name, row, score, is_light, own_set in zip(names, probabilities, scores, light, sets, strict=True)
    ]


def name_photo(
    photo: str | Path | Image.Image | Array, predictor: Predictor, name: str, *, halves: bool = False
) -> PictureAnswer:
    """Answer one photo: whole by the network for photos; by others prepared, seen from several sides, averaged.

    Whether it is none of the classes is asked of the whole article alone.
    """
    start = time.perf_counter()
    if predictor.of_photos:
        answer = name_whole(as_opened(photo), predictor, name)
        return replace(answer, seconds=time.perf_counter() - start)
    prepared = prepare_photo(photo)
    if predictor.image_shape is not None and predictor.image_shape != prepared.image.shape:
        height, width = predictor.image_shape
        raise DataError(f"{name}: photos are prepared as 28x28, but model '{predictor.title}' takes {height}x{width}.")
    answer = name_prepared(with_halves(prepared) if halves else prepared, predictor, name)
    return replace(answer, seconds=time.perf_counter() - start)


def name_prepared(photo: PreparedPhoto, predictor: Predictor, name: str) -> PictureAnswer:
    """Answer one photo by a network that sees 28x28 pixels of it.

    Args:
        photo: prepared.
        predictor: of that size.
        name: of the photo.
    """
    probabilities, score = ask_about(photo, predictor)
    answer = answer_of(name, "photo", probabilities, score, predictor)
    notes = () if answer.none_of_these else several_warning(answer.probabilities)
    return replace(answer, warnings=(*photo.warnings, *notes), prepared=photo)


def name_whole(photo: Opened, predictor: Predictor, name: str) -> PictureAnswer:
    """Answer one photo by the network for photos.

    Args:
        photo: opened.
        predictor: that network.
        name: of the photo.
    """
    probabilities, scores = predictor.ask(whole_photo(photo, predictor.image_shape or SIZE)[None])
    answer = answer_of(name, "photo", probabilities[0], float(scores[0]), predictor)
    notes = () if answer.none_of_these else several_warning(answer.probabilities)
    return replace(answer, warnings=(*photo.warnings, *strip_warning(photo.size), *notes))


def several_warning(probabilities: dict[str, float]) -> tuple[str, ...]:
    """Return what is to be said where two articles far apart are both likely.

    Example:
        >>> several_warning({"Shirt": 0.6, "Trouser": 0.35, "Bag": 0.05})
        ('several articles may be in it, Shirt and Trouser: cut out the one that you mean',)
        >>> several_warning({"Shirt": 0.6, "Coat": 0.4})
        ()
    """
    kinds = [[name for name in probabilities if name in kind] for kind in APART]
    ranked = sorted((names for names in kinds if names), key=lambda names: -sum(probabilities[name] for name in names))
    if len(ranked) < 2 or sum(probabilities[name] for name in ranked[1]) < ALSO_LIKELY:
        return ()
    first, second = (max(names, key=probabilities.__getitem__) for names in ranked[:2])
    return (f"several articles may be in it, {first} and {second}: cut out the one that you mean",)


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


def answer_of(
    path: str,
    taken_as: str,
    probabilities: Array,
    score: float | None,
    predictor: Predictor,
    warnings: tuple[str, ...] = (),
) -> PictureAnswer:
    """Return what a predictor says of one picture, from its probabilities ``(classes,)``; without the seconds.

    Args:
        path: what to call the picture.
        taken_as: "data" or "photo".
        probabilities: tempered.
        score: how surely it is none of the classes, or None.
        predictor: who was asked.
        warnings: what the user may want to know.
    """
    names = predictor.names(len(probabilities))
    best = int(np.argmax(probabilities))
    return PictureAnswer(
        path=path,
        taken_as=taken_as,
        label=names[best],
        confidence=float(probabilities[best]),
        probabilities=dict(zip(names, probabilities.tolist(), strict=True)),
        none_of_these=None if score is None else score > predictor.threshold,
        none_of_these_score=score,
        warnings=warnings,
        seconds=0.0,
        predictor=predictor,
    )


def as_json(answers: Iterable[PictureAnswer | Failure]) -> dict[str, Any]:
    """Return answers, and who gave them, as ``--json`` prints them: one object; a failed picture has its error."""
    answers = list(answers)
    return {
        "schema": "fittingroom/predict/3",
        "models": [
            {
                "model": predictor.title,
                "engine": predictor.engine,
                "temperature": predictor.temperature,
                "class_names_known": predictor.class_names is not None,
                "none_of_these_threshold": None if predictor.none_of_these is None else predictor.threshold,
            }
            for predictor in predictors_of(answers)
        ],
        "answers": [as_row(answer) for answer in answers],
    }


def predictors_of(answers: Iterable[PictureAnswer | Failure]) -> list[Predictor]:
    """Return who answered, each once, the first to answer first."""
    found = {answer.predictor.title: answer.predictor for answer in answers if isinstance(answer, PictureAnswer)}
    return list(found.values())


def as_row(answer: PictureAnswer | Failure) -> dict[str, Any]:
    """Return an answer as an element of ``answers`` of ``--json``."""
    if isinstance(answer, Failure):
        return {"path": answer.path, "error": answer.error}
    return {
        "path": answer.path,
        "as": answer.taken_as,
        "model": answer.predictor.title,
        "words": answer.words,
        "label": answer.label,
        "confidence": answer.confidence,
        "probabilities": answer.probabilities,
        **({} if answer.prediction_set is None else {"prediction_set": list(answer.prediction_set)}),
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
