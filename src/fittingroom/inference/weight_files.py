"""Files of other kinds that people keep models in: Keras's HDF5, checked before it is opened; and weights alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fittingroom.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HDF5 = (".h5", ".hdf5")
RUNS_CODE = (
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
    "JaxLayer",
    "FlaxLayer",
)  # bring Python or a graph of their own
LOADERS = {
    ".pt": "module.load_state_dict(torch.load({path!r}, weights_only=True))",
    ".pth": "module.load_state_dict(torch.load({path!r}, weights_only=True))",
    ".safetensors": "module.load_state_dict(safetensors.torch.load_file({path!r}))",
}


def check_holds_model(path: Path) -> None:
    """Raise where a file holds weights alone, with the Python that uses them.

    Args:
        path: of a file that exists.

    Raises:
        ModelError: the file holds weights of a network that only its owner's Python can make.
    """
    loader = LOADERS.get(path.suffix.lower())
    if loader is not None:
        raise ModelError(
            f"{path}: expected a model, received PyTorch's weights, which hold none. Make the module in Python, then "
            f"{loader.format(path=str(path))}; fr.predict(module, images)"
        )
    if path.name.endswith(".weights.h5"):
        raise ModelError(_weights_alone(path))


def _weights_alone(path: Path) -> str:
    return (
        f"{path}: expected a model, received Keras's weights, which hold none. Make the model in Python, then "
        f"model.load_weights({str(path)!r}); fr.predict(model, images)"
    )


def check_hdf5(path: Path) -> None:
    """Raise where a Keras model in HDF5 would bring code of its own when it is opened, or the file holds no model.

    Args:
        path: of an ``.h5`` file.

    Raises:
        ModelError: see above, or the file cannot be read.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            told = file.attrs.get("model_config")
        config = None if told is None else json.loads(told)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        words = " ".join(str(error).split())[:120]
        raise ModelError(f"{path}: expected a Keras model in HDF5 that can be read, received: {words}") from error
    if config is None:
        raise ModelError(_weights_alone(path))
    foreign = next(_foreign(config), None)
    if foreign is not None:
        raise ModelError(
            f"{path}: expected a model of Keras's own layers, received '{foreign}', which runs code from the file or "
            "of its owner. Make the model in Python, then model.load_weights(path); fr.predict(model, images)"
        )


def _foreign(part: Any) -> Iterator[str]:
    """Yield the classes in a model's description that are not Keras's own, or run what the file brings."""
    if isinstance(part, list):
        for one in part:
            yield from _foreign(one)
    if not isinstance(part, dict):
        return
    name, module = part.get("class_name"), part.get("module")
    if isinstance(name, str) and (name.partition(">")[2] or name in RUNS_CODE):
        yield name
    if isinstance(module, str) and module != "builtins" and module.partition(".")[0] != "keras":
        yield f"{module}.{name}"
    for one in part.values():
        yield from _foreign(one)
