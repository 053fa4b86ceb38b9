"""A model as a ``.keras`` file that every Keras from 3.10 on opens, whichever version writes it.

A newer Keras writes settings that an older one does not know and refuses, though they stand at their defaults and say
nothing. They are left out here: whoever opens the file takes the default, which is what was written.
"""

from __future__ import annotations

import json
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, ZipInfo

from fittingroom.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    import keras


CONFIG = "config.json"
NEW_SETTINGS: dict[str, Any] = {  # came to Keras's own classes after 3.10, with their defaults
    "input_axes": None,  # GlorotUniform and its kin
    "output_axes": None,
    "quantization_config": None,  # Dense, EinsumDense, Embedding
    "gptq_unpacked_column_size": None,  # EinsumDense
    "sliding_window": None,  # MultiHeadAttention, GroupQueryAttention
    "use_gate": False,
    "output_padding": None,  # Conv2DTranspose and its kin
    "salt": None,  # StringLookup, IntegerLookup
    "oov_method": "floormod",
    "renorm": False,  # BatchNormalization
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


def save_keras(model: keras.Model, path: Path) -> None:
    """Write a model as a ``.keras`` file, whole or not at all, without what only the newest Keras knows.

    Args:
        model: of Keras.
        path: of the file, which ends in ``.keras``; its folder exists.

    Raises:
        OSError: as `fittingroom.files.atomic_write`.
    """
    atomic_write(path, partial(_save, model))


def _save(model: keras.Model, path: Path) -> None:
    model.save(path)
    make_portable(path)


def portable_json(model: Any) -> str:
    """Return a Keras model's architecture as JSON that every Keras from 3.10 on reads.

    Raises:
        NotImplementedError: a class of its owner's that does not tell its settings; TypeError or ValueError likewise.
    """
    return json.dumps(without_new_settings(json.loads(model.to_json())))


def make_portable(path: Path) -> None:
    """Write a ``.keras`` file again, in its place, without new settings at their defaults; all else stays bit for bit.

    Args:
        path: of the file.

    Raises:
        OSError: as `fittingroom.files.atomic_write`.
    """
    atomic_write(path, partial(copy_portable, path))


def copy_portable(source: Path, to: Path) -> None:
    """Copy a ``.keras`` file as `make_portable` writes it.

    Args:
        source: a ``.keras`` file.
        to: another path, which is written over.

    Raises:
        OSError: it cannot be read or written.
    """
    with ZipFile(source) as old, ZipFile(to, "w") as new:
        for entry in old.infolist():
            kept = ZipInfo(entry.filename, entry.date_time)
            kept.compress_type, kept.external_attr = entry.compress_type, entry.external_attr
            if entry.filename == CONFIG:
                new.writestr(kept, json.dumps(without_new_settings(json.loads(old.read(entry)))))
                continue
            kept.file_size = entry.file_size  # so that more than 2 GB are written too
            with old.open(entry) as content, new.open(kept, "w") as place:
                shutil.copyfileobj(content, place)


def without_new_settings(part: Any) -> Any:
    """Return a model's description without settings that came after Keras 3.10 and stand at their defaults.

    Args:
        part: of the JSON that Keras describes a model with. Classes that are not Keras's own are left as they are, as
            far as they are not made of such.

    Example:
        >>> told = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3, "use_gate": False}}
        >>> without_new_settings(told)["config"]
        {'units': 3}
    """
    if isinstance(part, list):
        return [without_new_settings(one) for one in part]
    if not isinstance(part, dict):
        return part
    inside = {key: without_new_settings(value) for key, value in part.items()}
    config, module = inside.get("config"), inside.get("module")
    if isinstance(config, dict) and isinstance(module, str) and module.partition(".")[0] == "keras":
        inside["config"] = {key: value for key, value in config.items() if not _says_nothing(key, value)}
    return inside


def _says_nothing(key: str, value: Any) -> bool:
    return key in NEW_SETTINGS and value == NEW_SETTINGS[key]
