"""Make a folder for a stick, for a class without internet: wheels for several systems, the data, the examples.

Usage: bundle.py FOLDER [--for windows,macos-arm64,linux] [--python 3.13] [--check]

An extra package index in TORCH_INDEX, https://download.pytorch.org/whl/cpu, spares Linux the 2.7 GB of CUDA.
With --check nothing is fetched: each system's wheels are shown to be complete by resolving them offline.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import fittingroom as fr
from fittingroom._version import __version__
from fittingroom.data import FILE_NAMES, write_idx
from fittingroom.words import counted

ROOT = Path(__file__).parent.parent
WANTED = "fittingroom[studio,photos,export]"
NOTEBOOK = "notebook"  # what opens the examples
TORCH_INDEX = os.environ.get("TORCH_INDEX", "")  # an extra index, for a torch without CUDA


class Target(NamedTuple):
    """A system that a bundle is for.

    Attributes:
        triple: its name for uv.
        tags: its names in wheels, as pip's --platform takes them.
        python: how its Python is called, and where an environment keeps its own.
        environment: where an environment keeps its programs.
    """

    triple: str
    tags: tuple[str, ...]
    python: str
    environment: str


TARGETS = {
    "windows": Target("x86_64-pc-windows-msvc", ("win_amd64",), "py", "Scripts\\"),
    "macos-arm64": Target("aarch64-apple-darwin", ("macosx_14_0_arm64",), "python3", "bin/"),
    "linux": Target(
        "x86_64-manylinux_2_28",
        (*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)), "manylinux2014_x86_64", "linux_x86_64"),
        "python3",
        "bin/",
    ),
}
PAGE = """The fitting room, without internet
==================================

Needed beforehand: Python {python}, from python.org or the system. Copy this folder to the machine, open a terminal
in it, and:

{ways}
Then, with the same program:

    fittingroom data get fashion-mnist --data-dir data      takes the data from this folder
    fittingroom tutorial                                    a network, its score, and a page
    fittingroom studio                                      all of it in the browser

The examples are in examples/, the lessons of a class in examples/class, and open with: notebook examples
The lessons' slides, where there is a folder slides, open in any browser; the arrow keys go on.
"""
WAY = """  {name}

    {python} -m venv fitting
    fitting{slash}{environment}python -m pip install {places} "{wanted}" {more}
    fitting{slash}{environment}fittingroom

"""


def resolved(target: Target, python: str, *options: str) -> list[str]:
    """Return the packages with their versions that a system needs, as uv resolves them for it.

    Args:
        target: the system.
        python: its version.
        options: where to look.
    """
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "-"]
    command += ["--python-platform", target.triple, "--python-version", python, *options]
    asked = f"{WANTED}=={__version__}\n{NOTEBOOK}\n"
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}  # uv would take the 13 that torch has left
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{target.triple}: {done.stderr.strip()}")
    lines = [line.split(" ;")[0].strip() for line in done.stdout.splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "-", "fittingroom"))]


def fetch(name: str, wheels: Path, python: str) -> None:
    """Download what a system needs."""
    target = TARGETS[name]
    index = ("--extra-index-url", TORCH_INDEX) if TORCH_INDEX else ()
    pins = ("--constraint", str(ROOT / "constraints.txt"))
    needed = resolved(target, python, "--find-links", str(wheels), *pins, *index)
    tags = [word for tag in target.tags for word in ("--platform", tag)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += [
        "--only-binary",
        ":all:",
        "--python-version",
        python,
        *tags,
        "--dest",
        str(wheels / name),
        *index,
        *needed,
    ]
    subprocess.run(command, check=True)


def check(name: str, wheels: Path, python: str) -> str:
    """Resolve a system's set offline, from the folder alone, and say how much it is.

    On this machine's own system pip itself resolves it too.
    """
    places = ["--find-links", str(wheels), "--find-links", str(wheels / name)]
    needed = resolved(TARGETS[name], python, "--no-index", *places)
    if platform.system().lower() == name and platform.python_version().startswith(f"{python}."):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-index"]
        subprocess.run([*pip, *places, f"{WANTED}=={__version__}", NOTEBOOK], check=True)
    size = sum(file.stat().st_size for file in (wheels / name).iterdir())
    return f"{name}: complete, {len(needed)} packages, {size / 1e6:,.0f} MB"


def write_rest(folder: Path, names: list[str], python: str) -> None:
    """Write the data, the examples and the page of instructions."""
    (folder / "data").mkdir(exist_ok=True)
    data = fr.load("fashion-mnist")
    arrays = [data.train.images, data.train.labels, data.test.images, data.test.labels]
    for file, array in zip(FILE_NAMES, arrays, strict=True):
        write_idx(folder / "data" / file, array)
    leave_out = shutil.ignore_patterns("runs", ".ipynb_checkpoints", "__pycache__")  # of whoever tried them here
    shutil.copytree(ROOT / "examples", folder / "examples", dirs_exist_ok=True, ignore=leave_out)
    ways = "".join(
        WAY.format(
            name=name,
            places=_places(name),
            wanted=WANTED,
            more=NOTEBOOK,
            slash="\\" if name == "windows" else "/",
            **_words(name),
        )
        for name in names
    )
    (folder / "READ ME.txt").write_text(PAGE.format(python=python, ways=ways), encoding="utf-8")


def write_slides(folder: Path) -> str:
    """Write the lessons' slides, which open without internet, and say so; or why there are none."""
    if shutil.which("npm") is None:
        return "slides: none, since npm is needed once to fetch reveal.js. Install Node, and run this again."
    command = [sys.executable, str(ROOT / "scripts" / "make_lessons.py"), "--slides", str(folder / "slides")]
    if subprocess.run(command, check=False).returncode:
        return "slides: none, for the reason above."
    return f"slides: {counted(len(list((folder / 'slides').iterdir())), 'lesson')}"


def _places(name: str) -> str:
    return f"--no-index --find-links wheels --find-links wheels/{name}"


def _words(name: str) -> dict[str, str]:
    return {"python": TARGETS[name].python, "environment": TARGETS[name].environment}


def main() -> None:
    """Make or check the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--for", dest="names", default=",".join(TARGETS), help="systems, set apart by commas")
    parser.add_argument("--python", default="3.13", help="the version that the machines have")
    parser.add_argument("--check", action="store_true", help="only resolve each set offline")
    asked = parser.parse_args()
    names = asked.names.split(",")
    if unknown := set(names) - TARGETS.keys():
        parser.error(f"expected systems of {', '.join(TARGETS)}, received {', '.join(sorted(unknown))}")
    wheels = asked.folder / "wheels"
    if not asked.check:
        wheels.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels.resolve())],
            cwd=ROOT,
            check=True,
        )
        for name in names:
            fetch(name, wheels, asked.python)
        write_rest(asked.folder, names, asked.python)
        sys.stdout.write(f"{write_slides(asked.folder)}\n")
    for name in names:
        sys.stdout.write(f"{check(name, wheels, asked.python)}\n")


if __name__ == "__main__":
    main()
