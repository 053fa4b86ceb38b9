"""fittingroom: the fitting room for Fashion-MNIST and every dataset in its format.

>>> import fittingroom as fr
>>> fr.class_names[9]
'Ankle boot'

Names are resolved when they are first used: ``import fittingroom`` loads neither Keras nor Torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fittingroom._version import __version__
from fittingroom.backend import prefer_torch, share_the_cores, without_missing_plot_backend

if TYPE_CHECKING:
    from fittingroom.data import Dataset, Split, class_names, hold_out, list_datasets, load, load_data, locate, verify
    from fittingroom.data.converting import convert_data
    from fittingroom.errors import FittingRoomError
    from fittingroom.inference.model_files import load_model
    from fittingroom.judging import Verdict, judge
    from fittingroom.ladder.ladder_table import list_recipes
    from fittingroom.models import build, list_models
    from fittingroom.pages.audit_report import audit_dataset
    from fittingroom.pages.exploration import explore
    from fittingroom.pages.interpretation import interpret
    from fittingroom.pages.label_sheet import suggest_labels
    from fittingroom.pages.plots import plot_image, plot_value_array
    from fittingroom.pages.report import report
    from fittingroom.pages.sweep_report import sweep
    from fittingroom.photos import PreparedPhoto, prepare_photo
    from fittingroom.photos.importing import import_photos
    from fittingroom.recipes import load_recipe
    from fittingroom.runs import Run, list_runs, open_run
    from fittingroom.training import Recipe
    from fittingroom.workflows.attributions import explain, look_inside
    from fittingroom.workflows.class_collection import collect_class
    from fittingroom.workflows.classifier import Classifier
    from fittingroom.workflows.comparing import compare
    from fittingroom.workflows.corruptions import evaluate_corruptions
    from fittingroom.workflows.evaluation import evaluate, predict, predict_sets
    from fittingroom.workflows.exporting import export_model, export_model_repository, export_web_page
    from fittingroom.workflows.lesson_checks import check
    from fittingroom.workflows.picture_answers import predict_photos
    from fittingroom.workflows.seed_training import train_seeds
    from fittingroom.workflows.training import train
    from fittingroom.workflows.training_previews import find_learning_rate, preview

_HOMES = {
    "Classifier": "fittingroom.workflows.classifier",
    "Dataset": "fittingroom.data",
    "FittingRoomError": "fittingroom.errors",
    "PreparedPhoto": "fittingroom.photos",
    "Recipe": "fittingroom.training",
    "Run": "fittingroom.runs",
    "Split": "fittingroom.data",
    "Verdict": "fittingroom.judging",
    "audit_dataset": "fittingroom.pages.audit_report",
    "build": "fittingroom.models",
    "check": "fittingroom.workflows.lesson_checks",
    "class_names": "fittingroom.data",
    "collect_class": "fittingroom.workflows.class_collection",
    "compare": "fittingroom.workflows.comparing",
    "convert_data": "fittingroom.data.converting",
    "evaluate": "fittingroom.workflows.evaluation",
    "evaluate_corruptions": "fittingroom.workflows.corruptions",
    "explain": "fittingroom.workflows.attributions",
    "explore": "fittingroom.pages.exploration",
    "export_model": "fittingroom.workflows.exporting",
    "export_model_repository": "fittingroom.workflows.exporting",
    "export_web_page": "fittingroom.workflows.exporting",
    "find_learning_rate": "fittingroom.workflows.training_previews",
    "hold_out": "fittingroom.data",
    "import_photos": "fittingroom.photos.importing",
    "interpret": "fittingroom.pages.interpretation",
    "judge": "fittingroom.judging",
    "list_datasets": "fittingroom.data",
    "list_models": "fittingroom.models",
    "list_recipes": "fittingroom.ladder.ladder_table",
    "list_runs": "fittingroom.runs",
    "load": "fittingroom.data",
    "load_data": "fittingroom.data",
    "load_model": "fittingroom.inference.model_files",
    "load_recipe": "fittingroom.recipes",
    "locate": "fittingroom.data",
    "look_inside": "fittingroom.workflows.attributions",
    "open_run": "fittingroom.runs",
    "plot_image": "fittingroom.pages.plots",
    "plot_value_array": "fittingroom.pages.plots",
    "predict": "fittingroom.workflows.evaluation",
    "predict_photos": "fittingroom.workflows.picture_answers",
    "predict_sets": "fittingroom.workflows.evaluation",
    "prepare_photo": "fittingroom.photos",
    "preview": "fittingroom.workflows.training_previews",
    "report": "fittingroom.pages.report",
    "suggest_labels": "fittingroom.pages.label_sheet",
    "sweep": "fittingroom.pages.sweep_report",
    "train": "fittingroom.workflows.training",
    "train_seeds": "fittingroom.workflows.seed_training",
    "verify": "fittingroom.data",
}

__all__ = [
    "Classifier",
    "Dataset",
    "FittingRoomError",
    "PreparedPhoto",
    "Recipe",
    "Run",
    "Split",
    "Verdict",
    "__version__",
    "audit_dataset",
    "build",
    "check",
    "class_names",
    "collect_class",
    "compare",
    "convert_data",
    "evaluate",
    "evaluate_corruptions",
    "explain",
    "explore",
    "export_model",
    "export_model_repository",
    "export_web_page",
    "find_learning_rate",
    "hold_out",
    "import_photos",
    "interpret",
    "judge",
    "list_datasets",
    "list_models",
    "list_recipes",
    "list_runs",
    "load",
    "load_data",
    "load_model",
    "load_recipe",
    "locate",
    "look_inside",
    "open_run",
    "plot_image",
    "plot_value_array",
    "predict",
    "predict_photos",
    "predict_sets",
    "prepare_photo",
    "preview",
    "report",
    "suggest_labels",
    "sweep",
    "train",
    "train_seeds",
    "verify",
]

prefer_torch()
share_the_cores()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fittingroom' has no attribute '{name}'")
    without_missing_plot_backend()
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
