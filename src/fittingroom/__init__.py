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
from fittingroom.backend import prefer_torch, share_the_cores

if TYPE_CHECKING:
    from fittingroom.data import Dataset, Split, class_names, hold_out, load, load_data
    from fittingroom.errors import FittingRoomError
    from fittingroom.inference.model_files import load_model
    from fittingroom.judging import Verdict, judge
    from fittingroom.models import build
    from fittingroom.pages.interpretation import interpret
    from fittingroom.pages.plots import plot_image, plot_value_array
    from fittingroom.pages.report import report
    from fittingroom.photos import PreparedPhoto, prepare_photo
    from fittingroom.runs import Run, open_run
    from fittingroom.training import Recipe, train
    from fittingroom.workflows.evaluation import evaluate, predict
    from fittingroom.workflows.picture_answers import predict_photos

_HOMES = {
    "Dataset": "fittingroom.data",
    "FittingRoomError": "fittingroom.errors",
    "PreparedPhoto": "fittingroom.photos",
    "Recipe": "fittingroom.training",
    "Run": "fittingroom.runs",
    "Split": "fittingroom.data",
    "Verdict": "fittingroom.judging",
    "build": "fittingroom.models",
    "class_names": "fittingroom.data",
    "evaluate": "fittingroom.workflows.evaluation",
    "hold_out": "fittingroom.data",
    "interpret": "fittingroom.pages.interpretation",
    "judge": "fittingroom.judging",
    "load": "fittingroom.data",
    "load_data": "fittingroom.data",
    "load_model": "fittingroom.inference.model_files",
    "open_run": "fittingroom.runs",
    "plot_image": "fittingroom.pages.plots",
    "plot_value_array": "fittingroom.pages.plots",
    "predict": "fittingroom.workflows.evaluation",
    "predict_photos": "fittingroom.workflows.picture_answers",
    "prepare_photo": "fittingroom.photos",
    "report": "fittingroom.pages.report",
    "train": "fittingroom.training",
}

__all__ = [
    "Dataset",
    "FittingRoomError",
    "PreparedPhoto",
    "Recipe",
    "Run",
    "Split",
    "Verdict",
    "__version__",
    "build",
    "class_names",
    "evaluate",
    "hold_out",
    "interpret",
    "judge",
    "load",
    "load_data",
    "load_model",
    "open_run",
    "plot_image",
    "plot_value_array",
    "predict",
    "predict_photos",
    "prepare_photo",
    "report",
    "train",
]

prefer_torch()
share_the_cores()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fittingroom' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
