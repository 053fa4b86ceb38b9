"""`fittingroom.suggest_labels`: of pictures without labels those that would teach most, as a sheet to label.

A sheet is a folder: ``labels.csv``, an edits file (`data.edits`) whose given label is what the model says, so that
``keep`` means that it is right; ``labels.html`` to look at; ``suggestions.json``; and the pictures themselves.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, check_whole
from fittingroom.audit.label_suggestions import DEFAULT, choose, margins
from fittingroom.data.accepting import accept_images
from fittingroom.data.edits import edits_text, read_edits, read_rows
from fittingroom.data.formats.png_folders import folder_names
from fittingroom.errors import DataError, FittingRoomError, RunError, UsageError
from fittingroom.files import atomic_write, read_arrays, read_json, write_json
from fittingroom.models.feature_extractor import feature_extractor, in_batches
from fittingroom.pages.html import picture_uri, render
from fittingroom.photos.importing import free_name
from fittingroom.photos.prepare import prepare_photo
from fittingroom.photos.whole_photo import SIZE, whole_photo
from fittingroom.pictures import read_pictures
from fittingroom.progress import Log, no_log
from fittingroom.words import counted, in_percent
from fittingroom.workflows.evaluation import open_settled
from fittingroom.workflows.picture_answers import DATA_SHAPE, is_data, pictures_in, who_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.data.edits import Edits
    from fittingroom.inference.predictor import Predictor

ROOT = Path("audits")  # beside the audits: the studio's Curate finds it there
LABELS, VALUES, PICTURES, PAGE = "labels.csv", "suggestions.json", "pictures.npz", "labels.html"
SCHEMA = "fittingroom/suggestions/1"
COUNT = 100
ASKED_TOGETHER = 500  # photos; data are asked about as many at once as the model likes
ON_PAGE = 500  # pictures on the page
LARGEST = 128  # pixels: longest edge of a photo on the page and in the sheet


@dataclass(frozen=True, eq=False)
class LabelSheet:
    """Pictures to label, and what a model says of each.

    Attributes:
        name: of the folder or array that they are from.
        fingerprint: 16 hex digits that name the pictures and what was said of them.
        class_names: by label.
        files: one a picture, below ``source``; "[3]" is added for the fourth of a ``.npy`` file.
        labels: what the model says, ``(n,)``.
        confidences: how sure it is, ``(n,)``.
        margins: how much more probable that is than the runner-up, ``(n,)``.
        runners_up: the second most probable class ``(n,)``.
        pictures: uint8 ``(n, h, w)``, or ``(n, h, w, 3)`` of photos.
        facts: model, strategy, seed, how many pictures there were, source, left_out.
        folder: that holds it.
    """

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    files: tuple[str, ...]
    labels: Array
    confidences: Array
    margins: Array
    runners_up: Array
    pictures: Array
    facts: dict[str, Any]
    folder: Path | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def train(self) -> Any:
        """What edits have to know: what each picture is called now, and its number."""
        return SimpleNamespace(labels=self.labels, indices=np.arange(len(self)))

    def decisions(self) -> dict[int, int]:
        """Return the label of each picture that somebody has labelled, by its number; those left out are not there.

        Raises:
            DataError: ``labels.csv`` cannot be followed.
        """
        done = self._edits()
        return {**{place: int(self.labels[place]) for place in done.kept}, **done.relabelled}

    def decided(self) -> set[str]:
        """Return the files about which somebody has decided, those that are excluded too.

        Raises:
            DataError: as `decisions`.
        """
        done = self._edits()
        return {self.files[place] for place in (*done.kept, *done.excluded, *done.relabelled)}

    def _edits(self) -> Edits:
        if self.folder is None:
            raise UsageError("Expected a sheet that lies in a folder.")
        return read_edits(self.folder / LABELS, self)

    def sort_into(self, out: str | Path) -> int:
        """Copy the pictures that were labelled into a folder for each class, and return how many they are.

        `fittingroom data import` (photos) or `data convert` (data) makes a dataset of such folders.

        Args:
            out: made where it is missing; what is there is not overwritten.

        Raises:
            DataError: ``labels.csv`` cannot be followed, a picture is gone, or the folder cannot be written.
            UsageError: nothing has been labelled.
        """
        found = self.decisions()
        if not found:
            raise UsageError(
                f"{self.folder}: expected pictures with a label, found none yet. Fill {LABELS}, or label them in the "
                "studio: fittingroom studio, part Curate."
            )
        places = folder_names(self.class_names)
        try:
            for number, label in sorted(found.items()):
                folder = Path(out) / places[label]
                folder.mkdir(parents=True, exist_ok=True)
                self._copy(number, folder)
        except OSError as error:
            raise DataError(f"{error.filename or out}: the picture could not be copied ({error.strerror}).") from error
        return len(found)

    def _copy(self, number: int, folder: Path) -> None:
        from PIL import Image

        name, source = self.files[number], self.facts.get("source")
        if source is not None and not name.endswith("]"):
            path = Path(source) / name
            shutil.copyfile(path, free_name(folder, path.name))
            return
        target = free_name(folder, f"{Path(name).stem or 'picture'}-{number}.png")
        atomic_write(target, lambda place: Image.fromarray(self.pictures[number]).save(place, "PNG"))


def suggest_labels(
    pictures: Any,
    model: Any = None,
    *,
    count: int = COUNT,
    strategy: str = DEFAULT,
    out: str | Path | None = None,
    without: Sequence[str | Path] = (),
    seed: int = 0,
    log: Log = no_log,
) -> LabelSheet:
    """Choose, of pictures without labels, those that would teach a model most; ``fittingroom suggest-labels`` is this.

    Args:
        pictures: a folder of them, a list of files, or images ``(n, h, w)`` as `predict` takes them. Grey pictures of
            the model's size and ``.npy`` files are data, taken as they are; others are photos. They are not mixed.
        model: that is to learn, as `predict` takes it; its answers and what it sees decide. The network for photos, and
            for data the 28x28 one, where it is None.
        count: how many; all of them where there are not so many.
        strategy: "margin", "margin-diversity", "diversity", or "random".
        out: the sheet's folder; ``audits/NAME-labels`` where it is None.
        without: sheets that were worked on before: the pictures that they decide about are left out.
        seed: of what is drawn.
        log: takes one line for the user.

    Returns:
        The sheet; its folder has ``labels.csv`` to be completed and ``labels.html``.

    Raises:
        UsageError: photos and data together, an unknown strategy, or a folder whose labels are begun already.
        DataError: no picture can be read.
        ModelError: the pictures do not fit the model.

    Example:
        >>> sheet = suggest_labels("unlabelled", "runs/my-run", count=50)  # doctest: +SKIP
        >>> sheet.sort_into("labelled")  # doctest: +SKIP
    """
    count = check_whole(count, "pictures to suggest", 1, None)
    name, source, files = _named(pictures)
    folder = Path(out) if out is not None else ROOT / f"{name}-labels"
    _check_free(folder)
    done = {file for sheet in without for file in open_label_sheet(Path(sheet)).decided()}
    predictor, taken = _opened(model, files, log)
    names, images, left_out = _read(pictures, source, files, predictor, taken, log)
    keep = np.array([each not in done for each in names], bool)
    names, images = [each for each in names if each not in done], images[keep]
    if not names:
        raise DataError(f"{name}: expected pictures that are not decided about yet, found none.")
    probabilities = _asked(predictor, images)
    chosen = choose(strategy, probabilities, _features(predictor, images, probabilities), count, seed)
    if len(chosen) < count:
        log(f"There are only {counted(len(names), 'picture')}: all are on the sheet.")
    facts = {
        "model": predictor.title,
        "strategy": strategy,
        "seed": seed,
        "pictures": len(names),
        "decided_before": int((~keep).sum()),
        "source": None if source is None else str(source.resolve()),
        "left_out": left_out,
    }
    sheet = _sheet(name, [names[place] for place in chosen], images[chosen], probabilities[chosen], predictor, facts)
    return _written(sheet, folder)


def _named(pictures: Any) -> tuple[str, Path | None, list[Path]]:
    """Return what the pictures are called together, the folder that their names are below, and their files."""
    if isinstance(pictures, str | Path):
        path = Path(pictures)
        files = pictures_in([path])
        if files == [path] and not path.is_file():
            raise DataError(f"{path}: expected a folder with pictures, found none. Subfolders are not searched.")
        return path.resolve().stem or "pictures", path if path.is_dir() else path.parent, files
    if isinstance(pictures, list | tuple) and pictures and all(isinstance(one, str | Path) for one in pictures):
        files = [Path(one).resolve() for one in pictures]
        if len({file.parent for file in files}) > 1:
            raise UsageError("Expected files of one folder, so that their names tell them apart; received several.")
        source = files[0].parent
        return source.name or "pictures", source, files
    return "pictures", None, []


def _check_free(folder: Path) -> None:
    if not (folder / LABELS).exists():
        return
    try:
        is_begun = bool(open_label_sheet(folder).decided())
    except FittingRoomError:
        is_begun = True
    if is_begun:
        raise UsageError(
            f"{folder / LABELS}: there are labels in it already, so it is left as it is. Choose another folder with "
            f"--out, and leave out what was labelled with --without {folder}."
        )


def _opened(model: Any, files: list[Path], log: Log) -> tuple[Predictor, str]:
    """Return who answers, and whether the pictures are taken as "data" or as "photo"."""
    opened = None if model is None else open_settled(model, log=log)
    if not files:
        return who_answers(opened, "data"), "data"
    shape = DATA_SHAPE if opened is None else opened.image_shape
    kinds = {"photo" if opened is not None and opened.of_photos else _kind(file, shape) for file in files}
    if len(kinds) > 1:
        raise UsageError(
            "Expected photos alone or data alone (grey pictures of the model's size, .npy), found both in one folder. "
            "Take them apart."
        )
    kind = kinds.pop()
    return who_answers(opened, kind), kind


def _kind(file: Path, shape: tuple[int, int] | None) -> str:
    return "data" if is_data(file, shape) else "photo"


def _read(
    pictures: Any, source: Path | None, files: list[Path], predictor: Predictor, taken: str, log: Log
) -> tuple[list[str], Array, list[str]]:
    """Return the pictures with their names, as the model takes them, and what could not be read, in sentences."""
    if source is None:
        images = accept_images(pictures)
        return [f"[{number}]" for number in range(len(images))], images, []
    names, found, left_out = [], [], []
    for file in files:
        try:
            several = _pictures_of(file, predictor, taken)
        except FittingRoomError as error:
            left_out.append(" ".join(str(error).split()))
            log(f"Left out: {left_out[-1]}")
            continue
        own = str(file.resolve().relative_to(source.resolve())) if file.parent != source else file.name
        names += [own] if file.suffix != ".npy" else [f"{own}[{number}]" for number in range(len(several))]
        found.append(several)
    if not found:
        raise DataError(f"{source}: expected pictures, found none that can be read. {left_out[0] if left_out else ''}")
    shapes = {each.shape[1:] for each in found}
    if len(shapes) > 1:
        sizes = ", ".join(sorted(f"{shape[0]}x{shape[1]}" for shape in shapes)[:4])
        raise DataError(f"{source}: expected pictures of one size, found {sizes}. Take them apart.")
    return names, np.concatenate(found), left_out


def _pictures_of(file: Path, predictor: Predictor, taken: str) -> Array:
    if taken == "data":
        return read_pictures(file)
    if predictor.of_photos:
        return whole_photo(file, predictor.image_shape or SIZE)[None]
    return prepare_photo(file).image[None]


def _asked(predictor: Predictor, images: Array) -> Array:
    if not predictor.of_photos:
        return predictor.predict(images)
    parts = [images[start : start + ASKED_TOGETHER] for start in range(0, len(images), ASKED_TOGETHER)]
    return np.concatenate([predictor.ask(part)[0] for part in parts])


def _features(predictor: Predictor, images: Array, probabilities: Array) -> Array:
    """Return what the model sees of each picture; where that cannot be reached, the logarithms of what it says."""
    if predictor.model is not None:
        extract = feature_extractor(predictor.model, images.shape[1:])
        return in_batches(extract, images).astype(np.float32)
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-6))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True), np.float32)


def _sheet(
    name: str, files: list[str], images: Array, probabilities: Array, predictor: Predictor, facts: dict[str, Any]
) -> LabelSheet:
    order = np.argsort(-probabilities, axis=1, kind="stable")
    labels, best = order[:, 0], np.take_along_axis(probabilities, order[:, :2], axis=1)
    shown = np.stack([_smaller(image) for image in images])
    digest = hashlib.sha256(images.tobytes() + labels.astype(np.int64).tobytes() + repr(files).encode()).hexdigest()
    return LabelSheet(
        name,
        digest[:16],
        predictor.names(probabilities.shape[1]),
        tuple(files),
        labels,
        best[:, 0].astype(np.float64),
        margins(probabilities),
        order[:, 1],
        shown,
        facts,
    )


def _smaller(image: Array) -> Array:
    """Return a photo no larger than it is shown; data as they are."""
    if image.ndim == 2:
        return image
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST, LARGEST))
    return np.asarray(picture)


def rows_of(sheet: LabelSheet) -> list[dict[str, object]]:
    """Return a row a picture for ``labels.csv``, the most telling first."""
    return [
        {
            "index": number,
            "split": "train",
            "edit": "",
            "given": sheet.class_names[int(sheet.labels[number])],
            "score": f"{sheet.margins[number]:.6f}",
            "reason": reason_of(sheet, number),
            "file": sheet.files[number],
        }
        for number in range(len(sheet))
    ]


def reason_of(sheet: LabelSheet, number: int) -> str:
    """Say why a picture is on the sheet."""
    first, second = (sheet.class_names[int(each[number])] for each in (sheet.labels, sheet.runners_up))
    sure = float(sheet.confidences[number])
    less = max(0.0, sure - float(sheet.margins[number]))
    return f"the model says {first} ({in_percent(sure)}), or {second} ({in_percent(less)})"


def _written(sheet: LabelSheet, folder: Path) -> LabelSheet:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: the sheet's folder cannot be made ({error.strerror}). Choose another.") from error
    arrays = {key: getattr(sheet, key) for key in ("labels", "confidences", "margins", "runners_up", "pictures")}
    atomic_write(folder / PICTURES, lambda place: np.savez_compressed(place, **arrays))
    facts = {"name": sheet.name, "fingerprint": sheet.fingerprint, "class_names": list(sheet.class_names)}
    write_json(folder / VALUES, {"schema": SCHEMA, **facts, "files": list(sheet.files), "facts": sheet.facts})
    atomic_write(folder / PAGE, label_page(replace(sheet, folder=folder)))
    atomic_write(folder / LABELS, edits_text(sheet, rows_of(sheet)))
    return open_label_sheet(folder)


def open_label_sheet(folder: Path) -> LabelSheet:
    """Open a sheet's folder; one that was opened before is read again where it was written anew.

    Raises:
        DataError: it holds no sheet, or a damaged one.
    """
    try:
        found = [(folder / name).stat() for name in (PICTURES, VALUES)]
    except OSError:
        raise DataError(
            f"{folder}: expected a sheet of pictures to label, as `fittingroom suggest-labels` writes it, found none."
        ) from None
    return _read_sheet(folder, tuple((each.st_mtime_ns, each.st_size) for each in found))


@lru_cache(maxsize=8)
def _read_sheet(folder: Path, stamp: tuple[tuple[int, int], ...]) -> LabelSheet:
    del stamp  # only tells the cache that the files are others
    fields = {"name": "str", "fingerprint": "str", "class_names": "list[str]", "files": "list[str]", "facts": "dict"}
    values, arrays = read_json(folder / VALUES, fields), read_arrays(folder / PICTURES)
    names = ("labels", "confidences", "margins", "runners_up", "pictures")
    count = len(values["files"])
    if not isinstance(arrays, dict) or any(len(arrays.get(name, ())) != count for name in names):
        raise DataError(f"{folder}: expected {counted(count, 'picture')} with an answer each. Make the sheet anew.")
    classes = len(values["class_names"])
    is_label = arrays["labels"].dtype.kind in "iu" and (count == 0 or arrays["labels"].min() >= 0)
    if not is_label or arrays["pictures"].ndim not in (3, 4) or (count and arrays["labels"].max() >= classes):
        raise DataError(f"{folder}: expected pictures and a class for each, found others. Make the sheet anew.")
    return LabelSheet(
        values["name"],
        values["fingerprint"],
        tuple(values["class_names"]),
        tuple(values["files"]),
        **{name: arrays[name] for name in names},
        facts=values["facts"],
        folder=folder,
    )


def labelled_words(sheet: LabelSheet) -> str:
    """Say how far a sheet has been labelled."""
    path = Path(sheet.folder or ".") / LABELS
    verbs = [row["edit"].partition(" ")[0].casefold() for row in read_rows(path, sheet)]
    labelled = sum(verb in ("keep", "relabel") for verb in verbs)
    return f"{labelled} of {counted(len(verbs), 'picture')} labelled, {verbs.count('exclude')} left out"


def label_page(sheet: LabelSheet) -> str:
    """Return the page of a sheet: each picture with what the model says; one file that needs nothing from outside."""
    shown = [
        (number, sheet.files[number], _uri(sheet.pictures[number]), reason_of(sheet, number))
        for number in range(min(ON_PAGE, len(sheet)))
    ]
    return render("labels.html.j2", sheet=sheet, shown=shown, labels=LABELS)


def _uri(image: Array) -> str:
    if image.ndim == 2:
        return picture_uri(image)
    from PIL import Image

    with io.BytesIO() as file:
        Image.fromarray(image).save(file, "JPEG", quality=85)
        return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
