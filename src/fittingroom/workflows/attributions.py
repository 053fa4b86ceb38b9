"""`fittingroom.explain`: which pixels an answer hangs on, for every class, and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.data.accepting import accept_images
from fittingroom.errors import DataError, ModelError, UsageError
from fittingroom.files import atomic_write
from fittingroom.inference.attribution import occlusion_maps, smoothgrad_maps
from fittingroom.inference.inside import Inside
from fittingroom.inference.inside import look_inside as of_network
from fittingroom.inference.predictor import open_predictor
from fittingroom.lookup import look_up, suggest
from fittingroom.photos.prepare import prepare_photo
from fittingroom.photos.whole_photo import SIZE, whole_photo
from fittingroom.pictures import read_pictures
from fittingroom.workflows.evaluation import of_size, open_settled
from fittingroom.workflows.picture_answers import DATA_SHAPE, is_data, who_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Explanation:
    """What answers hang on.

    Attributes:
        images: that were asked about, uint8 ``(n, h, w)``, or ``(n, h, w, 3)`` for a network for photos.
        probabilities: tempered, ``(n, c)``.
        maps: ``(n, c, h, w)``: above 0 where a pixel speaks for the class, below where against it.
        class_names: one a class.
        method: how they were made.
    """

    images: Array
    probabilities: Array
    maps: Array
    class_names: tuple[str, ...]
    method: str = "occlusion"

    def label(self, name: str | int) -> int:
        """Return a class's number by its name or number.

        Raises:
            UsageError: there is no such class.
        """
        by_name = {each.casefold(): label for label, each in enumerate(self.class_names)}
        found = by_name.get(str(name).casefold())
        if found is None and str(name).isdigit() and int(name) < len(self.class_names):
            return int(name)
        if found is None:
            raise UsageError(f"Expected a class, received '{name}'. {suggest(str(name), self.class_names)}")
        return found

    def why(self, of: str | int, against: str | int | None = None) -> Array:
        """Return the maps of one class ``(n, h, w)``, or why it and not another: the difference of their maps.

        Args:
            of: a class's name or number.
            against: another one's; None for none.

        Raises:
            UsageError: there is no such class.
        """
        own = self.maps[:, self.label(of)]
        return own if against is None else own - self.maps[:, self.label(against)]


METHODS = ("occlusion", "smoothgrad")


def explain(model: Any, images: Any, *, method: str = "occlusion", pixels: str | None = None) -> Explanation:
    """Say which pixels a model's answers hang on; ``fittingroom explain`` draws it.

    By occlusion, a patch covers the picture everywhere in turn, with the middle value of the picture's edge, and each
    pixel has the mean, over the patches on it, of what the class's centred logit lost. By SmoothGrad, which is quicker
    and of Keras models alone, a pixel has its value times the logit's gradient, the mean over noisy copies.

    Args:
        model: as `fittingroom.predict` takes it.
        images: likewise: uint8 ``(n, h, w)`` or what turns into that; photos for the network for photos.
        method: "occlusion", of any model; "smoothgrad", by captum, of Keras models.
        pixels: what a model of your own was fitted on, as `fittingroom.predict` takes it.

    Returns:
        Maps for every class, so that "why not Shirt?" is the difference of two.

    Raises:
        ModelError: the images do not fit the model, or the method does not.
        UsageError: no such method, or captum is not installed.
        DataError: images that cannot be taken.

    Example:
        >>> found = explain("fashion-mnist/92", images)  # doctest: +SKIP
        >>> found.why("Coat", against="Shirt")[0]  # doctest: +SKIP
    """
    look_up(method, dict.fromkeys(METHODS), "method")
    opened = open_settled(model, pixels=pixels)
    taken = of_size(images, opened) if opened.of_photos else accept_images(images, shape=opened.image_shape)
    ask = (lambda photos: opened.ask(photos)[0]) if opened.of_photos else opened.predict
    if method == "occlusion":
        maps = occlusion_maps(ask, taken)
    elif opened.model is None or opened.feed is not None:
        raise ModelError(f"{opened.title}: {method} is of Keras models whose pixels they tell. Take occlusion.")
    else:
        maps = smoothgrad_maps(opened.model, taken)
        without = [place for place, each in enumerate(maps) if not each.any()]
        if len(without):
            raise ModelError(
                f"{opened.title}: {method} finds no gradient at all for image {without[0]}, and a map of it would "
                "say nothing. Take occlusion."
            )
    probabilities = opened.predict(taken)
    return Explanation(taken, probabilities, maps, opened.names(probabilities.shape[1]), method)


def look_inside(model: Any, images: Any) -> Inside:
    """Return what a network has learned, and what each of its layers makes of pictures.

    Args:
        model: as `fittingroom.predict` takes it: a run, a Keras file, a shipped name, or a Keras model in memory.
        images: uint8 ``(n, h, w)`` or what turns into that.

    Returns:
        The first weights as pictures; of units what each makes of each image, and how far it moves each class's score;
        and the values of every layer.

    Raises:
        ModelError: an ONNX file or a torch module, which have no layers to look at; or images that do not fit.
        DataError: images that cannot be taken.

    Example:
        >>> inside = look_inside("fashion-mnist/walkthrough", images)  # doctest: +SKIP
        >>> inside.weights.shape, inside.activations.shape, inside.pushes.shape  # doctest: +SKIP
        ((128, 28, 28), (2, 128), (2, 128, 10))
    """
    opened = open_predictor(model)
    if opened.model is None:
        raise ModelError(
            f"{opened.title}: expected a Keras model to look inside, and {opened.engine} computes it, so that "
            "only its answers are known. Try fittingroom explain, which covers parts of the picture."
        )
    return of_network(opened.model, accept_images(images))


def explanation_figure(found: Explanation, position: int, against: str | int | None = None) -> Figure:
    """Draw a picture beside what speaks for its answer, and for that answer rather than another.

    Args:
        found: the maps.
        position: of the picture.
        against: the other class; None for the runner-up.
    """
    from matplotlib.figure import Figure

    order = np.argsort(-found.probabilities[position], kind="stable")
    first = int(order[0])
    other = int(order[1]) if against is None else found.label(against)
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    image = found.images[position]
    shown = image if image.ndim == 3 else 255 - image
    axes[0].imshow(shown, cmap="gray", vmin=0, vmax=255)
    axes[0].set_title(f"{found.class_names[first]}, {found.probabilities[position, first]:.1%}", fontsize=10)
    both = [found.why(first)[position], found.why(first, other)[position]]
    words = [f"for {found.class_names[first]}", f"for it, and not {found.class_names[other]}"]
    for axis, values, title in zip(axes[1:], both, words, strict=True):
        most = float(np.abs(values).max()) or 1.0
        title = title if values.any() else f"{title}: nothing here\nchanges so sure an answer"
        axis.imshow(shown, cmap="gray", vmin=0, vmax=255)
        drawn = axis.imshow(values, cmap="PuOr_r", vmin=-most, vmax=most, alpha=0.75)
        axis.set_title(title, fontsize=10)
        figure.colorbar(drawn, ax=axis, shrink=0.7)
    for axis in axes:
        axis.set_axis_off()
    figure.suptitle("orange speaks for it, violet against it", fontsize=9)
    return figure


def save_maps(found: Explanation, names: Sequence[str], folder: Path, against: str | int | None = None) -> list[Path]:
    """Save a picture for each image that was explained; what is there already is not overwritten.

    Args:
        found: the maps.
        names: of the files, without an ending.
        folder: made where it is missing.
        against: see `explanation_figure`.

    Raises:
        DataError: the folder cannot be written.
        UsageError: there is no such class.
    """
    from fittingroom.photos.importing import free_name

    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for position, name in enumerate(names):
            figure = explanation_figure(found, position, against)
            path = free_name(folder, f"{name}-why.png")
            atomic_write(path, partial(figure.savefig, dpi=130, facecolor="white"))
            paths.append(path)
    except OSError as error:
        raise DataError(f"{folder}: the picture could not be written ({error.strerror}).") from error
    return paths


def explain_pictures(
    paths: Sequence[Path],
    model: Any,
    folder: Path,
    *,
    against: str | int | None = None,
    method: str = "occlusion",
) -> Iterator[tuple[Path, Explanation, list[Path]]]:
    """Explain files one after the other and save a picture of each answer.

    Args:
        paths: grey pictures of the model's size and ``.npy`` files, taken as they are; or photos.
        model: as `fittingroom.predict` takes it; None for the network for photos, and for data the 28x28 one.
        folder: for the pictures.
        against: the class that is not to be, see `explanation_figure`.
        method: see `explain`.

    Yields:
        The file, what was found, and the pictures that were saved.

    Raises:
        FittingRoomError: a file cannot be read, or the images do not fit the model.
    """
    opened = None if model is None else open_settled(model)
    for path in paths:
        takes = DATA_SHAPE if opened is None or opened.of_photos else opened.image_shape
        taken_as = "data" if is_data(path, takes) and not (opened is not None and opened.of_photos) else "photo"
        predictor = who_answers(opened, taken_as)
        if taken_as == "data":
            images = read_pictures(path)
        elif predictor.of_photos:
            images = whole_photo(path, predictor.image_shape or SIZE)[None]
        else:
            images = prepare_photo(path).image[None]
        found = explain(predictor, images, method=method)
        names = [path.stem] if len(images) == 1 else [f"{path.stem}-{place}" for place in range(len(images))]
        yield path, found, save_maps(found, names, folder, against)
