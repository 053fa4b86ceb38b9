"""The classifiers of the suites by name, and what today's libraries call the settings of 2017."""

from __future__ import annotations

import inspect
import warnings
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.errors import UsageError
from fittingroom.lookup import suggest
from fittingroom.recipes import find_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.arrays import Array

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "CatBoostClassifier": "catboost",
        "DecisionTreeClassifier": "sklearn.tree",
        "ExtraTreeClassifier": "sklearn.tree",
        "GaussianNB": "sklearn.naive_bayes",
        "GaussianProcessClassifier": "sklearn.gaussian_process",
        "GradientBoostingClassifier": "sklearn.ensemble",
        "HistGradientBoostingClassifier": "sklearn.ensemble",
        "HogSVC": "sklearn.svm",
        "KNeighborsClassifier": "sklearn.neighbors",
        "LGBMClassifier": "lightgbm",
        "LinearSVC": "sklearn.svm",
        "LogisticRegression": "sklearn.linear_model",
        "MLPClassifier": "sklearn.neural_network",
        "PassiveAggressiveClassifier": "sklearn.linear_model",
        "Perceptron": "sklearn.linear_model",
        "RandomConvolutionRidge": "sklearn.linear_model",
        "RandomForestClassifier": "sklearn.ensemble",
        "SGDClassifier": "sklearn.linear_model",
        "SVC": "sklearn.svm",
        "XGBClassifier": "xgboost",
        "rung": "fittingroom",
    }
)
"""The module of each; ``rung`` is a recipe of ours, `HogSVC` and `RandomConvolutionRidge` stand below."""
ALSO = MappingProxyType({"HogSVC": ("skimage",), "RandomConvolutionRidge": ("torch",)})
"""The modules that a family needs besides its own."""
OF_2017 = MappingProxyType({"LogisticRegression": ("multi_class", "penalty")})
"""Settings that a suite may have though today's library has others for them."""
RUNG = "rung"
THREADS = ("n_jobs", "thread_count")  # what libraries call them
GIVEN = ("image_shape", "seed")  # to classifiers of ours, by us


def made(
    family: str, settings: Mapping[str, Any], seed: int, threads: int, image_shape: tuple[int, int] = (28, 28)
) -> Any:
    """Return a classifier, not fitted.

    Args:
        family: a name of `FAMILIES`, but not ``rung``.
        settings: as the suite has them.
        seed: of its random choices, where it has any.
        threads: of the processor, where it can use several.
        image_shape: of the pictures whose pixels it is given; for those that look at them as pictures.

    Raises:
        ImportError: its package is missing.
        TypeError: it has no such setting.
    """
    if family == "HogSVC":
        return HogSVC(image_shape, **settings)
    if family == "RandomConvolutionRidge":
        return RandomConvolutionRidge(image_shape, seed, **settings)
    kind = getattr(import_module(FAMILIES[family]), family)
    given = {name: tuple(value) if name == "hidden_layer_sizes" else value for name, value in settings.items()}
    if family == "LogisticRegression" and "multi_class" in given:
        return _logistic(kind, given, seed)
    known: dict[str, Any] = (
        kind().get_params() if family != "CatBoostClassifier" else {"thread_count": 0, "random_seed": 0}
    )
    more = {name: threads for name in THREADS if name in known}
    more |= {name: seed for name in ("random_state", "random_seed") if name in known}
    quiet: dict[str, dict[str, Any]] = {
        "LGBMClassifier": {"verbose": -1},
        "CatBoostClassifier": {"verbose": False, "allow_writing_files": False},
    }
    return kind(**{**more, **quiet.get(family, {}), **given})


def setting_names(family: str) -> list[str] | None:
    """Return the settings that a classifier of a suite may have; None where its package is not installed.

    Args:
        family: a name of `FAMILIES`.
    """
    if family == RUNG:
        return ["recipe"]
    if find_spec(FAMILIES[family].partition(".")[0]) is None:
        return None
    own = {"HogSVC": HogSVC, "RandomConvolutionRidge": RandomConvolutionRidge}
    kind = own.get(family) or getattr(import_module(FAMILIES[family]), family)
    known = {}  # CatBoost's has only what was set
    if hasattr(kind, "get_params"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # that a classifier is to go is told where it is fitted
            known = kind().get_params()
    parameters = inspect.signature(kind).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [each.name for each in parameters if each.kind in plain and each.name not in GIVEN]
    return sorted({*known, *named, *OF_2017.get(family, ())})


def check_settings(family: str, settings: Mapping[str, Any]) -> None:
    """Raise for a setting that a classifier does not have, or a value that it would refuse.

    LightGBM and XGBoost pass over what they do not know, so it is found here or nowhere. Where the package is not
    installed nothing can be told.

    Args:
        family: a name of `FAMILIES`.
        settings: of one row.

    Raises:
        UsageError: says which, and what is close.
    """
    names = setting_names(family)
    if names is None:
        return
    for name in settings:
        if name not in names:
            raise UsageError(f"{family} has no setting '{name}'. {suggest(name, names)}")
    if family == RUNG:
        find_recipe(settings.get("recipe", ""))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = made(family, settings, 0, 1)
            if hasattr(model, "_parameter_constraints"):  # scikit-learn's own check, as `fit` begins with it
                model._validate_params()
        except (TypeError, ValueError) as error:
            raise UsageError(f"{family}: {' '.join(str(error).split())}") from None


def _logistic(kind: Any, given: dict[str, Any], seed: int) -> Any:
    """Return logistic regression as it was in 2017: one class against the rest by liblinear, or all at once."""
    several = given.pop("multi_class")
    ratio = {"l1": 1.0, "l2": 0.0}[given.pop("penalty", "l2")]
    if several == "ovr":
        one = kind(solver="liblinear", l1_ratio=ratio, random_state=seed, **given)
        return import_module("sklearn.multiclass").OneVsRestClassifier(one)
    return kind(solver="saga" if ratio else "lbfgs", l1_ratio=ratio, random_state=seed, **given)


class HogSVC:
    """A support vector machine with a Gaussian kernel on histograms of oriented gradients (scikit-image).

    Args:
        image_shape: of the pictures, at least twice a cell's side.
        C: of the machine: how much a training image on the wrong side counts.
        cell: side of the squares that have a histogram each; four of them are normalised together.

    Source: N. Dalal and B. Triggs, Histograms of oriented gradients for human detection, CVPR 2005.
    """

    def __init__(self, image_shape: tuple[int, int], C: float = 10.0, cell: int = 7) -> None:  # noqa: N803
        self.image_shape, self.cell = image_shape, cell
        self.machine = import_module("sklearn.svm").SVC(C=C, kernel="rbf", gamma="scale", cache_size=1000)

    def features(self, pixels: Array) -> Array:
        """Return the histograms of each picture.

        Args:
            pixels: ``(n, pixels)``, 0 to 1 or 0 to 255.

        Returns:
            float32 ``(n, features)``.

        Raises:
            ValueError: pixels that were standardised are no pictures any more.
        """
        from skimage.feature import hog

        if pixels.min() < 0:
            raise ValueError("HOG needs pictures: a suite with scaling none or unit")
        pictures = pixels.reshape(-1, *self.image_shape)
        cells = {"pixels_per_cell": (self.cell, self.cell), "cells_per_block": (2, 2), "orientations": 9}
        return np.stack([hog(picture, **cells).astype(np.float32) for picture in pictures])

    def fit(self, pixels: Array, labels: Array) -> None:
        """Fit on training images ``(n, pixels)`` and their labels ``(n,)``."""
        self.machine.fit(self.features(pixels), labels)

    def predict(self, pixels: Array) -> Array:
        """Return the classes of pictures ``(n, pixels)``."""
        return np.asarray(self.machine.predict(self.features(pixels)))


class RandomConvolutionRidge:
    """Ridge regression on what random patches of the training images answer: convolutions that are not learned.

    The patches, each less its mean and scaled to length 1, are the filters. Their answers, positive and negative parts
    apart, are averaged over a grid of three by three fields.

    Args:
        image_shape: of the pictures.
        seed: of the choice of patches.
        filters: how many.
        side: of a patch, in pixels.
        alpha: strength of the penalty on large weights.

    Source: A. Coates, H. Lee and A. Y. Ng, An analysis of single-layer networks in unsupervised feature learning,
    AISTATS 2011, in which random patches are one of the ways to filters.
    """

    FIELDS, CHUNK, LEAST = 3, 1000, 1e-6

    def __init__(
        self, image_shape: tuple[int, int], seed: int, filters: int = 200, side: int = 6, alpha: float = 1.0
    ) -> None:
        self.image_shape, self.seed, self.count, self.side = image_shape, seed, filters, side
        self.ridge = import_module("sklearn.linear_model").RidgeClassifier(alpha=alpha)
        self.filters: Any = None

    def _draw(self, pictures: Array) -> Array:
        generator, side = np.random.default_rng(self.seed), self.side
        height, width = self.image_shape
        found: list[Array] = []
        for _ in range(100 * self.count):
            if len(found) == self.count:
                break
            row, column = generator.integers(height - side + 1), generator.integers(width - side + 1)
            patch = pictures[generator.integers(len(pictures)), row : row + side, column : column + side]
            patch = patch - patch.mean()
            length = float(np.linalg.norm(patch))
            if length > self.LEAST:  # a patch of the background alone has nothing to say
                found.append(patch / length)
        return np.stack(found)[:, None]

    def features(self, pixels: Array) -> Array:
        """Return what the filters answer about pictures ``(n, pixels)``: float32 ``(n, 18 * filters)``."""
        import torch
        from torch.nn.functional import adaptive_avg_pool2d, conv2d

        pictures = torch.from_numpy(np.asarray(pixels, np.float32).reshape(-1, 1, *self.image_shape))
        parts = []
        for chunk in torch.split(pictures, self.CHUNK):
            answers = conv2d(chunk, self.filters)
            both = torch.cat([answers.clamp(min=0), (-answers).clamp(min=0)], 1)
            parts.append(adaptive_avg_pool2d(both, self.FIELDS).flatten(1))
        return torch.cat(parts).numpy()

    def fit(self, pixels: Array, labels: Array) -> None:
        """Draw the filters from training images ``(n, pixels)`` and fit the ridge on their labels ``(n,)``."""
        import torch

        pictures = np.asarray(pixels, np.float32).reshape(-1, *self.image_shape)
        self.filters = torch.from_numpy(self._draw(pictures).astype(np.float32))
        self.ridge.fit(self.features(pixels), labels)

    def predict(self, pixels: Array) -> Array:
        """Return the classes of pictures ``(n, pixels)``."""
        return np.asarray(self.ridge.predict(self.features(pixels)))
