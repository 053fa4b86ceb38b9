"""Gather the site's pages: those of the repository with the site's links, and those that are written from the code."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import yaml
from contents import (
    DOCS,
    ELSEWHERE,
    LESSONS,
    PROJECT,
    REFERENCE,
    ROOT,
    SOURCES,
    first_sentence,
    guides,
    lessons,
    places,
    prose,
    results,
    rewritten,
    title_of,
)
from PIL import Image
from reference_pages import api_pages, command_pages, grouped, slug
from result_pages import ladder_drawing, results_page

if TYPE_CHECKING:
    from pathlib import Path

PAGES: Final = {  # pages that commands wrote: file, title, and the command
    "walkthrough.html": ("The walk-through's page", "fittingroom tutorial"),
    "comparison.html": ("Two networks on the same pictures", "fittingroom report runs/A runs/B"),
    "ladder.html": ("The ladder's page", "fittingroom ladder"),
}
WALL_COLUMNS, WALL_ROWS = 60, 8


def gathered() -> tuple[dict[str, str], dict[str, str]]:
    """Return the site's pages by name, with their ends, and the files beside them, by name: where they are now.

    Raises:
        ValueError: a link leads to nothing.
    """
    texts: dict[str, str] = {}
    files = {f"images/{path.name}": f"docs/images/{path.name}" for path in sorted((DOCS / "images").iterdir())}
    for source, page in places().items():
        if source in ELSEWHERE and not source.endswith(".ipynb"):
            continue
        take = _notebook if source.endswith(".ipynb") else rewritten
        text, needed = take((ROOT / source).read_text("utf-8"), source, page)
        texts[page + (".ipynb" if source.endswith(".ipynb") else ".md")] = text
        files |= {to: at for at, to in needed.items()}
    for page, text in own_pages().items():
        told, needed = rewritten(text, f"{SOURCES}/{page}.md", page)
        texts[f"{page}.md"] = told
        files |= {to: at for at, to in needed.items()}
    written = {**api_pages(), **command_pages(), **_indexes()}
    texts |= {f"{page}.md": text for page, text in written.items()}
    return texts, files


def _notebook(text: str, source: str, page: str) -> tuple[str, dict[str, str]]:
    """Return a notebook with the site's links in its prose."""
    notebook, files = json.loads(text), {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            told, needed = rewritten("".join(cell["source"]), source, page)
            cell["source"] = told
            files |= needed
    return json.dumps(notebook, ensure_ascii=False, indent=1), files


def own_pages() -> dict[str, str]:
    """Return the pages that only the site has, with what is filled in."""
    folder = ROOT / SOURCES
    found = sorted(folder.rglob("*.md"))
    texts = {path.relative_to(folder).with_suffix("").as_posix(): path.read_text("utf-8") for path in found}
    filled = {
        "@CLASS@": "Class <class/index>" if lessons() else "",
        "@BIBTEX@": f"```bibtex\n{bibtex(citation())}\n```",
    }
    filled |= {"@PAGES@": _page_cards(), "@LADDER@": _linked_drawing()}
    for name in texts:
        for mark, words in filled.items():
            texts[name] = texts[name].replace(mark, words)
    return texts


def _page_cards() -> str:
    cards = "\n".join(
        f'<a class="page-card" href="pages/{file}"><strong>{title}</strong><code>{command}</code></a>'
        for file, (title, command) in PAGES.items()
    )
    return f'```{{raw}} html\n<div class="page-cards">\n{cards}\n</div>\n```'


def _linked_drawing() -> str:
    return f'```{{raw}} html\n<a class="drawing" href="results/index.html">{ladder_drawing("card")}</a>\n```'


def _indexes() -> dict[str, str]:
    known = places()
    measured = {known[name]: words for name, words in results().items()}
    pages = {
        "guides/index": _guides_index(),
        "reference/index": _reference_index(),
        "results/index": results_page(measured),
    }
    pages["project/index"] = _project_index()
    if lessons():
        pages["class/index"] = _class_index()
    return pages


def _title(page: str) -> str:
    """Return the title of a page of the repository."""
    source = next((name for name, to in places().items() if to == page), f"{SOURCES}/{page}.md")
    return title_of(source)


def _project_index() -> str:
    known = places()
    pages = {"cite": "For a paper or a thesis: BibTeX of this package and of the dataset."}
    pages |= {known[name].partition("/")[2]: words for name, words in PROJECT.items()}
    rows = "\n".join(f"| [{_title(f'project/{name}')}]({name}.md) | {line} |" for name, line in pages.items())
    return (
        "# The project\n\nHow it is made, and how to take part. MIT licence; Fashion-MNIST is Zalando's, MIT too.\n\n"
        f"| page | for |\n| --- | --- |\n{rows}\n\n{_toctree(pages)}"
    )


def _toctree(pages: Any, caption: str = "") -> str:
    said = f":caption: {caption}\n" if caption else ""
    return "```{toctree}\n:hidden:\n" + said + "\n" + "\n".join(pages) + "\n```\n"


def _guides_index() -> str:
    known, parts = places(), ["# Guides\n"]
    for title, pages in guides():
        names = {known[name].partition("/")[2]: words for name, words in pages.items()}
        rows = "\n".join(f"| [{_title(f'guides/{name}')}]({name}.md) | {words} |" for name, words in names.items())
        parts.append(
            f"## {title}\n\n| guide | what one finds there |\n| --- | --- |\n{rows}\n\n{_toctree(names, title)}"
        )
    return "\n".join(parts)


def _reference_index() -> str:
    rows = {
        "/api/index": ("Python", "Every name of `import fittingroom as fr`."),
        "/commands/index": ("The command line", "Every command with its options."),
        **{f"/{page}": (_title(page), _about(source)) for source, page in REFERENCE.items()},
    }
    table = "\n".join(f"| [{title}](..{page}.md) | {words} |" for page, (title, words) in rows.items())
    names = "\n".join(_toctree([f"/api/{slug(name)}" for name in names], title) for title, names in grouped().items())
    return f"# Reference\n\n| page | what one finds there |\n| --- | --- |\n{table}\n\n{_toctree(rows)}\n{names}"


def _about(source: str) -> str:
    return first_sentence((ROOT / source).read_text("utf-8"))


def _class_index() -> str:
    names = [name.removeprefix(f"{LESSONS}/") for name in lessons()]
    pages = {name.rpartition(".")[0]: name for name in names}
    about = {page: first_sentence(prose(ROOT / LESSONS / name)) for page, name in pages.items()}
    rows = "\n".join(f"| [{_title(f'class/{page}')}]({name}) | {about[page]} |" for page, name in pages.items())
    return (
        "# A class\n\nSix lessons of 45 minutes, for people who have never trained a network; each is a notebook with "
        f"exercises that check themselves.\n\n| lesson | how it begins |\n| --- | --- |\n{rows}\n\n"
        "For whoever teaches: [Teaching a class](../guides/class.md), with times, pitfalls and questions for "
        f"each lesson, and how the runs of a class become one table.\n\n{_toctree(pages)}"
    )


def citation() -> dict[str, Any]:
    """Return what CITATION.cff says."""
    told: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    return told


def bibtex(told: dict[str, Any]) -> str:
    """Return a citation file's own entry as BibTeX.

    Args:
        told: as `citation` gives it.
    """
    names = [each.get("name") or f"{each['family-names']}, {each['given-names']}" for each in told["authors"]]
    authors = " and ".join(f"{{{name}}}" if "," not in name else name for name in names)
    licence = (ROOT / "LICENSE").read_text("utf-8")  # an unreleased version has no date yet
    year = str(told.get("date-released") or re.search(r"\(c\) (\d{4})", licence)[1])[:4]  # type: ignore[index]
    rows = {"title": f"{{{told['title']}}}", "author": authors, "year": year, "version": told["version"]}
    rows["note"] = f"{told['license']} licence"
    width = max(map(len, rows))
    lines = "\n".join(f"  {name:<{width}} = {{{value}}}," for name, value in rows.items())
    return f"@software{{fittingroom,\n{lines}\n}}"


def write_wall(images: Any, to: Path) -> None:
    """Draw many pictures of a dataset side by side, dark on nothing, one pixel for each of theirs.

    Args:
        images: uint8 ``(n, h, w)``.
        to: the PNG file.
    """
    chosen = np.random.default_rng(0).choice(len(images), WALL_COLUMNS * WALL_ROWS)
    height, width = images.shape[1:]
    tiles = images[chosen].reshape(WALL_ROWS, WALL_COLUMNS, height, width)
    strength = tiles.transpose(0, 2, 1, 3).reshape(WALL_ROWS * height, WALL_COLUMNS * width)
    ink = Image.new("L", (strength.shape[1], strength.shape[0]), 37)
    Image.merge("LA", (ink, Image.fromarray(np.ascontiguousarray(strength)))).save(to, optimize=True)
