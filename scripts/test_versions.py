"""Try the oldest and the newest libraries that can be installed here, and write docs/versions.md.

Each is installed alone into an environment of its own, which borrows all else from the environment that runs this.

Usage: test_versions.py [FILE]
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

from fittingroom.files import atomic_write

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "versions.md"
TRIED: dict[str, tuple[str, ...]] = {  # what is installed in the place of what is pinned
    "what is pinned": (),
    "the oldest Keras": ("keras==3.10.0",),
    "Keras 3.12": ("keras==3.12.*",),
    "Keras 3.14": ("keras==3.14.*",),
    "the newest Keras": ("keras<4",),
    "the oldest NumPy": ("numpy==2.0.*",),
    "the newest NumPy": ("numpy<3",),
}
HEAD = """<!-- Written by `make test-versions`; do not edit. -->

# Versions

`pyproject.toml` lets in Python 3.11 and newer, Keras 3.10 and newer, Torch 2.9 and newer, NumPy 2.0 and newer.
`constraints.txt` pins what `make` installs and all tests run with.

## Tried by running

`make test-versions` installs each of these alone in the place of what is pinned, trains two networks, asks every
network that ships, opens runs of the pinned versions and asks them, exports to ONNX and Keras, and writes a page.
Answers have to agree to 1e-4.

"""
BY_FORGE = "by nobody yet: a public forge's workflow (`.github/workflows/tests.yml`) is there to run it"
OTHERWISE = {
    "Python 3.12, 3.13 and 3.14": "the syntax alone, by the linter, whose `target-version` is the oldest, 3.11; 3.14 "
    "by running: " + BY_FORGE,
    "macOS and Windows": f"by tests that imitate what these systems lack; by running: {BY_FORGE}",
    "Colab, Kaggle, and the README's lines with uv": "by nobody yet",
    "the oldest of every library at once": BY_FORGE,
    "Torch other than what is pinned": "by hand, once: 2.13.0 and 2.14.1 passed a smoke test of training, "
    "tracing, saving, export and page; 2.9 to 2.12 are let in "
    "and have not been tried. What a Torch lacks of what it does not promise has a way round (`private_apis.py`), "
    "which tests take",
}
FORGE = "\nOf the workflow only the grammar was checked, by actionlint in a test.\n"


def environment(folder: Path, requirements: tuple[str, ...]) -> Path:
    """Make an environment with these alone, which borrows the rest, and return its Python."""
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if requirements:
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--quiet", "--no-deps", *requirements], check=True)
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    borrowed = f"{ROOT / 'src'}\n{sysconfig.get_path('purelib')}\n"
    Path(site, "borrowed.pth").write_text(borrowed, encoding="utf-8")
    return python


def outcome(python: Path, folder: Path, other: Path | None) -> dict[str, str]:
    """Run the smoke test with a Python, and return what it printed; or, where it did not end, what it said last."""
    command = [str(python), str(ROOT / "scripts" / "smoke_test.py"), str(folder), *([str(other)] if other else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=python.parent)
    if done.returncode:
        return {"trains": f"no: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1][:160]}"}
    found: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def table(rows: dict[str, dict[str, str]]) -> str:
    """Return the outcomes as a table."""
    columns = list(next(iter(rows.values())))
    lines = [["what", *columns], ["---"] * (len(columns) + 1)]
    lines += [[name, *(row.get(column, "") for column in columns)] for name, row in rows.items()]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines) + "\n"


def otherwise() -> str:
    """Return what was tried in another way, as a table."""
    rows = "".join(f"| {what} | {how} |\n" for what, how in OTHERWISE.items())
    return f"\n## Tried otherwise\n\n| what | how |\n| --- | --- |\n{rows}{FORGE}"


def main() -> int:
    """Try each, write the page, and return 1 where something failed."""
    rows: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        pinned = None
        for number, (name, requirements) in enumerate(TRIED.items()):
            folder = Path(temporary) / str(number)
            python = environment(folder / "environment", requirements)
            rows[name] = outcome(python, folder / "work", pinned)
            pinned = pinned or folder / "work"
            sys.stderr.write(f"{name}: {rows[name]}\n")
    atomic_write(Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE, HEAD + table(rows) + otherwise())
    return int(any(cell.startswith("no") for row in rows.values() for cell in row.values()))


if __name__ == "__main__":
    sys.exit(main())
