"""The only place that picks backend, device and threads, and says why."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import ModelError
from fittingroom.words import listed

if TYPE_CHECKING:
    from types import ModuleType


BACKEND = "torch"
SPIN_COUNT = "2000"
MODULE = "module://"  # how Matplotlib is told of a backend that is not its own
WINDOWLESS = "agg"
NUMPY_2 = "__array__ implementation doesn't accept a copy keyword"


def prefer_torch() -> None:
    """Set ``KERAS_BACKEND=torch`` where it is unset and Keras is not yet imported.

    Called by ``import fittingroom``: plain Keras without TensorFlow would not even import.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", BACKEND)


def without_missing_plot_backend() -> None:
    """Let Matplotlib draw without a window where ``MPLBACKEND`` names a package that this Python lacks, and say so.

    A notebook's cell hands its own backend down to what is started from it, where it may be missing; importing
    Matplotlib then fails. It counts only before Matplotlib is imported; the first use of
    a public name calls it. The command line, which opens no window, sets a backend itself.

    Warns:
        UserWarning: what was set, and what is used instead.
    """
    wanted = os.environ.get("MPLBACKEND", "")
    if "matplotlib" in sys.modules or not wanted.startswith(MODULE):
        return
    package = wanted.removeprefix(MODULE).partition(".")[0]
    if package and find_spec(package) is None:
        os.environ["MPLBACKEND"] = WINDOWLESS
        words = f"MPLBACKEND={wanted} names a package that is not installed here; plots are drawn by '{WINDOWLESS}'."
        warnings.warn(words, stacklevel=3)


def share_the_cores() -> None:
    """Let torch's threads sleep soon where they wait for each other, unless the user has said how they are to wait.

    GNU OpenMP spins for millions of rounds by default. That is harmless alone, but where another process wants the same
    cores the spinning keeps the very thread away that is waited for: two trainings at once on two cores took ten times
    as long and more (docs/design-notes.md). It counts only before torch is imported; `import fittingroom` calls it.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)


def import_keras() -> ModuleType:
    """Import Keras and return it, or say why it cannot be used.

    Raises:
        ModelError: Keras is there with another backend.
    """
    prefer_torch()
    wanted = os.environ.get("KERAS_BACKEND")
    if "keras" not in sys.modules and wanted != BACKEND:
        raise ModelError(
            f"fittingroom needs Keras on the {BACKEND} backend, but KERAS_BACKEND={wanted}. "
            f"Set KERAS_BACKEND={BACKEND} or unset it."
        )
    import keras

    # Keras's variables do not know the argument that NumPy 2 asks arrays with; where warnings are errors, every reading
    # of one would end in a traceback. Asked for at each call: a test or a notebook may have set its own filters since
    warnings.filterwarnings("ignore", NUMPY_2, DeprecationWarning, module=r"keras\.")
    actual = keras.backend.backend()
    if actual != BACKEND:
        raise ModelError(
            f"fittingroom needs Keras on the {BACKEND} backend, but Keras was already imported with '{actual}'. "
            f"Set KERAS_BACKEND={BACKEND}, or import fittingroom before keras, in a new process."
        )
    return keras  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Device:
    """Where the work is done, and why there.

    Attributes:
        name: torch's word: "cpu", "cuda" or "mps".
        title: the processor or card, in words.
        threads: how many threads torch uses.
        reason: why this device and that many threads.
    """

    name: str
    title: str
    threads: int
    reason: str


CARDS = {"cuda": "a CUDA card", "mps": "Apple's GPU"}  # by torch's word


def devices_here() -> tuple[str, ...]:
    """Return torch's words for the devices of this machine, the processor first."""
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return tuple(name for name, is_there in there.items() if is_there)


def choose_device(wanted: str | None = None) -> Device:
    """Pick the device: the one asked for, else a CUDA card where there is one, else the processor.

    Args:
        wanted: "cpu", "cuda", "mps", or None to decide; Apple's GPU ("mps") is used only where it is asked for.

    Raises:
        ModelError: a device was asked for that is not there; says which are.
    """
    import torch

    here = devices_here()
    if wanted is not None and wanted not in here:
        noun = "CUDA device" if wanted == "cuda" else f"device '{wanted}'"
        raise ModelError(
            f"Expected a {noun}, found none. There is {listed(here)} on this machine: use one of these, or leave the "
            "device out."
        )
    has_cuda = "cuda" in here
    threads = torch.get_num_threads()
    thread_reason = "OMP_NUM_THREADS" if "OMP_NUM_THREADS" in os.environ else "one a core, torch's own choice"
    if wanted == "cuda" or (wanted is None and has_cuda):
        return Device(
            "cuda", torch.cuda.get_device_name(), threads, "asked for" if wanted else f"{CARDS['cuda']} is there"
        )
    if wanted == "mps":
        return Device("mps", f"{CARDS['mps']} ({processor_name()})", threads, "asked for")
    reason = "asked for" if wanted else "no CUDA card"
    return Device("cpu", processor_name(), threads, f"{reason}; threads: {thread_reason}")


def processor_name() -> str:
    """Return the processor's name as the system gives it, or the architecture where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


PACKAGES = ("fittingroom", "keras", "torch", "numpy", "matplotlib", "pooch", "cyclopts", "rich")


def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str | None]:
    """Return the installed version of each package, None where it is missing; nothing is imported.

    Example:
        >>> versions(("no-such-package",))
        {'no-such-package': None}
    """
    return {package: _version(package) for package in packages}


def _version(package: str) -> str | None:
    from importlib import metadata  # slow to import, and most commands do without

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@cache
def package_digest() -> str:
    """Return eight hex digits that stand for this package's source: two clones of one version may differ.

    It is read once: a process goes on with the source that it began with.
    """
    digest, folder = hashlib.sha256(), Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def describe(*, wanted: str | None = None, **facts: Any) -> dict[str, Any]:
    """Return what ``environment.json`` holds.

    Args:
        wanted: the device that was asked for, or None.
        facts: what else belongs there: dataset, fingerprint, seed.
    """
    device = choose_device(wanted)
    return {
        "schema": "fittingroom/environment/1",
        **facts,
        "versions": versions(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": device.title,
        "device": device.name,
        "threads": device.threads,
        "device_reason": device.reason,
    }
