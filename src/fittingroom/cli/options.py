"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

DatasetName = Annotated[
    str, Parameter(name=["--dataset", "-d"], help="A known dataset's name, or a folder with four IDX files.")
]
DataDir = Annotated[
    Path | None, Parameter(name="--data-dir", help="Folder that holds the files; also FITTINGROOM_DATA.")
]
Out = Annotated[Path | None, Parameter(name="--out", help="The run folder itself; refused if it holds another run.")]
Seed = Annotated[int, Parameter(name="--seed", help="Of the starting weights and the order of the images.")]
Epochs = Annotated[int | None, Parameter(name="--epochs", help="Times that each training image is seen.")]
Json = Annotated[bool, Parameter(name="--json", help="Print one JSON object on stdout and nothing else.")]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"], help="No words on the way, only the result.")]
ModelName = Annotated[
    str | None, Parameter(name=["--model", "-m"], help="A run folder, a .keras file, or a shipped name.")
]
