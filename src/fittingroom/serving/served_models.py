"""The models that a server answers for: opened from ONNX files, and opened again where a file is replaced."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fittingroom.arrays import Array, check_images
from fittingroom.errors import FittingRoomError, ModelError, UsageError
from fittingroom.inference.model_files import PHOTO_MODEL, find_model, find_onnx
from fittingroom.inference.predictor import file_stamp, open_predictor
from fittingroom.lookup import suggest
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fittingroom.inference.predictor import Predictor
    from fittingroom.serving.request_batches import Outputs, RequestBatches

DEFAULT = ("fashion-mnist/94", PHOTO_MODEL)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
PIXELS, PHOTO = "pixels", "photo"  # what the input is called, of data and of photos
PROBABILITIES, NONE_OF_THESE = "probabilities", "none_of_these"


@dataclass(frozen=True)
class ModelSource:
    """A model that is to be served.

    Attributes:
        name: in addresses.
        version: a whole number, from 1.
        model: a run folder, an ``.onnx`` file or a shipped name.
    """

    name: str
    version: int
    model: str


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model that answers.

    Attributes:
        source: what it was opened from.
        predictor: that computes.
        stamp: what changes when its file is written anew.
        sha256: of the ONNX file.
        batches: where requests for it wait; None outside a server.
    """

    source: ModelSource
    predictor: Predictor
    stamp: tuple[int, ...]
    sha256: str
    batches: RequestBatches | None = field(default=None, repr=False)

    @property
    def is_of_photos(self) -> bool:
        """Whether it takes whole photos in colour."""
        return self.predictor.of_photos

    @property
    def input_name(self) -> str:
        """What its one input is called."""
        return PHOTO if self.is_of_photos else PIXELS

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one image, without the number of images."""
        height, width = self.predictor.image_shape or (28, 28)
        return (height, width, 3) if self.is_of_photos else (height, width)

    @property
    def class_names(self) -> tuple[str, ...]:
        """A name for each output."""
        return self.predictor.names(self.classes)

    @property
    def classes(self) -> int:
        """How many probabilities an image gets."""
        return len(self._nothing()[PROBABILITIES][0])

    @property
    def output_names(self) -> tuple[str, ...]:
        """Probabilities; and how surely an image is none of the classes, where the model was taught that."""
        return (PROBABILITIES,) if self.predictor.none_of_these is None else (PROBABILITIES, NONE_OF_THESE)

    def ask(self, images: Array) -> Outputs:
        """Return tempered probabilities ``(n, classes)``, and ``(n,)`` how surely each is none of them.

        Args:
            images: uint8 ``(n, h, w)``; for photos ``(n, h, w, 3)`` of its size.
        """
        if self.is_of_photos:
            probabilities, scores = self.predictor.ask(images)
            return {PROBABILITIES: probabilities, NONE_OF_THESE: scores}
        outputs = {PROBABILITIES: self.predictor.predict(images)}
        score = self.predictor.none_of_these
        if score is not None:
            outputs[NONE_OF_THESE] = np.array([score(image[None]) for image in images], np.float32)
        return outputs

    async def answer(self, images: Array) -> Outputs:
        """Return the same, in a batch with whoever else asks."""
        if self.batches is None:
            raise RuntimeError("the model is not in a server")
        return await self.batches.answer(images)

    def taken(self, values: Array, log: Callable[[str], None]) -> Array:
        """Return images as the model takes them, by the rule of `fittingroom.predict`.

        Args:
            values: of one request, any dtype.
            log: takes one line where a choice was made.

        Raises:
            DataError: other values than pixels 0 to 255; floats in 0..1 that are not exactly k/255 among them.
            ModelError: another size.
        """
        where = f"input '{self.input_name}'"
        if self.is_of_photos:
            images = values
            if values.dtype != np.uint8 or values.ndim != 4:
                raise ModelError(
                    f"{where}: expected uint8 {self._shape_text()}, received {values.dtype} {values.shape}."
                )
        else:
            is_stack = values.shape[1:] == self.image_shape
            images = check_images(values, where, log, len(values) if is_stack else None)
        if images.shape[1:] != self.image_shape:
            raise ModelError(f"{where}: expected shape {self._shape_text()}, received {values.shape}.")
        if not len(images):
            raise ModelError(f"{where}: expected at least one image, received none.")
        return images

    def _shape_text(self) -> str:
        return f"(n, {', '.join(map(str, self.image_shape))})"

    def _nothing(self) -> Outputs:
        return self.ask(np.zeros((1, *self.image_shape), np.uint8))


def read_source(text: str) -> ModelSource:
    """Return the model that ``NAME=M``, ``NAME:VERSION=M`` or ``M`` alone means.

    Raises:
        UsageError: a name that fits no address, or no such version.

    Example:
        >>> read_source("shoes:2=runs/my-run")
        ModelSource(name='shoes', version=2, model='runs/my-run')
        >>> read_source("fashion-mnist/94").name
        '94'
    """
    named, equals, model = text.partition("=")
    if not equals or Path(text).exists():
        named, model = Path(text).name.removesuffix(".onnx"), text
    name, colon, version = named.partition(":")
    if not NAME.fullmatch(name) or not model:
        raise UsageError(
            f"--model {text}: expected NAME=MODEL, the name of letters, digits, '.', '_' and '-'. "
            "Example: --model shoes=runs/my-run"
        )
    if colon and not (version.isascii() and version.isdigit() and 0 < int(version) < 10**9):
        raise UsageError(f"--model {text}: expected a version from 1, received '{version}'. Example: shoes:2=my.onnx")
    return ModelSource(name, int(version or 1), model)


def read_sources(texts: Iterable[str]) -> tuple[ModelSource, ...]:
    """Return the models that are meant; the shipped ones for data and for photos where none is named.

    Raises:
        UsageError: a name and version twice, or as `read_source`.
    """
    sources = tuple(read_source(text) for text in texts or DEFAULT)
    seen: set[tuple[str, int]] = set()
    for one in sources:
        if (one.name, one.version) in seen:
            raise UsageError(
                f"--model: expected each name once, received '{one.name}' twice. Name the second otherwise, or give it "
                f"a version: --model {one.name}:2={one.model}"
            )
        seen.add((one.name, one.version))
    return sources


def open_model(source: ModelSource) -> ServedModel:
    """Open a model, and ask it once.

    Raises:
        ModelError: no such model, none that ONNX Runtime can open, or one that takes no pictures.
    """
    file = _onnx_of(source)
    stamp = file_stamp(file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    predictor = replace(open_predictor(source.model, prefer="onnx"), title=source.name)
    opened = ServedModel(source, predictor, stamp, sha256)
    probabilities = opened._nothing()[PROBABILITIES]
    if not np.isfinite(probabilities).all() or abs(float(probabilities.sum()) - 1) > 1e-3:
        raise ModelError(f"{source.model}: expected probabilities that sum to 1, received {probabilities[0].tolist()}.")
    opened.class_names  # noqa: B018  (raises where they do not fit)
    return opened


def _onnx_of(source: ModelSource) -> Path:
    file = find_onnx(source.model)
    if file is not None:
        return file
    if source.model == PHOTO_MODEL or Path(source.model).suffix == ".onnx":
        raise ModelError(f"{source.model}: expected an ONNX file, found no such file.")
    if Path(source.model).is_file() and Path(source.model).suffix not in (".keras", ".h5", ".hdf5"):
        raise ModelError(
            f"{source.model}: expected a run folder, an .onnx file or a shipped name, received another file."
        )
    found = find_model(source.model)  # says what there is not
    raise ModelError(
        f"{source.model}: the server runs ONNX files, without Keras, and beside {found.name} there is none. Write one: "
        f"fittingroom export --model {source.model}"
    )


class ModelTable:
    """The models of a server, by name and version.

    Attributes:
        models: each opened, the first named first.
    """

    def __init__(self, models: Iterable[ServedModel]) -> None:
        self.models = {(one.source.name, one.source.version): one for one in models}
        self._refused: dict[tuple[str, int], tuple[int, ...]] = {}

    def find(self, name: str, version: str | None = None) -> ServedModel:
        """Return a model; its highest version where none is said.

        Raises:
            UsageError: there is no such model or version.
        """
        versions = self.versions(name)
        if not versions:
            names = list(dict.fromkeys(known for known, _ in self.models))
            raise UsageError(f"No model '{name}' here. {suggest(name, names)}")
        if version is None:
            return self.models[name, versions[-1]]
        if not (version.isascii() and version.isdigit()) or int(version) not in versions:
            told = ", ".join(map(str, versions))
            raise UsageError(f"Model '{name}' has no version '{version[:20]}' here, only {told}.")
        return self.models[name, int(version)]

    def versions(self, name: str) -> list[int]:
        """Return the versions of a name, from the lowest; none for an unknown name."""
        return sorted(version for known, version in self.models if known == name)

    def first(self, *, of_photos: bool) -> ServedModel | None:
        """Return the first model that takes photos, or that takes data; None where there is none."""
        return next((one for one in self.models.values() if one.is_of_photos == of_photos), None)

    def replaced(self) -> list[tuple[str, int]]:
        """Return the keys of the models whose files are others now; a file that was refused is not asked for again."""
        found = []
        for key, model in self.models.items():
            file = find_onnx(model.source.model)
            stamp = None if file is None else file_stamp(file)
            if stamp not in (None, model.stamp, self._refused.get(key)):
                found.append(key)
        return found

    def open_again(self, key: tuple[str, int]) -> ServedModel:
        """Open a model's new file; it is not in the table yet.

        Raises:
            ModelError: it cannot be opened, or takes or gives something else; then it is not tried again.
        """
        old = self.models[key]
        file = find_onnx(old.source.model)
        stamp = () if file is None else file_stamp(file)
        try:
            new = open_model(old.source)
            if (new.image_shape, new.classes) != (old.image_shape, old.classes):
                raise ModelError(
                    f"{old.source.model}: expected a model of {old._shape_text()} and "
                    f"{counted(old.classes, 'class', 'classes')} as before, "
                    f"received one of {new._shape_text()} and {new.classes}. Serve it under another name."
                )
        except (FittingRoomError, OSError) as error:
            self._refused[key] = stamp
            raise ModelError(str(error)) from error
        return new
