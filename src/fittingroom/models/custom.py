"""A user's own model, from a Python file: ``FILE.py:function_or_class``."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fittingroom.backend import import_keras
from fittingroom.errors import ModelError
from fittingroom.lookup import suggest


@dataclass(frozen=True)
class Source:
    """Where a user's model comes from.

    Attributes:
        file: the Python file.
        function: the function or class in it that makes the model.
        sha256: of the file, 64 hex digits.
    """

    file: Path
    function: str
    sha256: str


def is_custom(name: str) -> bool:
    """Say whether a model's name is of the form ``FILE.py:function``.

    Example:
        >>> is_custom("mine.py:network"), is_custom("walkthrough")
        (True, False)
    """
    return ".py:" in name


def find_source(name: str) -> Source:
    """Return where a model named ``FILE.py:function`` comes from.

    Raises:
        ModelError: there is no such file.
    """
    file_name, _, function = name.rpartition(":")
    path = Path(file_name)
    if not path.is_file():
        raise ModelError(f"{path}: expected a Python file that makes a model, found no such file.")
    return Source(path, function, hashlib.sha256(path.read_bytes()).hexdigest())


def build_custom(source: Source, image_shape: tuple[int, int], classes: int, seed: int) -> Any:
    """Run a user's file and make the model.

    Args:
        source: the file is run as Python, with all that it may do.
        image_shape: ``(h, w)``, passed where the function takes an argument of that name.
        classes: likewise.
        seed: of the starting weights.

    Returns:
        A Keras model or a torch module.

    Raises:
        ModelError: the file does not run, has no such name, or it makes something else.
    """
    keras = import_keras()
    maker = _maker(source)
    keras.utils.set_random_seed(seed)
    offered = {"image_shape": image_shape, "classes": classes}
    try:
        taken = inspect.signature(maker).parameters
        model = maker(**{name: value for name, value in offered.items() if name in taken})
    except Exception as error:
        raise ModelError(f"{source.file}:{source.function} failed: {type(error).__name__}: {error}") from error
    import torch

    if not isinstance(model, torch.nn.Module):
        raise ModelError(
            f"{source.file}:{source.function}: expected it to return a Keras model or a torch.nn.Module, "
            f"received {type(model).__name__}."
        )
    return model


def _maker(source: Source) -> Any:
    spec = importlib.util.spec_from_file_location(f"fittingroom_user_{source.file.stem}", source.file)
    if spec is None or spec.loader is None:
        raise ModelError(f"{source.file}: expected a Python file, its name does not end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ModelError(f"{source.file} does not run: {type(error).__name__}: {error}") from error
    maker = getattr(module, source.function, None)
    if not callable(maker):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise ModelError(
            f"{source.file} has no function or class '{source.function}'. {suggest(source.function, names)}"
        )
    return maker
