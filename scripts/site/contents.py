"""What is on the site and where: a page of the site for each page of the repository, and links that lead there.

A page keeps the links that it has on a forge; here they are turned into links of the site. What is no page, such as a
picture or a script, is copied and linked to. A link that leads nowhere is an error.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
GUIDES: Final = (  # a heading, and below it: the file in docs/, and what a reader finds there
    (
        "Begin",
        {
            "install": "Every system, every way: a clone, a wheel, Colab, a stick without internet.",
            "studio": "Data, trainings, mistakes and your own photos, in a browser on your own machine.",
            "photos": "What two networks say of your photos, and why they differ.",
        },
    ),
    (
        "Train",
        {
            "data": "Where data come from, how they are checked, and ten forms of files.",
            "ladder": "The fastest recipe known here for each accuracy, and how it is measured.",
            "many": "Many seeds, many processes, a cluster.",
            "scale": "One training on many devices; data larger than memory; what grows how.",
            "how-the-trainer-works": "How an ordinary model is trained at the speed of a loop written by hand.",
            "other-tools": "scikit-learn, TensorBoard, MLflow; tables for a paper.",
        },
    ),
    (
        "Judge",
        {
            "judging": "What a score means, how far it could be off, and which of two is better.",
            "audit": "Wrong labels, near-duplicates, leaks: found, looked at, mended.",
            "suggesting": "Which pictures without labels are worth labelling next.",
            "baselines": "The classifiers of the dataset's paper, fitted again.",
        },
    ),
    (
        "Share",
        {
            "export": "One file for other programs, or a web page that runs the network in the browser.",
            "serving": "A model over HTTP, by two common protocols.",
            "deploy/README": "The server in a container, and on a cluster.",
        },
    ),
    (
        "Teach",
        {
            "class": "Six lessons of 45 minutes, how each one goes, and the runs of a class as one table.",
        },
    ),
)
RESULTS: Final = {  # the file, and what it measures
    "docs/ladder-results.md": "Every recipe of the ladder: accuracy, spread, seconds.",
    "docs/walkthrough-results.md": "The walk-through over ten seeds.",
    "docs/ideas.md": "What each idea is worth, kept or not.",
    "docs/ladder-search.md": "What the search for the ladder's recipes tried.",
    "docs/photo-results.md": "The network for photos, by folder and by kind of nothing.",
    "docs/photo-checks.md": "Every look at photos that results are reported on.",
    "docs/photo-steps.md": "What each step from a photo to 28x28 pixels is worth.",
    "docs/none-of-these.md": "How well what is none of the classes is declined.",
    "docs/what-trains.md": "Over a hundred odd models beside their framework's own loop.",
    "docs/versions.md": "Which versions of Python, Keras, Torch and NumPy were tried.",
    "benchmarks/speed.md": "An epoch of this trainer beside other frameworks, in turns.",
    "benchmarks/loading.md": "How long it takes to load all images.",
    "benchmarks/ladder_ratios.md": "How long rungs train by their recipe now and by the one before, in turns.",
}
PROJECT: Final = {
    "CONTRIBUTING.md": "How the code reads, and which files to touch for what.",
    "docs/design-notes.md": "The layers, and why things are as they are.",
    "CHANGELOG.md": "What each version brought.",
    "SECURITY.md": "What is protected, and how to report a hole.",
    "src/fittingroom/weights/fashion-mnist/photo-notices.md": "Whose work the network for photos stands on.",
}
REFERENCE: Final = {"docs/recipe.md": "reference/recipe", "docs/glossary.md": "reference/glossary"}
ELSEWHERE: Final = {  # pages of the repository that the site tells in another form
    "README.md": "index",
    "docs/command-line.md": "commands/index",
    "examples/walkthrough.ipynb": "walkthrough",
}
LESSONS: Final = "examples/class"
SOURCES: Final = "docs/site"  # what only the site has
LINK: Final = re.compile(r"(\[([^]\[]*)\])?(?<=\])\(([^)\s]+)\)")
FENCED: Final = re.compile(r"(^ *```.*?^ *```[^\n]*$)", re.DOTALL | re.MULTILINE)


def guides() -> list[tuple[str, dict[str, str]]]:
    """Return the guides by heading: the file in the repository, and what a reader finds there.

    A page of docs/ that nothing here names comes under "More", with its first sentence.
    """
    named = [(title, {f"docs/{name}.md": words for name, words in pages.items()}) for title, pages in GUIDES]
    known = {name for _, pages in named for name in pages} | {*RESULTS, *PROJECT, *REFERENCE, *ELSEWHERE}
    more = _unplaced("docs", known)
    return [*named, ("More", more)] if more else named


def results() -> dict[str, str]:
    """Return the pages of measurements that are there: the file in the repository, and what it measures.

    A page of benchmarks/ that nothing here names comes last, with its first sentence.
    """
    there = {name: words for name, words in RESULTS.items() if (ROOT / name).is_file()}
    return there | _unplaced("benchmarks", set(RESULTS))


def _unplaced(folder: str, known: set[str]) -> dict[str, str]:
    """Return the pages of a folder that are not among those known, each with its first sentence."""
    others = sorted(f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.md"))
    return {name: first_sentence((ROOT / name).read_text("utf-8")) for name in others if name not in known}


def lessons() -> list[str]:
    """Return the notebooks and pages of the class, in order; there may be none."""
    found = (path for end in ("*.ipynb", "*.md") for path in (ROOT / LESSONS).glob(end))
    return [path.relative_to(ROOT).as_posix() for path in sorted(found)]


def places() -> dict[str, str]:
    """Return where each page of the repository is on the site: its name there, without an end.

    Example:
        >>> places()["docs/judging.md"], places()["CHANGELOG.md"]
        ('guides/judging', 'project/changelog')
    """
    found = {name: f"guides/{_short(name)}" for _, pages in guides() for name in pages}
    found |= {name: f"results/{PurePosixPath(name).stem}" for name in results()}
    found |= {name: f"project/{PurePosixPath(name).stem.lower()}" for name in PROJECT}
    found |= {name: f"class/{PurePosixPath(name).stem}" for name in lessons()}
    return found | REFERENCE | ELSEWHERE


def _short(name: str) -> str:
    return "deploy" if name == "docs/deploy/README.md" else PurePosixPath(name).stem


def first_sentence(text: str) -> str:
    r"""Return the first sentence below a page's title, without links.

    Example:
        >>> first_sentence("# Title\n\nOne [thing](a.md). Another.")
        'One thing.'
    """
    below = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).partition("\n# ")[2] or text
    paragraphs = [part for part in below.split("\n\n")[1:] if part.strip() and part.strip()[0] not in "`|#!<-"]
    words = " ".join(paragraphs[0].split()) if paragraphs else ""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", re.split(r"(?<=[.:?])\s", words)[0])


def prose(path: Path) -> str:
    """Return the Markdown of a page or a notebook; nothing of any other file."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return path.read_text("utf-8") if path.suffix == ".md" else ""


def title_of(source: str) -> str:
    """Return the title of a page of the repository, or its path where it is no page with a title."""
    return next((line[2:] for line in prose(ROOT / source).splitlines() if line.startswith("# ")), source)


def rewritten(text: str, source: str, page: str) -> tuple[str, dict[str, str]]:
    """Return a page's text with the links of the site, and the files that it needs beside it.

    Args:
        text: Markdown.
        source: where it stands in the repository.
        page: its name on the site.

    Returns:
        The text; and of each file that is no page its path in the repository and on the site.

    Raises:
        ValueError: a link leads to nothing in the repository, to a folder that has no page, or to a page that has no
            place on the site.
    """
    files: dict[str, str] = {}
    known = places()

    def replaced(found: re.Match[str]) -> str:
        target, _, fragment = found[3].partition("#")
        is_own = source.startswith(f"{SOURCES}/") and not target.startswith("../")  # has the site's names already
        if not target or is_own or re.match(r"[a-z]+:", target):
            return found[0]
        meant = os.path.normpath(PurePosixPath(source).parent / target).replace(os.sep, "/")
        if meant.startswith("..") or not (ROOT / meant).exists():
            raise ValueError(f"{source}: {target} leads to nothing in the repository.")
        if (ROOT / meant).is_dir() and (ROOT / meant / "README.md").is_file():
            meant += "/README.md"
        if (ROOT / meant).is_dir():
            raise ValueError(
                f"{source}: {target} is a folder without a README.md, and a site has pages and files alone. Link to a "
                f"file in it, or write `{target}` without a link."
            )
        if meant not in known and meant.endswith((".md", ".ipynb")):
            raise ValueError(
                f"{source}: {target} is a page that the site has not. Give it a place in scripts/site/contents.py, or "
                f"write `{target}` without a link."
            )
        if meant in known:
            to = known[meant] + (".ipynb" if meant.endswith(".ipynb") else ".md")
        else:
            to = files[meant] = meant.removeprefix("docs/") if meant.startswith("docs/images/") else f"files/{meant}"
        words = f"[{title_of(meant)}]" if found[2] in (target, PurePosixPath(target).name) else found[1] or ""
        return f"{words}({relative(to, page)}{'#' + fragment if fragment else ''})"

    parts = FENCED.split(text)
    return "".join(part if at % 2 else LINK.sub(replaced, part) for at, part in enumerate(parts)), files


def relative(to: str, page: str) -> str:
    """Return the path from a page to a file of the site.

    Example:
        >>> relative("images/a.png", "guides/data")
        '../images/a.png'
    """
    return os.path.relpath(to, PurePosixPath(page).parent).replace(os.sep, "/")


def section(text: str, heading: str) -> str:
    r"""Return what stands below a heading of a page, up to the next of its level.

    Raises:
        ValueError: there is no such heading.

    Example:
        >>> section("# A\n\n## B\n\nb\n\n## C\n\nc", "B")
        'b'
    """
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"Expected a heading {heading!r}, found none.")
    return found[1].strip()
