"""The classifiers of the suites by name, and what today's libraries call the settings of 2017."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "CatBoostClassifier": "catboost",
        "DecisionTreeClassifier": "sklearn.tree",
        "ExtraTreeClassifier": "sklearn.tree",
        "GaussianNB": "sklearn.naive_bayes",
        "GaussianProcessClassifier": "sklearn.gaussian_process",
        "GradientBoostingClassifier": "sklearn.ensemble",
        "HistGradientBoostingClassifier": "sklearn.ensemble",
        "KNeighborsClassifier": "sklearn.neighbors",
        "LGBMClassifier": "lightgbm",
        "LinearSVC": "sklearn.svm",
        "LogisticRegression": "sklearn.linear_model",
        "MLPClassifier": "sklearn.neural_network",
        "PassiveAggressiveClassifier": "sklearn.linear_model",
        "Perceptron": "sklearn.linear_model",
        "RandomForestClassifier": "sklearn.ensemble",
        "SGDClassifier": "sklearn.linear_model",
        "SVC": "sklearn.svm",
        "XGBClassifier": "xgboost",
        "rung": "fittingroom",
    }
)
"""The module of each; ``rung`` is a recipe of ours."""
RUNG = "rung"
THREADS = ("n_jobs", "thread_count")  # what libraries call them


def made(family: str, settings: Mapping[str, Any], seed: int, threads: int) -> Any:
    """Return a classifier, not fitted.

    Args:
        family: a name of `FAMILIES`, but not ``rung``.
        settings: as the suite has them.
        seed: of its random choices, where it has any.
        threads: of the processor, where it can use several.

    Raises:
        ImportError: its package is missing.
        TypeError: it has no such setting.
    """
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


def _logistic(kind: Any, given: dict[str, Any], seed: int) -> Any:
    """Return logistic regression as it was in 2017: one class against the rest by liblinear, or all at once."""
    several = given.pop("multi_class")
    ratio = {"l1": 1.0, "l2": 0.0}[given.pop("penalty", "l2")]
    if several == "ovr":
        one = kind(solver="liblinear", l1_ratio=ratio, random_state=seed, **given)
        return import_module("sklearn.multiclass").OneVsRestClassifier(one)
    return kind(solver="saga" if ratio else "lbfgs", l1_ratio=ratio, random_state=seed, **given)
