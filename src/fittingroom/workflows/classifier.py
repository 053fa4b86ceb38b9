"""`fittingroom.Classifier`: the training as scikit-learn has it, for pipelines, cross-validation and grid searches."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import MNIST_PIXELS, Array, check_images
from fittingroom.data.accepting import accept_images
from fittingroom.errors import DataError, ModelError, UsageError
from fittingroom.extras import install_line
from fittingroom.progress import no_log, warn_user
from fittingroom.training.plan import TrainingPlan
from fittingroom.training.trainer import fit, refuse_unused
from fittingroom.workflows.training import found_by_name

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
except ImportError:  # the class says so when one is made: `from fittingroom import *` goes on
    BaseEstimator = ClassifierMixin = None

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fittingroom.arrays import Images, Probabilities

STEPS = 255  # into which a column of features is divided between its least and its largest training value
PARENTS: tuple[Any, ...] = (object,) if BaseEstimator is None else (ClassifierMixin, BaseEstimator)
WITHOUT = "fittingroom.Classifier needs scikit-learn, which is not installed. Install it: "


@dataclass(frozen=True, eq=False)
class Reading:
    """How rows of numbers are read as pictures; settled when a classifier is fitted.

    Attributes:
        kind: "pixels", as `fittingroom.train` takes them, or "features", of which each column is divided into steps.
        image_shape: ``(height, width)`` of what the network gets.
        scale: of pixels: 1 where they came as 0..255, 255 where they came as k/255.
        least: of features: the smallest training value of each column, float64 ``(f,)``.
        span: of features: the largest less the smallest, never 0.
    """

    kind: str
    image_shape: tuple[int, int]
    scale: float = 1.0
    least: Array | None = None
    span: Array | None = None

    def images(self, rows: Array) -> Images:
        """Return rows ``(n, f)`` as pictures uint8 ``(n, h, w)``.

        Raises:
            ValueError: pixels that are not what they were when the classifier was fitted.
        """
        if self.least is None or self.span is None:
            return self._pixels(rows).reshape(-1, *self.image_shape)
        shares = np.clip((rows.astype(np.float64) - self.least) / self.span, 0, 1)
        pixels = np.zeros((len(rows), math.prod(self.image_shape)), np.uint8)
        pixels[:, : rows.shape[1]] = np.rint(STEPS * shares)
        return pixels.reshape(-1, *self.image_shape)

    def _pixels(self, rows: Array) -> Array:
        values = rows.astype(np.float64) * self.scale
        whole = np.rint(values)
        if np.abs(values - whole).max(initial=0) > 1e-3 or whole.min(initial=0) < 0 or whole.max(initial=0) > 255:
            span = "0..255, whole numbers" if self.scale == 1 else "0..1, each k/255"
            raise ValueError(f"X: expected pixels as they were for fit, {span}; received others.")
        return whole.astype(np.uint8)


class Classifier(*PARENTS):  # type: ignore[misc]
    """A network for scikit-learn: `fit`, `predict`, `predict_proba`, `score`, clone and pickle.

    Pictures are ``(n, h, w)``, or rows of 784 pixels, in 0..255 or as floats k/255: their scale is settled as
    `fittingroom.train` settles it. Rows of any other width, and rows of 784 that are no pixels (a warning says so), are
    features: each column is divided into 255 steps between its least and largest training value, and the network gets
    them as pixels of one row, with values beyond these at the ends. It trains in memory and writes no run folder; the
    same seed gives the same network.

    Args:
        model: an architecture's name, ``FILE.py:function``, or a recipe's name, as `fittingroom.train` takes it; the
            recipe's own, or the walk-through's, where it is None.
        recipe: how to train: a `Recipe`, a recipe's name or its TOML file.
        settings: values in the place of the recipe's, by name.
        epochs: likewise.
        batch_size: likewise.
        lr: likewise, the learning rate.
        device: likewise.
        seed: of starting weights, order, augmentation and dropout.
        image_shape: ``(height, width)`` that a row of pixels is a picture of, where it is not 28x28.

    Attributes:
        classes_: the labels, of whatever kind, in the order of the probabilities' columns.
        n_features_in_: numbers a sample.
        reading_: how they are read, see `Reading`.
        network_: the trained network.
        recipe_: how it was trained, with all values.
        history_: one line an epoch.

    Raises:
        UsageError: scikit-learn is not installed.

    Example:
        >>> images = np.zeros((20, 8, 8), np.uint8)
        >>> images[10:, :4] = 200
        >>> labels = ["low"] * 10 + ["high"] * 10
        >>> classifier = Classifier(epochs=10, batch_size=4).fit(images, labels)
        >>> classifier.predict(images[[0, -1]]).tolist(), classifier.score(images, labels)
        (['low', 'high'], 1.0)
    """

    def __init__(  # any values: `fit` checks them, as scikit-learn has it
        self,
        model: Any = None,
        *,
        recipe: Any = None,
        settings: Any = None,
        epochs: Any = None,
        batch_size: Any = None,
        lr: Any = None,
        device: Any = None,
        seed: Any = 0,
        image_shape: Any = None,
    ) -> None:
        if BaseEstimator is None:
            raise UsageError(WITHOUT + install_line("sklearn"))
        self.model = model
        self.recipe = recipe
        self.settings = settings
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.device = device
        self.seed = seed
        self.image_shape = image_shape

    def fit(self, X: Any, y: Any) -> Classifier:
        """Train a new network.

        Args:
            X: pictures ``(n, h, w)``, or rows of numbers ``(n, f)``; see the class.
            y: a label each, of any kind, two or more different ones.

        Raises:
            ValueError: samples, labels or settings that are not what they should be.
        """
        from sklearn.utils.multiclass import check_classification_targets
        from sklearn.utils.validation import validate_data

        rows, shape = _rows(X)
        rows, y = validate_data(self, rows, y)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y: expected labels of two or more classes, received one class, {classes[0]!r}.")
        with _as_value_errors():
            reading = _settled(rows, shape or self.image_shape)
            self._train(reading.images(rows), labels)
        self.classes_, self.reading_ = classes, reading
        return self

    def predict(self, X: Any) -> Array:
        """Return the most probable label of each sample.

        Args:
            X: as for `fit`.
        """
        places = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[places])

    def predict_proba(self, X: Any) -> Probabilities:
        """Return the probabilities, float64 ``(n, classes)`` in the order of ``classes_``, rows summing to 1.

        Args:
            X: as for `fit`.

        Raises:
            ValueError: samples of another width than those for `fit`, or of other values where they were pixels.
        """
        from sklearn.utils.validation import check_is_fitted, validate_data

        check_is_fitted(self, "network_")
        rows, _ = _rows(X)
        rows = validate_data(self, rows, reset=False)
        with _as_value_errors():
            probabilities = self._ask(self.reading_.images(rows)).astype(np.float64)
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))

    def _train(self, images: Images, labels: Array) -> None:
        if self.model is not None and not isinstance(self.model, str | Path):
            raise UsageError(
                f"model: expected a name or FILE.py:function, received {type(self.model).__name__}: a model in memory "
                "would be trained in place, so that a second fit would go on from the first."
            )
        changes = {name: getattr(self, name) for name in ("epochs", "batch_size", "device")}
        shortcuts = {**changes, "learning_rate": self.lr}
        pair = images, labels.astype(np.int64)
        network, _, recipe, _ = found_by_name(
            self.model, pair, self.recipe, self.settings, shortcuts, self.seed, None, no_log
        )
        refuse_unused(network, recipe)
        if recipe.whiten:
            from fittingroom.training.whiten import whiten

            whiten(network, images)
        state = fit(network, TrainingPlan(*pair, recipe, self.seed))
        self.network_, self.recipe_, self.history_ = network, recipe, list(state.history)
        self._open()

    def _open(self) -> None:
        from fittingroom.inference.keras_engine import predictor

        self._ask = predictor(self.network_, pixels=self.recipe_.pixels)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_ask", None)  # made of the network again
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "network_" in state:
            self._open()


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """Raise in the kind that scikit-learn expects what is wrong with samples or settings."""
    try:
        yield
    except (DataError, ModelError, UsageError) as error:
        raise ValueError(str(error)) from error


def _rows(X: Any) -> tuple[Any, tuple[int, int] | None]:
    """Return samples as scikit-learn has them, a row each; and the shape of pictures that came as such."""
    if _axes(X) < 3:
        return X, None
    with _as_value_errors():
        images = accept_images(X, "X")
    height, width = images.shape[1:]
    return images.reshape(len(images), -1), (height, width)


def _axes(X: Any) -> int:
    """Return how many axes samples have; 2 where that is scikit-learn's to find out."""
    if hasattr(X, "ndim"):
        return int(X.ndim)
    try:
        return np.ndim(X) if isinstance(X, list | tuple) else 2
    except ValueError:  # rows of different lengths
        return 2


def _settled(rows: Array, image_shape: tuple[int, int] | None) -> Reading:
    """Return how rows ``(n, f)`` are to be read.

    Raises:
        DataError: they are said to be pictures and are none.
        UsageError: they are not as long as a picture of that shape.
    """
    if image_shape is not None:
        return _of_pixels(rows, (int(image_shape[0]), int(image_shape[1])))
    if rows.shape[1] != MNIST_PIXELS:
        return _of_features(rows, (1, max(2, rows.shape[1])))
    side = math.isqrt(MNIST_PIXELS)
    try:
        return _of_pixels(rows, (side, side))
    except DataError as error:
        warn_user(f"X: rows of {MNIST_PIXELS} that are no pixels are taken as features, in steps of their own. {error}")
        return _of_features(rows, (side, side))


def _of_pixels(rows: Array, image_shape: tuple[int, int]) -> Reading:
    if rows.shape[1] != math.prod(image_shape):
        height, width = image_shape
        raise UsageError(f"X: expected {height * width} pixels a row, {height}x{width}, received {rows.shape[1]}.")
    check_images(rows.reshape(-1, *image_shape), "X", no_log, len(rows))
    is_share = rows.dtype.kind == "f" and rows.max(initial=0) <= 1
    return Reading("pixels", image_shape, scale=255.0 if is_share else 1.0)


def _of_features(rows: Array, image_shape: tuple[int, int]) -> Reading:
    values = rows.astype(np.float64)
    least, most = values.min(axis=0), values.max(axis=0)
    span = np.where(most > least, most - least, 1.0)
    return Reading("features", image_shape, least=least, span=span)
