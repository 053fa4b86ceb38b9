"""What a model's Python remembers besides its weights: found by walking over it, compared, and put back.

A counter, a list of past activations, a random draw: whatever a forward pass reads and changes besides parameters and
buffers is lost in a recorded graph. It may lie in an attribute, in a list or an object within one, in a closure, in a
global variable, on a class. So all of it is looked at before and after a call.
"""

from __future__ import annotations

import array
import collections
import contextvars
import ctypes
import functools
import io
import random
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fittingroom.models.python_values import (
    ATOMS,
    MISSING,
    OUTSIDE,
    _same_items,
    bookkeeping,
    cell_value,
    code_of,
    copied,
    equal_tensors,
    ignored,
    is_iterator,
    is_keras_variable,
    is_own,
    is_trusted,
    iterator_state,
    keeper,
    names_in,
    package,
    same,
    same_deep,
    set_on_class,
    slots,
)
from fittingroom.private_apis import keras_global, set_keras_global

LARGEST_WALK = 200_000
"""Packages whose functions are known to keep nothing that a result depends on."""
NO_STATE_NAMES = "logging importlib inspect typing abc pathlib re threading concurrent asyncio warnings"
NO_STATE = frozenset(NO_STATE_NAMES.split())
"""Packages whose objects are not walked into."""
ENTRIES = frozenset({"forward", "call", "compute_loss", "backward", "setup_context"})
"""Where Torch and Keras enter a class; other methods are looked at once a function that is looked at names them."""
BY_NAME = frozenset(["getattr", "methodcaller", "eval", "exec", "vars", "__dict__", "__getattribute__"])
"""Where a function uses one of these, it may call any method without naming it."""
PYTHON, NUMPY, KERAS, TORCH = "Python's random", "NumPy's random", "Keras's own seed", "Torch's random"
UNLISTED = "a variable that the model does not list"

Is = Callable[[], bool]
Do = Callable[[], None]


class HiddenState:
    """All that some objects lead to and that is no code, as it was at one moment.

    Args:
        roots: what to walk over, by the names that messages begin with.
        known: tensors whose values may change, because they are looked after elsewhere: parameters and buffers.

    Attributes:
        own_code: whether there are functions or classes that are neither Torch's nor Keras's.
        outside: a reason, in words, why a call may differ from the last one although nothing that was found changes.
        fixed: the name of a thing that cannot be put back once it has changed, such as a generator; or None.
    """

    def __init__(self, roots: dict[str, Any], known: Iterable[Tensor] = ()) -> None:
        self.own_code = False
        self.outside: str | None = None
        self.fixed: str | None = None
        self._known = {id(tensor) for tensor in known}
        self._seen: dict[int, Any] = {}
        self._names: set[str] = set()
        self._all_methods = False
        self._methods: dict[str, list[tuple[str, Any]]] = {}
        self._records: list[tuple[str | Callable[[], str], Is, Do]] = []
        self._waiting: collections.deque[tuple[str, Any, Do | None]] = collections.deque()
        self._random = random_states()
        for name, root in roots.items():
            self._later(name, root)
        while self._waiting and len(self._seen) < LARGEST_WALK:
            self._visit(*self._waiting.popleft())
        if self._waiting:
            self.outside = "it holds more than can be compared at every call."

    def changed(self) -> str | None:
        """Return the name of the first thing that is no longer as it was, or None."""
        for name, is_same, _ in self._records:
            if not is_same():
                return name if isinstance(name, str) else name()
        return None

    def drawn(self) -> str | None:
        """Return in words whose random numbers have been drawn since, or None.

        Torch's are left out, since a graph may hold them; Python's too, since others draw from them as well: see
        ``FunctionalModel.draws``.
        """
        now = random_states()
        return next((words for words in (NUMPY, KERAS) if not self._random[words].is_now(now[words])), None)

    def put_back(self) -> None:
        """Bring everything back to how it was, random states too."""
        for _, is_same, restore in self._records:
            if not is_same():
                restore()
        for state in self._random.values():
            state.put_back()

    def _later(self, name: str, thing: Any, swap: Do | None = None) -> None:
        if not isinstance(thing, ATOMS):
            self._waiting.append((name, thing, swap))

    def _record(self, name: str | Callable[[], str], is_same: Is, restore: Do) -> None:
        self._records.append((name, is_same, restore))

    def _visit(self, name: str, thing: Any, swap: Do | None) -> None:
        if id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        for kinds, visit in VISITS:
            if isinstance(thing, kinds):
                visit(self, name, thing, swap)
                return
        if is_iterator(thing):
            self._iterator(name, thing, swap)
        else:
            self._object(name, thing)

    def _tensor(self, name: str, tensor: Tensor, swap: Do | None) -> None:
        del swap
        for kind in ("_backward_hooks", "_post_accumulate_grad_hooks"):
            self._later(f"{name}'s hooks", getattr(tensor, kind, None))
        if nn.parameter.is_lazy(tensor):
            return
        if id(tensor) in self._known:
            place = tensor.data_ptr()
            self._record(f"the memory of {name}", lambda: tensor.data_ptr() == place, lambda: None)
            return
        before = tensor.detach().clone()

        def restore() -> None:
            with torch.no_grad():
                tensor.data = before.clone()

        self._record(name, lambda: equal_tensors(before, tensor.detach()), restore)

    def _array(self, name: str, values: Any, swap: Do | None) -> None:
        del swap
        before = copy(values)
        self._record(name, lambda: bytes(values) == bytes(before), lambda: values.__setitem__(slice(None), before))

    def _ndarray(self, name: str, values: Any, swap: Do | None) -> None:
        del swap
        before = values.copy()
        if values.flags.writeable:
            self._record(name, lambda: values.tobytes() == before.tobytes(), lambda: values.__setitem__(..., before))

    def _dict(self, name: str, values: dict[Any, Any], swap: Do | None) -> None:
        del swap
        self._mapping(name, values, skip=frozenset(), shown=lambda key: f"{name}[{key!r}]"[:80])

    def _mapping(self, name: str, values: dict[Any, Any], skip: frozenset[str], shown: Callable[[Any], str]) -> None:
        before = {key: value for key, value in dict.items(values) if key not in skip}

        def now() -> dict[Any, Any]:
            return {key: value for key, value in dict.items(values) if key not in skip}

        def differing() -> str:
            found = now()
            keys = [key for key in (*before, *found) if not same(before.get(key, MISSING), found.get(key, MISSING))]
            return shown(keys[0]) if keys else name

        def is_same() -> bool:
            found = now()
            return list(found) == list(before) and all(map(same, before.values(), found.values()))

        def restore() -> None:
            kept = {key: value for key, value in dict.items(values) if key in skip}
            dict.clear(values)
            dict.update(values, {**kept, **before})

        self._record(differing, is_same, restore)
        for key, value in before.items():
            self._later(shown(key), value, keeper(values, key, value))

    def _list(self, name: str, values: list[Any], swap: Do | None) -> None:
        del swap
        before = list(values)

        def is_same() -> bool:
            return len(values) == len(before) and all(map(same, before, values))

        self._record(name, is_same, lambda: list.__setitem__(values, slice(None), before))
        for index, value in enumerate(before):
            self._later(f"{name}[{index}]", value, keeper(values, index, value))

    def _deque(self, name: str, values: collections.deque[Any], swap: Do | None) -> None:
        del swap
        before = list(values)

        def restore() -> None:
            values.clear()
            values.extend(before)

        self._record(name, lambda: len(values) == len(before) and all(map(same, before, values)), restore)
        for index, value in enumerate(before):
            self._later(f"{name}[{index}]", value)

    def _set(self, name: str, values: Any, swap: Do | None) -> None:
        del swap
        before = set(values)

        def restore() -> None:
            set.clear(values)
            set.update(values, before)

        self._record(name, lambda: set(values) == before, restore)
        for value in before:
            self._later(name, value)

    def _tuple(self, name: str, values: Any, swap: Do | None) -> None:
        del swap
        for index, value in enumerate(values):
            self._later(f"{name}[{index}]", value)

    def _generator(self, name: str, generator: Any, swap: Do | None) -> None:
        del swap
        state = random_state_of(generator)
        self._record(name, lambda: state.is_now(random_state_of(generator)), state.put_back)

    def _box(self, name: str, box: Any, swap: Do | None) -> None:
        del swap
        before = box.value
        self._record(name, lambda: same(before, box.value), lambda: setattr(box, "value", before))

    def _context(self, name: str, variable: contextvars.ContextVar[Any], swap: Do | None) -> None:
        del swap
        before = variable.get(MISSING)
        self._record(name, lambda: same(before, variable.get(MISSING)), lambda: ignored(variable.set(before)))
        self._later(name, before)

    def _text(self, name: str, file: Any, swap: Do | None) -> None:
        del swap
        text, place = file.getvalue(), file.tell()

        def restore() -> None:
            file.seek(0)
            file.truncate()
            file.write(text)
            file.seek(place)

        self._record(name, lambda: file.getvalue() == text and file.tell() == place, restore)

    def _reference(self, name: str, reference: Any, swap: Do | None) -> None:
        del swap
        self._later(name, reference())

    def _iterator(self, name: str, iterator: Any, swap: Do | None) -> None:
        before = iterator_state(iterator)
        if before is None:  # a generator: its place can be read, in a way, but not set
            self.fixed = self.fixed or name
            frame = getattr(iterator, "gi_frame", None)
            last = getattr(frame, "f_lasti", None)
            seen = dict(getattr(frame, "f_locals", {}))

            def is_same() -> bool:
                now = getattr(iterator, "gi_frame", None)
                if now is None or last is None:
                    return now is frame
                return bool(now.f_lasti == last and _same_items(seen, now.f_locals))

            self._record(name, is_same, lambda: None)
            return
        self._record(name, lambda: same_deep(before, iterator_state(iterator)), swap or (lambda: None))

    def _function(self, name: str, function: Any, swap: Do | None) -> None:
        del name, swap
        if is_trusted(function):
            return
        self.own_code = True
        for cell, free in zip(function.__closure__ or (), function.__code__.co_freevars, strict=True):
            self._slot(free, functools.partial(cell_value, cell), functools.partial(setattr, cell, "cell_contents"))
        self._later(f"the defaults of {function.__name__}", function.__defaults__)
        self._later(f"the defaults of {function.__name__}", function.__kwdefaults__)
        if vars(function):
            self._dict(f"the attributes of {function.__name__}", vars(function), None)
        space, names = function.__globals__, set(names_in(function.__code__))
        for word in sorted(set(self._methods) if names & BY_NAME else names):
            self._release(word)
        self._all_methods = self._all_methods or bool(names & BY_NAME)
        for word in sorted(names):
            if word in space:
                self._global(word, space, names)
        self.outside = self.outside or next((OUTSIDE[word] for word in sorted(names & set(OUTSIDE))), None)

    def _global(self, word: str, space: dict[str, Any], names: set[str]) -> None:
        value = space[word]
        self._slot(word, functools.partial(space.get, word, MISSING), functools.partial(space.__setitem__, word))
        if isinstance(value, types.ModuleType):
            inner = vars(value)
            for attribute in sorted(names & set(inner)):
                if isinstance(inner[attribute], ATOMS) or is_own(value):
                    self._slot(
                        f"{word}.{attribute}",
                        functools.partial(inner.get, attribute, MISSING),
                        functools.partial(inner.__setitem__, attribute),
                    )

    def _slot(self, name: str, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
        before = get()
        self._record(name, lambda: same(before, get()), lambda: put(before))
        if before is not MISSING:
            kept = copied(before)
            self._later(name, before, None if kept is MISSING else lambda: put(kept))

    def _release(self, word: str) -> None:
        """Look at the methods of a name, now that a function names it; those of classes still to come too."""
        self._names.add(word)
        for name, method in self._methods.pop(word, ()):
            self._later(name, method)

    def _wrapped(self, name: str, thing: Any, swap: Do | None) -> None:
        del swap
        self._later(name, thing.__wrapped__)

    def _class(self, name: str, kind: type, swap: Do | None) -> None:
        del name, swap
        if is_trusted(kind):
            return
        self.own_code = True
        for base in kind.__mro__:
            if is_trusted(base):
                continue
            for word, value in list(vars(base).items()):
                if word.startswith("__") and not callable(value):
                    continue
                self._class_attribute(base, word, value)

    def _class_attribute(self, kind: type, word: str, value: Any) -> None:
        name = f"{kind.__name__}.{word}"
        code = code_of(value)
        if not code:
            self._slot(name, lambda: vars(kind).get(word, MISSING), functools.partial(set_on_class, kind, word))
        for function in code:
            starts = (
                self._all_methods
                or word in ENTRIES
                or word in self._names
                or (word.startswith("__") and word != "__init__")
            )
            if starts or not isinstance(value, types.FunctionType):
                self._later(name, function)
            else:
                self._methods.setdefault(word, []).append((name, function))

    def _method(self, name: str, method: Any, swap: Do | None) -> None:
        del swap
        self._later(name, method.__func__)
        self._later(name, method.__self__)

    def _partial(self, name: str, part: Any, swap: Do | None) -> None:
        del swap
        for thing in (part.func, part.args, part.keywords):
            self._later(name, thing)

    def _object(self, name: str, thing: Any) -> None:
        kind = type(thing)
        if package(kind) in NO_STATE or isinstance(thing, types.ModuleType):
            return
        if is_keras_variable(thing):
            name = f"{UNLISTED}, {name}"
        self._later(kind.__name__, kind)
        attributes = getattr(thing, "__dict__", None)
        if type(attributes) is dict:
            self._mapping(
                name,
                attributes,
                skip=bookkeeping(thing),
                shown=lambda key: f"{name}.{key}"[:80],
            )
        for word in slots(kind):
            self._slot(
                f"{name}.{word}",
                functools.partial(getattr, thing, word, MISSING),
                functools.partial(setattr, thing, word),
            )


class RandomState:
    """The state of one random generator, and how to bring it back."""

    def __init__(self, value: Any, put: Callable[[Any], Any]) -> None:
        self.value, self._put = value, put

    def is_now(self, other: RandomState) -> bool:
        """Say whether another state is the same."""
        return same_deep(self.value, other.value)

    def put_back(self) -> None:
        """Bring the generator back to this state."""
        if self.value is not MISSING:
            self._put(self.value)


def random_states() -> dict[str, RandomState]:
    """Return the states of the generators that anyone may draw from without holding one."""
    states = {
        PYTHON: RandomState(random.getstate(), random.setstate),
        NUMPY: RandomState(np.random.get_state(), np.random.set_state),
        TORCH: RandomState(torch.get_rng_state(), torch.set_rng_state),
        KERAS: _keras_seed(),
    }
    if torch.cuda.is_available():
        states["Torch's random on CUDA"] = RandomState(torch.cuda.get_rng_state(), torch.cuda.set_rng_state)
    return states


def _keras_seed() -> RandomState:
    generator = keras_global("global_seed_generator")
    if generator is None:
        return RandomState(None, lambda _: set_keras_global("global_seed_generator", None))
    value = generator.state.value
    return RandomState(value.detach().clone(), lambda old: generator.state.assign(old))


def random_state_of(generator: Any) -> RandomState:
    """Return the state of a generator of Python's, NumPy's or Torch's."""
    if isinstance(generator, random.Random):
        return RandomState(generator.getstate(), generator.setstate)
    if isinstance(generator, torch.Generator):
        return RandomState(generator.get_state(), generator.set_state)
    if isinstance(generator, np.random.RandomState):
        return RandomState(generator.get_state(), generator.set_state)
    bits = generator.bit_generator if isinstance(generator, np.random.Generator) else generator
    return RandomState(bits.state, lambda old: setattr(bits, "state", old))


VISITS: tuple[tuple[Any, Callable[..., None]], ...] = (
    (Tensor, HiddenState._tensor),
    (np.ndarray, HiddenState._ndarray),
    ((bytearray, array.array), HiddenState._array),
    (dict, HiddenState._dict),
    (list, HiddenState._list),
    (collections.deque, HiddenState._deque),
    (set, HiddenState._set),
    ((tuple, frozenset), HiddenState._tuple),
    (types.FunctionType, HiddenState._function),
    (types.MethodType, HiddenState._method),
    (functools.partial, HiddenState._partial),
    (type, HiddenState._class),
    (
        (random.Random, torch.Generator, np.random.Generator, np.random.RandomState, np.random.BitGenerator),
        HiddenState._generator,
    ),
    (ctypes._SimpleCData, HiddenState._box),
    (contextvars.ContextVar, HiddenState._context),
    ((io.StringIO, io.BytesIO), HiddenState._text),
    (weakref.ref, HiddenState._reference),
    (functools._lru_cache_wrapper, HiddenState._wrapped),
)


@contextmanager
def unmoved(roots: dict[str, Any], tensors: Iterable[Tensor]) -> Iterator[HiddenState]:
    """Leave all that a model remembers, its buffers and all random states after the block as they were before it.

    Args:
        roots: as for ``HiddenState``.
        tensors: parameters and buffers.
    """
    known = tuple(tensors)
    state = HiddenState(roots, known)
    before = [tensor.detach().clone() for tensor in known]
    try:
        yield state
    finally:
        state.put_back()
        with torch.no_grad():
            for tensor, value in zip(known, before, strict=True):
                if not equal_tensors(tensor.detach(), value):
                    tensor.data = value
