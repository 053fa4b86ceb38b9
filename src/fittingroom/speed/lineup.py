"""Who takes part in a race: each contender's command and surroundings."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fittingroom.data import FILE_NAMES, load, write_idx
from fittingroom.speed.contenders import CONTENDERS, JOBS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


LEVEL = 6  # gzip's own default


def fill(folder: Path) -> Path:
    """Write the four gzipped IDX files where ``keras.datasets.fashion_mnist`` looks for them.

    Args:
        folder: what KERAS_HOME is to be.

    Returns:
        The folder.
    """
    data = load()
    target = folder / "datasets" / "fashion-mnist"
    target.mkdir(parents=True, exist_ok=True)
    arrays = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    for name, array in zip(FILE_NAMES, arrays, strict=True):
        plain = target / name
        write_idx(plain, array)
        (target / f"{name}.gz").write_bytes(gzip.compress(plain.read_bytes(), LEVEL))
        plain.unlink()
    return folder


ELSEWHERE = {"keras-fit-jax": "jax", "keras-fit-tensorflow": "tensorflow"}  # contender: its backend and environment
FIT_SCRIPT, WHOLE_SCRIPT = "fit_elsewhere.py", "walkthrough_script.py"
KEPT = "-kept-memory"  # a peer with the allocator's setting that our trainer makes for itself, see training/heap.py
KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(1 << 30)}
OMP_SPIN_COUNT = "300000"  # GNU OpenMP's own default; `import fittingroom` sets less, which is not for rivals to bear


@dataclass(frozen=True)
class Contender:
    """Something that can be started and timed.

    Attributes:
        name: in the table.
        command: words of the command line.
        environment: all variables of its process.
        turns: how often it takes part; None for every time.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    turns: int | None = None


@dataclass(frozen=True)
class Places:
    """Where things outside the package are.

    Attributes:
        scripts: folder of peer scripts, ``benchmarks`` of a clone.
        environments: folder of virtual environments, one a name, made by ``make bench-peers``.
        keras_home: a folder for KERAS_HOME that holds the data; see ``keras_home.fill``.
    """

    scripts: Path
    environments: Path
    keras_home: Path

    def interpreter(self, name: str) -> Path | None:
        """Return the Python of an environment, or None where it has not been made."""
        path = self.environments.absolute() / name / "bin" / "python"
        return path if path.exists() else None


def versions_elsewhere(places: Places) -> dict[str, str]:
    """Return the version of each backend that has an environment of its own, as its interpreter tells it."""
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    packages = {"jax": "jax", "tensorflow": "tensorflow-cpu"}
    return {
        backend: subprocess.run(
            [python, "-c", code, package], capture_output=True, text=True, check=True
        ).stdout.strip()
        for backend, package in packages.items()
        if (python := places.interpreter(backend)) is not None
    }


def find_peers(folder: Path) -> dict[str, Path]:
    """Return the peer scripts in a folder, ``peer_NAME.py``, by name with dashes; none where it is missing."""
    return {path.stem.removeprefix("peer_").replace("_", "-"): path for path in sorted(folder.glob("peer_*.py"))}


def epoch_contenders(job: str, places: Places) -> list[Contender]:
    """Return who trains the job's network: ours, the rivals of its bars, peers, and ``model.fit`` elsewhere.

    Args:
        job: a key of `JOBS`.
        places: where peers and environments are; what is missing there does not take part.
    """
    task = [job, str(JOBS[job].epochs)]
    named = [name for name in CONTENDERS if name in (JOBS[job].contender, *JOBS[job].bars)]
    rivals = ("keras-fit", "floor")
    own = [
        _contender(
            name, [sys.executable, "-m", "fittingroom.speed.contenders", name, *task], "torch", name not in rivals
        )
        for name in named
    ]
    if JOBS[job].contender != "ours":
        return own
    peers = [
        _contender(name + ending, [sys.executable, str(path), *task], "torch", more=more)
        for name, path in find_peers(places.scripts).items()
        for ending, more in (("", {}), (KEPT, KEPT_MEMORY))
    ]
    return [*own, *peers, *_elsewhere(places, task)]


def _elsewhere(places: Places, task: list[str]) -> list[Contender]:
    script = places.scripts / FIT_SCRIPT
    home = {"KERAS_HOME": str(places.keras_home)}
    return [
        _contender(name, [str(python), str(script), *task], backend, more=home, turns=1)
        for name, backend in ELSEWHERE.items()
        if (python := places.interpreter(backend)) is not None and script.exists()
    ]


def whole_contenders(places: Places, out: Path) -> list[Contender]:
    """Return who does the walk-through as a whole, from a cold process: our commands, and plain Keras scripts.

    Our commands run in the environment ``core`` where there is one: what ``make run`` installs, without what only
    developers need, some of which Keras would import.

    Args:
        places: where scripts and environments are; what is missing there does not take part.
        out: a folder for runs.
    """
    python = str(places.interpreter("core") or sys.executable)
    commands = {
        "fittingroom-train": ["train", "--out", str(out / "train")],
        "fittingroom-tutorial": ["tutorial", "--out", str(out / "tutorial")],
    }
    own = [_contender(name, [python, "-m", "fittingroom", *words], "torch", True) for name, words in commands.items()]
    script, home = places.scripts / WHOLE_SCRIPT, {"KERAS_HOME": str(places.keras_home)}
    pythons = {backend: places.interpreter(backend) for backend in ELSEWHERE.values()} | {"torch": Path(python)}
    scripts = [
        _contender(f"keras-script-{backend}", [str(path), str(script)], backend, more=home)
        for backend, path in pythons.items()
        if path is not None and script.exists()
    ]
    return [*own, *scripts]


def _contender(
    name: str,
    command: Sequence[str],
    backend: str,
    ours: bool = False,
    more: Mapping[str, str] | None = None,
    turns: int | None = None,
) -> Contender:
    spinning = {} if ours else {"GOMP_SPINCOUNT": OMP_SPIN_COUNT}
    environment = {**os.environ, "KERAS_BACKEND": backend, **spinning, **(more or {})}
    return Contender(name, tuple(command), environment, turns)
