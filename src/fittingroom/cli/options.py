"""Options that several commands share, each described once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from fittingroom.errors import UsageError

MOST_SEED = 2**32 - 1  # NumPy's and Keras's limit


def whole(least: int, most: int | None = None) -> Parameter:
    """Return what makes an option take whole numbers of a range, as they are written: 1.9 is none.

    Args:
        least: the smallest allowed.
        most: the largest allowed; None for no limit.

    Raises:
        UsageError: (when the option is read) anything else.
    """
    span = f"{least} or more" if most is None else f"{least} to {most}"

    def convert(type_: Any, tokens: Sequence[Token]) -> int:
        del type_
        text = tokens[0].value.strip()
        digits = text.removeprefix("-").removeprefix("+")
        if not (digits.isascii() and digits.isdigit()) or not least <= int(text) <= (most or int(text)):
            raise UsageError(f"{tokens[0].keyword}: expected a whole number, {span}, received {text}.")
        return int(text)

    return Parameter(converter=convert)


DatasetName = Annotated[
    str,
    Parameter(
        name=["--dataset", "-d"],
        help="A known dataset's name, or a file or folder of any form that data convert reads.",
    ),
]
DataDir = Annotated[
    Path | None, Parameter(name="--data-dir", help="Folder that holds the files; also FITTINGROOM_DATA.")
]
Out = Annotated[Path | None, Parameter(name="--out", help="The run folder itself; refused if it holds another run.")]
Seed = Annotated[
    int,
    Parameter(name="--seed", help="All random choices follow from it: the same seed gives the same run."),
    whole(0, MOST_SEED),
]
Epochs = Annotated[
    int | None, Parameter(name="--epochs", help="Epochs: passes through all the training images."), whole(1)
]
On = Annotated[
    str | None,
    Parameter(
        name="--on",
        help="Where: local or local:4 for worker processes, a Dask scheduler, tcp://10.0.0.1:8786, or slurm:FILE.toml "
        "(docs/many.md); in this process, one after another, if left out.",
    ),
]
Threads = Annotated[
    int | None,
    Parameter(name="--threads", help="Of the processor, for each; with --on a fair share of the cores, if left out."),
    whole(1, 1024),
]
Json = Annotated[bool, Parameter(name="--json", help="Print one JSON object on stdout and nothing else.")]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"], help="No words on the way, only the result.")]
Coverage = Annotated[
    float | None,
    Parameter(
        name="--coverage",
        help="Prediction sets, such as Coat or Pullover, this share of which holds the true class: 0.95. Calibrated on "
        "the images that a run held out.",
    ),
]
Pixels = Annotated[
    Literal["unit", "raw", "standard"] | None,
    Parameter(
        name="--pixels",
        help="What a model of your own was fitted on: 0 to 1, 0 to 255, or less their mean and divided by their "
        "standard deviation; found out if left out.",
    ),
]
ModelName = Annotated[
    str | None, Parameter(name=["--model", "-m"], help="A run folder, a .keras or .h5 file, or a shipped name.")
]
