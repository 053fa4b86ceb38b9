"""Write the notebooks of the class out of their sources, and slides out of the notebooks.

Usage: make_lessons.py [--check] [--run] [--slides FOLDER] [LESSON ...]

A source is `examples/class/source/lesson-N-NAME.md`, MyST Markdown as Jupytext reads it. A cell tagged `exercise` is
followed by one tagged `solution`: the lesson has the first, its twin in `solutions/` the second. With --run the lessons
are run, which takes minutes, and have their outputs; without it they keep theirs, if the code is the same.
"""

from __future__ import annotations

import argparse
import copy
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell

CLASS = Path(__file__).parent.parent / "examples" / "class"
SOURCES = sorted((CLASS / "source").glob("lesson-*.md"))
REVEAL = "reveal.js@5.2.1"
SETUP_WORDS = (
    "## Before we begin\n\nThis cell makes fittingroom ready. In Colab, and wherever it is not installed yet: put its "
    "wheel, a file that ends in `.whl`, beside this notebook first. Your teacher has it."
)
SETUP = """import importlib.util
import os
import subprocess
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"  # whatever the machine presets; it counts until Keras is imported
if importlib.util.find_spec("fittingroom") is None:
    wheels = sorted(Path.cwd().glob("fittingroom-*.whl"))
    if not wheels:
        raise SystemExit("Expected fittingroom-VERSION.whl beside this notebook, found none. Upload it there.")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", f"{wheels[-1]}[photos]"], check=True)
import fittingroom as fr  # before keras: it chooses the PyTorch backend

print("fittingroom", fr.__version__)"""
METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
LONG = 9  # lines of code: more are not shown on a slide, only what they draw


def notebooks(source: Path) -> dict[Path, nbformat.NotebookNode]:
    """Return the lesson and its twin with the solutions, without outputs, by where they belong."""
    cells = jupytext.read(source, fmt="md:myst").cells
    return {
        CLASS / f"{source.stem}.ipynb": _assembled(cells, leave_out="solution"),
        CLASS / "solutions" / f"{source.stem}-solved.ipynb": _assembled(cells, leave_out="exercise"),
    }


def _assembled(cells: list[nbformat.NotebookNode], leave_out: str) -> nbformat.NotebookNode:
    kept = [copy.deepcopy(cell) for cell in cells if leave_out not in cell.metadata.get("tags", [])]
    kept[1:1] = [new_markdown_cell(SETUP_WORDS), new_code_cell(SETUP, metadata={"tags": ["setup"]})]
    for number, cell in enumerate(kept):
        cell["id"] = f"cell-{number}"  # a random id would make each writing another file
        cell.metadata["slideshow"] = {"slide_type": _slide_type(cell)}
    return nbformat.v4.new_notebook(cells=kept, metadata=METADATA)


def _slide_type(cell: nbformat.NotebookNode) -> str:
    tags = cell.metadata.get("tags", [])
    if "setup" in tags or cell.source == SETUP_WORDS or {"exercise", "solution"} & set(tags):
        return "skip"
    if cell.cell_type == "code":
        return "subslide"
    return "slide" if re.match(r"#{1,2} ", cell.source) else "subslide"


def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom in a folder of its own, beside the photos, and keep its outputs."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(CLASS / "photos", Path(folder) / "photos")
        client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times of this one run
    notebook.metadata = nbformat.from_dict(METADATA)  # and its Python's version
    return notebook


def sources_of(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return what a reader sees of a notebook before it is run: of each cell its kind and its text."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def with_kept_outputs(path: Path, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of the file that it replaces, where all code of both is the same."""
    before = nbformat.read(path, as_version=4) if path.is_file() else None
    codes = [[cell for cell in one.cells if cell.cell_type == "code"] for one in (before, notebook) if one is not None]
    if before is not None and [cell.source for cell in codes[0]] == [cell.source for cell in codes[1]]:
        for old, new in zip(*codes, strict=True):
            new.outputs, new.execution_count = old.outputs, old.execution_count
    return notebook


def stale(source: Path) -> list[str]:
    """Return the notebooks that are not what their source says."""
    made = notebooks(source)
    return [
        path.relative_to(CLASS).as_posix()
        for path, notebook in made.items()
        if not path.is_file() or sources_of(nbformat.read(path, as_version=4)) != sources_of(notebook)
    ]


def write_slides(path: Path, folder: Path, reveal: Path) -> Path:
    """Write a notebook's slides as one file that works without internet.

    Args:
        path: of the notebook, with its outputs.
        folder: to write into.
        reveal: the unpacked package of reveal.js.
    """
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.count("\n") >= LONG:
            cell.metadata.setdefault("tags", []).append("long")
    options = Config()
    options.TagRemovePreprocessor.enabled = True
    options.TagRemovePreprocessor.remove_input_tags = {"long"}
    exporter = SlidesExporter(config=options, reveal_scroll=True, exclude_output_prompt=True, exclude_input_prompt=True)
    page, _ = exporter.from_notebook_node(notebook)
    target = folder / f"{path.stem}.html"
    target.write_text(_self_contained(page, reveal / "dist"), encoding="utf-8")
    return target


def _self_contained(page: str, dist: Path) -> str:
    """Put reveal.js and its styles into a page of nbconvert's, in the place of what it would load."""
    styles = "".join((dist / name).read_text("utf-8") for name in ("reset.css", "reveal.css", "theme/white.css"))
    styles = re.sub(r"@import url\([^)]*\);?", "", styles)  # a font that the browser's own replaces
    page = re.sub(r'<link[^>]*rel="stylesheet"[^>]*href="https?:[^>]*>', "", page)
    page = re.sub(r'<link[^>]*href="https?:[^>]*rel="stylesheet"[^>]*>', "", page)
    page = re.sub(r'<script[^>]*src="https?:[^>]*>\s*</script>', "", page)
    page = re.sub(
        r"<script\b(?!>\s*var)[^>]*>(?:(?!</script>).)*(?:MathJax|require\s*\(|mermaid)(?:(?!</script>).)*</script>",
        "",
        page,
        flags=re.DOTALL,
    )
    script = (dist / "reveal.js").read_text("utf-8").replace("</script", "<\\/script")
    page = page.replace("</head>", f"<style>{styles}\n{STYLE}</style></head>", 1)
    return page.replace("</body>", f"<script>{script}</script><script>{START}</script></body>", 1)


STYLE = """
.reveal { font-size: 30px; }
.reveal h1 { font-size: 1.8em; } .reveal h2 { font-size: 1.4em; } .reveal h3 { font-size: 1.1em; }
.reveal h1, .reveal h2, .reveal h3 { text-transform: none; }
.reveal .slides section { text-align: left; overflow-y: auto; max-height: 100%; }
.reveal pre { font-size: 0.7em; box-shadow: none; width: 100%; white-space: pre-wrap; }
.reveal .jp-RenderedImage img { zoom: 1.5; max-width: 100%; }
"""
START = "Reveal.initialize({hash: true, center: false, transition: 'none', slideNumber: true});"


def reveal_package(folder: Path) -> Path:
    """Fetch reveal.js by npm into a folder, and return where it lies."""
    if shutil.which("npm") is None:
        raise SystemExit("Slides need npm, once, to fetch reveal.js; see docs/install.md.")
    subprocess.run(["npm", "pack", "--silent", REVEAL], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    archive = next(folder.glob("reveal.js-*.tgz"))
    shutil.unpack_archive(archive, folder)
    return folder / "package"


def main() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a notebook is stale")
    parser.add_argument("--run", action="store_true", help="run the lessons and keep their outputs")
    parser.add_argument("--slides", type=Path, help="write slides of the notebooks into this folder")
    parser.add_argument("lessons", nargs="*", help="numbers of lessons; all where none is named")
    asked = parser.parse_args()
    chosen = [path for path in SOURCES if not asked.lessons or path.stem.split("-")[1] in asked.lessons]
    if asked.check:
        found = [name for path in chosen for name in stale(path)]
        if found:
            raise SystemExit(f"Not as their sources say: {', '.join(found)}. Run: make lessons")
        return
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    if asked.slides:
        asked.slides.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            reveal = reveal_package(Path(folder))
            for path in chosen:
                write_slides(CLASS / f"{path.stem}.ipynb", asked.slides, reveal)
        return
    for source in chosen:
        for path, notebook in notebooks(source).items():
            path.parent.mkdir(exist_ok=True)
            is_lesson = path.parent == CLASS
            made = run(notebook) if asked.run and is_lesson else with_kept_outputs(path, notebook)
            nbformat.write(made, path)


if __name__ == "__main__":
    main()
