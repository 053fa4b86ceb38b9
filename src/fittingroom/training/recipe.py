"""The recipe: every knob of the training in one table that serves Python, the command line and TOML."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fittingroom.errors import UsageError
from fittingroom.files import read_toml
from fittingroom.lookup import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping


AUTO = "auto"
Auto = Literal["auto"]  # the value of a setting whose default depends on another setting, or on the machine


def knob(
    default: Any,
    words: str,
    *,
    unit: str = "",
    choices: tuple[str, ...] = (),
    least: float | int | None = None,
    most: float | int | None = None,
) -> Any:
    """Declare one field of the recipe with all that a person needs to know of it.

    Args:
        default: its value where nobody says otherwise; ``None`` means off, ``"auto"`` that `resolved` decides.
        words: one sentence of help.
        unit: of the value: "epochs", "pixels"; empty for a bare number or a word.
        choices: the words that are allowed; empty for numbers and switches.
        least: the smallest value allowed.
        most: the largest value allowed.
    """
    metadata = {"help": words, "unit": unit, "choices": choices, "least": least, "most": most}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: frozen, checked when made, the same from Python, ``--set`` and TOML.

    The defaults are the walk-through's: RMSprop at 0.001, five epochs, batches of 128, no augmentation.
    ``RMSprop``, ``Adam`` and ``SGD`` mean Keras's formulae and Keras's defaults.

    Raises:
        UsageError: a value of the wrong type, outside its range or not among its choices.

    Example:
        >>> Recipe(epochs=10).replace(optimizer="sgd", learning_rate=0.05).learning_rate
        0.05
    """

    model: str | None = knob(None, "The architecture, where none is given: a name of `fittingroom models list`.")
    epochs: int = knob(5, "How often every training image is seen.", unit="epochs", least=1)
    batch_size: int = knob(128, "Images a step; the last batch of an epoch may be smaller.", unit="images", least=1)
    optimizer: str = knob(
        "rmsprop",
        "The update rule, with Keras's formulae; muon orthogonalises the updates of kernels and is adam for the rest.",
        choices=("rmsprop", "adam", "adamw", "sgd", "muon"),
    )
    learning_rate: float | Auto = knob(
        AUTO, "Size of an update; auto is Keras's default: 0.01 for sgd, 0.02 for muon, 0.001 for the rest.", least=0
    )
    momentum: float | Auto = knob(
        AUTO,
        "Share of the last update that is kept; used by sgd and muon; auto is 0.95 for muon, else 0.",
        least=0,
        most=1,
    )
    nesterov: bool = knob(False, "Look ahead along the momentum; used by sgd.")
    weight_decay: float | Auto = knob(
        AUTO,
        "Share of every weight taken off a step, times the learning rate; auto is 0.004 for adamw, else 0.",
        least=0,
    )
    schedule: str = knob(
        "constant",
        "How the learning rate goes over the training; linear and cosine end at zero.",
        choices=("constant", "linear", "cosine", "one_cycle"),
    )
    warmup: float = knob(0.0, "Epochs over which the learning rate first rises from zero.", unit="epochs", least=0)
    whiten: bool = knob(
        False, "Set the first convolution to filters that whiten patches of the training images, and freeze it."
    )
    label_smoothing: float = knob(0.0, "Share of the target spread evenly over all classes.", least=0, most=1)
    gradient_clip: float | None = knob(None, "Largest norm of all gradients together; none means no limit.", least=0)
    averaging: str = knob(
        "none",
        "Average the weights over the steps: ema uses the average at the end, lookahead trains on from it.",
        choices=("none", "ema", "lookahead"),
    )
    averaging_decay: float | Auto = knob(
        AUTO,
        "Share of the average that is kept at each averaging; auto is 0.99, or 0.5 for lookahead.",
        least=0,
        most=1,
    )
    averaging_every: int | Auto = knob(
        AUTO, "Steps between two averagings; auto is 1, or 6 for lookahead.", unit="steps", least=1
    )
    flip: str = knob(
        "none",
        "Mirror left to right: each image by chance, or all of them on every second epoch.",
        choices=("none", "random", "alternating"),
    )
    translate: int = knob(0, "Largest shift in each direction; the gap is filled with 0.", unit="pixels", least=0)
    cutout: int = knob(0, "Side of the square that is blanked in every image.", unit="pixels", least=0)
    mixup: float = knob(0.0, "Strength of blending two images (alpha of the beta distribution).", least=0)
    cutmix: float = knob(0.0, "Strength of pasting a patch of another image (alpha of the beta distribution).", least=0)
    imitate_photos: float = knob(
        0.0,
        "How far images are made to look like photos, cut out: turned, bent, unevenly lit, damaged.",
        least=0,
        most=1,
    )
    pairs: str = knob(
        "", "Labels of articles worn in pairs, as in 5,7,9; used by imitate_photos: they lie about, alone or in twos."
    )
    pixels: str = knob(
        "unit", "What the model is fed: 0..1, or 0..255 for a model that scales for itself.", choices=("unit", "raw")
    )
    trace: bool = knob(True, "Trace the step once and replay it; false runs every step eagerly.")
    device: str = knob(
        AUTO,
        "Where to train; auto is a CUDA card where there is one, else cpu; mps is Apple's GPU.",
        choices=(AUTO, "cpu", "cuda", "mps"),
    )

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            object.__setattr__(self, entry.name, checked(entry, getattr(self, entry.name)))

    def replace(self, **changes: Any) -> Recipe:
        """Return a recipe with some values changed.

        Raises:
            UsageError: an unknown name, with a close one suggested, or a value that does not fit.
        """
        values = {name: checked(_field(name), value) for name, value in changes.items()}
        return dataclasses.replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """Return every value by name, in the order of the table."""
        return dataclasses.asdict(self)

    def differences(self, base: Recipe | None = None) -> dict[str, Any]:
        """Return the settings in which this recipe differs from another, or from the defaults, with its own values."""
        other = (base or Recipe()).as_dict()
        return {name: value for name, value in self.as_dict().items() if value != other[name]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe with these values and the defaults for the rest, also for a value of None.

        What is off or left to us was None in what runs kept before there was the word ``auto``.

        Raises:
            UsageError: an unknown name or a value that does not fit.
        """
        return cls().replace(**{name: value for name, value in values.items() if value is not None})

    @classmethod
    def from_toml(cls, path: str | Path) -> Recipe:
        """Read a recipe from a TOML file of ``name = value`` lines.

        Raises:
            UsageError: the file is missing or not TOML, or holds an unknown name or a value that does not fit.
        """
        values = read_toml(Path(path), raises=UsageError)
        try:
            return cls.from_dict(values)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from None

    def to_toml(self) -> str:
        """Return the recipe as TOML; what is off is left out.

        Example:
            >>> print(Recipe().to_toml().splitlines()[0])
            epochs = 5
        """
        import tomli_w

        return tomli_w.dumps({name: value for name, value in self.as_dict().items() if value is not None})


def _field(name: str) -> dataclasses.Field[Any]:
    for entry in dataclasses.fields(Recipe):
        if entry.name == name:
            return entry
    raise UsageError(f"Unknown recipe setting '{name}'. {suggest(name, [e.name for e in dataclasses.fields(Recipe)])}")


def checked(entry: dataclasses.Field[Any], value: Any) -> Any:
    """Return the value in its field's type, or say what was expected.

    Raises:
        UsageError: the value does not fit the field.
    """
    value = value.item() if isinstance(value, np.generic) else value
    kind, _, other = str(entry.type).partition(" | ")
    if (value is None and other == "None") or (isinstance(value, str) and value == AUTO and other == "Auto"):
        return value
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number that is larger than any float is refused below
            value = float(value)
    if type(value).__name__ != kind or not _allowed(entry, value):
        raise UsageError(f"Recipe setting '{entry.name}': expected {expectation(entry)}, received {value!r}.")
    return value


def _allowed(entry: dataclasses.Field[Any], value: Any) -> bool:
    choices, least, most = (entry.metadata[key] for key in ("choices", "least", "most"))
    if choices:
        return value in choices
    if isinstance(value, str | bool):
        return True
    return bool((least is None or value >= least) and (most is None or value <= most) and value < float("inf"))


KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a word"}


def expectation(entry: dataclasses.Field[Any]) -> str:
    """Return in words what a field takes.

    Example:
        >>> expectation(_field("batch_size"))
        'a whole number, at least 1'
    """
    kind, _, other = str(entry.type).partition(" | ")
    choices = entry.metadata["choices"]
    words = "one of " + ", ".join(choices) if choices else KINDS[kind]
    least, most = entry.metadata["least"], entry.metadata["most"]
    if most is not None:
        words += f", {least:g} to {most:g}"
    elif least is not None:
        words += f", at least {least:g}"
    return words + {"": "", "None": ", or none for off", "Auto": ", or auto"}[other]


def parse_setting(text: str) -> tuple[str, Any]:
    """Read one ``name=value`` of the command line.

    Args:
        text: as in ``--set learning_rate=0.05``; ``none`` turns a setting off that can be off; ``lr`` is short for the
            learning rate.

    Returns:
        The name and the value in its type.

    Raises:
        UsageError: no ``=``, an unknown name, or a value that does not fit.

    Example:
        >>> parse_setting("lr=0.05")
        ('learning_rate', 0.05)
    """
    name, equals, raw = text.partition("=")
    if not equals:
        raise UsageError(f"Expected name=value, received '{text}'. Example: --set learning_rate=0.05.")
    entry = _field({"lr": "learning_rate"}.get(name.strip(), name.strip()))
    return entry.name, checked(entry, _parsed(str(entry.type), raw.strip()))


def _parsed(kind: str, raw: str) -> Any:
    """Return the text as the field's type where it can be read so, else as it is."""
    if raw.casefold() == "none" and kind.endswith("None"):
        return None
    if raw.casefold() == AUTO:
        return AUTO
    if kind.startswith("bool"):
        return {"true": True, "false": False, "on": True, "off": False}.get(raw.casefold(), raw)
    try:
        return int(raw) if kind.startswith("int") else float(raw) if kind.startswith("float") else raw
    except ValueError:
        return raw


DEFAULT_LEARNING_RATES = {"sgd": 0.01, "muon": 0.02}
DEFAULT_MOMENTUMS = {"muon": 0.95}
DEFAULT_WEIGHT_DECAYS = {"adamw": 0.004}
DEFAULT_AVERAGING = {"lookahead": (0.5, 6)}  # of share and steps; with those of ema lookahead would hardly move


def resolved(recipe: Recipe) -> Recipe:
    """Return the recipe with what is ``auto`` written out, but for the device.

    Example:
        >>> resolved(Recipe(optimizer="sgd")).learning_rate
        0.01
    """
    share, steps = DEFAULT_AVERAGING.get(recipe.averaging, (0.99, 1))
    defaults = {
        "learning_rate": DEFAULT_LEARNING_RATES.get(recipe.optimizer, 0.001),
        "momentum": DEFAULT_MOMENTUMS.get(recipe.optimizer, 0.0),
        "weight_decay": DEFAULT_WEIGHT_DECAYS.get(recipe.optimizer, 0.0),
        "averaging_decay": share,
        "averaging_every": steps,
    }
    return recipe.replace(**{name: value for name, value in defaults.items() if getattr(recipe, name) == AUTO})
