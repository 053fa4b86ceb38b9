"""Values that a model's Python holds: whether two are the same, copies of them, and what their code may touch."""

from __future__ import annotations

import functools
import random
import sysconfig
import types
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from fittingroom.private_apis import keras_global, set_keras_global

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ATOMS = (bool, int, float, complex, str, bytes, type(None), type(...), torch.dtype, torch.device, np.generic)


INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
TRUSTED_NAMES = "torch keras numpy fittingroom builtins functools typing math collections contextlib"


TRUSTED = frozenset(TRUSTED_NAMES.split())


MISSING = object()


def same(old: Any, new: Any) -> bool:
    """Say whether two values are one object, or plain values that are equal."""
    if old is new:
        return True
    if type(old) is not type(new) or not isinstance(old, ATOMS):
        return isinstance(old, types.MethodType) and old == new
    return bool(old == new or (old != old and new != new))


def same_deep(old: Any, new: Any) -> bool:
    """Say whether two states, of numbers, arrays, tensors, tuples and dictionaries, are equal."""
    if isinstance(old, Tensor):
        return isinstance(new, Tensor) and equal_tensors(old, new)
    if isinstance(old, np.ndarray):
        return isinstance(new, np.ndarray) and np.array_equal(old, new)
    if isinstance(old, tuple | list):
        return type(old) is type(new) and len(old) == len(new) and all(map(same_deep, old, new))
    if isinstance(old, dict):
        return isinstance(new, dict) and _same_items(old, new)
    return same(old, new)


def _same_items(old: dict[Any, Any], new: Any) -> bool:
    return list(old) == list(new) and all(same_deep(value, new[key]) for key, value in old.items())


def equal_tensors(old: Tensor, new: Tensor) -> bool:
    """Say whether two tensors hold the same values; what is not a number equals itself."""
    if old.shape != new.shape or old.dtype != new.dtype or old.device != new.device:
        return False
    if old.layout != torch.strided or old.is_meta:
        return True
    return bool(((old == new) | ((old != old) & (new != new))).all())


def is_iterator(thing: Any) -> bool:
    """Say whether a thing is an iterator, whose place changes when it is asked for the next."""
    return hasattr(type(thing), "__next__") and hasattr(type(thing), "__iter__") and not hasattr(thing, "__dict__")


def iterator_state(iterator: Any) -> Any:
    """Return where an iterator is, as something to compare; None where that cannot be told."""
    try:
        return iterator.__reduce__()[1:]
    except TypeError:
        return None


def copied(thing: Any) -> Any:
    """Return a copy of an iterator, which stays where the original is now; ``MISSING`` for all that is none."""
    if not is_iterator(thing) or iterator_state(thing) is None:
        return MISSING
    return copy(thing)


def cell_value(cell: Any) -> Any:
    """Return what a function's closure holds in a cell; ``MISSING`` where it is empty."""
    try:
        return cell.cell_contents
    except ValueError:  # a name that is assigned only later
        return MISSING


def set_on_class(kind: type, word: str, value: Any) -> None:
    """Set an attribute of a class, or take it away where the value is ``MISSING``."""
    if value is MISSING:
        delattr(kind, word)
    else:
        setattr(kind, word, value)


def code_of(value: Any) -> list[Any]:
    """Return the functions that a class's attribute consists of."""
    if isinstance(value, types.FunctionType):
        return [value]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [function for function in (value.fget, value.fset) if function is not None]
    if isinstance(value, functools.cached_property):
        return [value.func]
    return []


def is_keras_variable(thing: Any) -> bool:
    """Say whether a thing is a Keras variable."""
    import keras

    return isinstance(thing, keras.Variable)


def names_in(code: types.CodeType) -> Iterator[str]:
    """Yield every name that a function's code, and the functions written within it, reads."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_in(constant)


def slots(kind: type) -> list[str]:
    """Return the names of a class's slots that hold values."""
    if is_trusted(kind):
        return []
    words = [word for base in kind.__mro__ for word in _as_tuple(vars(base).get("__slots__", ()))]
    return [word for word in words if word not in ("__dict__", "__weakref__")]


def _as_tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def package(thing: Any) -> str:
    """Return the name of the package that a class or function is from."""
    name = getattr(thing, "__module__", None) or getattr(thing, "__name__", None) or ""
    return str(name).partition(".")[0]


def is_own(module: types.ModuleType) -> bool:
    """Say whether a module is somebody's own rather than Python's or an installed package's."""
    file = getattr(module, "__file__", None)
    return file is not None and not any(Path(file).is_relative_to(place) for place in INSTALLED)


def is_trusted(thing: Any) -> bool:
    """Say whether a class, function or module is Torch's, Keras's or of another package that keeps no state."""
    return package(thing) in TRUSTED


def bookkeeping(thing: Any) -> frozenset[str]:
    """Return the attributes of an object that Torch and Keras set for themselves, and no result depends on."""
    if not isinstance(thing, nn.Module):
        return frozenset()
    import keras

    if not isinstance(thing, keras.Layer):
        return frozenset({"training"})
    return _keras_bookkeeping()


@functools.cache
def _keras_bookkeeping() -> frozenset[str]:
    import keras

    counted = keras_global("object_name_uids")
    drawn, names = random.getstate(), None if counted is None else dict(counted)
    inputs = keras.Input((1,))
    things = [keras.layers.Layer(), keras.Model(), keras.Sequential(), keras.Model(inputs, inputs * 1)]
    things[0].built = True
    random.setstate(drawn)
    if names is None:
        set_keras_global("object_name_uids", None)
    else:
        counted.clear()
        counted.update(names)
    own = {name for thing in things for name in vars(thing)} | {"optimizer", "history", "_eval_epoch_iterator"}
    return frozenset(own - {"_trainable", "_forward_hooks", "_forward_pre_hooks"})


def keeper(holder: Any, key: Any, thing: Any) -> Callable[[], None] | None:
    """Return what puts a copy of an iterator, made now, into its holder; None for all that is none."""
    kept = copied(thing)
    return None if kept is MISSING else functools.partial(holder.__setitem__, key, kept)


def ignored(value: object) -> None:
    """Do nothing with a value."""
    del value


OUTSIDE = {
    "time": "its Python reads the clock.",
    "datetime": "its Python reads the clock.",
    "secrets": "it draws random numbers from the system.",
    "uuid": "it draws random numbers from the system.",
    "urandom": "it draws random numbers from the system.",
    "SystemRandom": "it draws random numbers from the system.",
    "default_rng": "it makes a new random generator at each call.",
}
