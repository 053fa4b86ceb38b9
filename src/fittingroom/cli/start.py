"""What `fittingroom` alone says: where one is, and what to do first."""

from __future__ import annotations

import sys
from pathlib import Path

from fittingroom._version import __version__
from fittingroom.data import locate
from fittingroom.errors import FittingRoomError
from fittingroom.extras import install_line, is_clone, missing
from fittingroom.runs import ROOT, is_run
from fittingroom.words import counted, listed

DATASET = "fashion-mnist"
FOR = {"photos": "naming photos", "export": "writing ONNX files", "studio": "the studio"}  # extras, in words
FIRST = """First:  fittingroom tutorial           from the data to a trained network and a page with the results
Then:   fittingroom predict shirt.jpg  what is on a photo of your own
        fittingroom studio             all of it in a browser
        fittingroom doctor             what this machine has, to paste into a bug report"""


def welcome() -> str:
    """Return in a few plain lines which version this is, whether data and runs are here, and what to do first."""
    lines = [
        f"fittingroom {__version__}, {_where()}, Python {sys.version.split()[0]}.",
        f"Data:   {_data()}",
        f"Runs:   {_runs(ROOT)}",
        *_lacking(),
    ]
    return "\n".join([*lines, "", FIRST])


def _where() -> str:
    return f"from {Path(__file__).parents[3]}" if is_clone() else f"installed in {Path(__file__).parents[1]}"


def _data() -> str:
    """Return where the dataset is, in words; a folder that was named and lacks files is told too."""
    try:
        found = locate(DATASET)
    except (FittingRoomError, OSError) as error:
        return str(error)
    return f"{DATASET} in {found}" if found else f"{DATASET} is not on this machine yet; the tutorial gets it (30 MB)"


def _runs(root: Path) -> str:
    try:
        count = sum(is_run(folder) for folder in root.iterdir())
    except OSError:  # no such folder, or one that may not be read
        count = 0
    return f"{counted(count, 'run')} in {root.absolute()}" if count else f"none yet; they go to {root.absolute()}"


def _lacking() -> list[str]:
    lacking = [extra for extra in FOR if missing(extra)]
    if not lacking:
        return []
    return [f"Lacks:  what {listed([FOR[extra] for extra in lacking])} needs: {install_line(*lacking)}"]
