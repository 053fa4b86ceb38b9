"""What only some commands need, and the one line that installs it.

The line names the packages themselves: so it is the same in a clone, beside a wheel and in a notebook, wherever it is
run, and needs no index that has fittingroom.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

EXTRAS: dict[str, tuple[str, ...]] = {  # the extras of pyproject.toml that a user may need
    "studio": ("fastapi", "uvicorn"),
    "serve": (
        *("fastapi", "httptools", "onnxruntime", "opencv-python-headless", "pillow-heif", "prometheus-client"),
        *("python-multipart", "uvicorn"),
    ),
    "photos": ("onnxruntime", "opencv-python-headless", "pillow-heif"),
    "export": ("onnx", "onnxruntime", "onnxscript"),
    "map": ("umap-learn",),
    "formats": ("pyarrow", "scipy"),
    "sklearn": ("scikit-learn",),
    "audit": ("cleanlab",),
    "explain": ("captum",),
    "cluster": ("bokeh", "distributed"),
    "slurm": ("bokeh", "dask-jobqueue", "distributed"),
    "sweep": ("optuna",),
}
MODULES = {
    "dask-jobqueue": "dask_jobqueue",
    "opencv-python-headless": "cv2",
    "pillow-heif": "pillow_heif",
    "prometheus-client": "prometheus_client",
    "python-multipart": "python_multipart",
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
}  # others: as the package


def missing(extra: str) -> tuple[str, ...]:
    """Return the packages of an extra that are not installed.

    Args:
        extra: a key of `EXTRAS`.
    """
    return tuple(package for package in EXTRAS[extra] if find_spec(MODULES.get(package, package)) is None)


def install_line(*extras: str, tells_path: bool = True) -> str:
    """Return the line that installs what is missing of some extras, into the environment that asks.

    Args:
        extras: keys of `EXTRAS`.
        tells_path: whether it may say where this Python is; the studio's answers, which travel, say ``python``.

    Example:
        >>> install_line("map", tells_path=False)  # doctest: +SKIP
        'python -m pip install umap-learn'
    """
    wanted = [package for extra in extras for package in missing(extra) or EXTRAS[extra]]
    return line_for(*dict.fromkeys(wanted), tells_path=tells_path)


def line_for(*wanted: str, tells_path: bool = True) -> str:
    """Return the line that installs some packages; see `install_line`."""
    packages = " ".join(wanted)
    python = _this_python() if tells_path else "python"
    if find_spec("pip") is None:  # an environment that uv made
        return f"uv pip install --python {python} {packages}" if tells_path else f"uv pip install {packages}"
    return f"{python} -m pip install {packages}"


def _this_python() -> str:
    """Return how to call this Python in a terminal here: by a short path where it has one, quoted where it must be."""
    full = Path(sys.executable)
    path = str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)
    return f'"{path}"' if " " in path else path


def is_clone() -> bool:
    """Say whether this package runs from its repository's folder, where ``make`` works, and not from a wheel."""
    root = Path(__file__).parents[2]
    return (root / "Makefile").is_file() and os.access(root / "pyproject.toml", os.R_OK)
