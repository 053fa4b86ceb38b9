"""Build the site: gather its pages, run Sphinx on them, add a model and pages of results, and look through the links.

Usage: build.py [OUT] [--dataset NAME]

OUT is build/site. What takes long, the trainings whose pages are shown, is kept beside it and not done again. Nothing
is fetched. A warning of Sphinx and a link that leads nowhere are errors: exit code 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contents import ROOT, SOURCES
from gather import PAGES, gathered, write_wall
from links import faults
from sphinx.cmd.build import build_main

import fittingroom as fr
from fittingroom.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN_MODEL: Final = "fashion-mnist/94"  # which a visitor draws for
COMPARED: Final = ("walkthrough", "90")


def lay(texts: Mapping[str, str], files: Mapping[str, str], to: Path) -> None:
    """Write the pages and copy the files, only what has changed, so that Sphinx reads only that again.

    Args:
        texts: pages by name.
        files: of each file beside them, where it is in the repository.
        to: the folder; what else is in it is removed.
    """
    wanted = {to / name: text.encode() for name, text in texts.items()}
    wanted |= {to / name: (ROOT / source).read_bytes() for name, source in files.items()}
    own = (ROOT / SOURCES, ROOT / SOURCES / "static")
    wanted |= {
        to / path.relative_to(own[0]): path.read_bytes()
        for folder in own
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".md"
    }
    for path, content in wanted.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in to.rglob("*"):
        if path.is_file() and path not in wanted and path.name != "wall.png":
            path.unlink()


def command(*words: str, at: Path) -> None:
    """Run a command of ours in a folder, silently; where it fails, show what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "fittingroom", *words], cwd=at, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"fittingroom {' '.join(words)}: {done.stdout}{done.stderr}")


def write_pages(work: Path, dataset: str) -> dict[str, Path]:
    """Return the pages that commands write, trained and written where they are not there yet.

    Args:
        work: a folder that is kept.
        dataset: to train on.
    """
    work.mkdir(parents=True, exist_ok=True)
    first, second = (f"runs/{name}" for name in COMPARED)
    made = {"walkthrough.html": work / first / "report.html"}
    if not made["walkthrough.html"].is_file():
        command("tutorial", "--dataset", dataset, "--out", first, "--quiet", at=work)
    made["comparison.html"] = work / "comparison.html"
    if not made["comparison.html"].is_file():
        command("train", "--dataset", dataset, "--recipe", COMPARED[1], "--out", second, "--quiet", at=work)
        command("evaluate", second, at=work)
        command("report", first, second, "--out", "comparison.html", at=work)
    logs = ROOT / "benchmarks"
    looks, times = str(logs / "test_log.jsonl"), str(logs / "epoch_times.jsonl")
    command("ladder", "--table-only", "--log", looks, "--times", times, "--out", "ladder", at=work)
    made["ladder.html"] = work / "ladder" / "ladder.html"
    return made


def add_model(out: Path, kept: Path) -> None:
    """Put the web page of a model into the site; it is written and checked once, and kept.

    Args:
        out: the site's folder.
        kept: where it is kept.
    """
    if not (kept / "index.html").is_file():
        shutil.rmtree(kept, ignore_errors=True)
        fr.export_web_page(SHOWN_MODEL, kept)
    shutil.rmtree(out / "model", ignore_errors=True)
    shutil.copytree(kept, out / "model")


def build(out: Path, dataset: str) -> list[str]:
    """Build the site and return what is wrong with it; nothing where all is well.

    Args:
        out: its folder.
        dataset: whose trainings are shown.
    """
    if out.is_dir() and any(out.iterdir()) and not (out / "searchindex.js").is_file():
        raise SystemExit(
            f"Expected a new folder or one with a site in it, found other things in {out}. Choose another."
        )
    source, kept = out.with_name(f"{out.name}-source"), out.with_name(f"{out.name}-kept")
    try:
        texts, files = gathered()
    except ValueError as error:  # a link that leads to nothing that a site has
        return [str(error)]
    if _settings(source) != _settings(ROOT / SOURCES):
        shutil.rmtree(kept / "doctrees", ignore_errors=True)  # Sphinx does not see a change of its hooks
    lay(texts, files, source)
    if not (source / "images" / "wall.png").is_file():
        write_wall(fr.load("fashion-mnist").train.images, source / "images" / "wall.png")
    quietly = ["-W", "--keep-going", "-q", "-a", "-b", "html", "-d", str(kept / "doctrees")]
    if build_main([*quietly, str(source), str(out)]):
        return ["Sphinx has warned, see above."]
    (out / ".nojekyll").touch()  # a forge's pages would leave out what begins with an underscore
    add_model(out, kept / "model")
    (out / "pages").mkdir(exist_ok=True)
    for name, page in write_pages(kept / dataset.replace(os.sep, "_"), dataset).items():
        atomic_write(out / "pages" / name, page.read_text("utf-8"))
    if missing := PAGES.keys() - {path.name for path in (out / "pages").iterdir()}:
        return [f"No page was written for {', '.join(sorted(missing))}."]
    return faults(out)


def _settings(folder: Path) -> bytes:
    return (folder / "conf.py").read_bytes() if (folder / "conf.py").is_file() else b""


def main() -> int:
    """Build, say what is wrong or where it is, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "build" / "site")
    parser.add_argument("--dataset", default="fashion-mnist", help="whose trainings are shown")
    asked = parser.parse_args()
    wrong = build(asked.out.resolve(), asked.dataset)
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    if wrong:
        (asked.out / "index.html").unlink(missing_ok=True)  # so that nobody takes it for a whole one
    else:
        sys.stdout.write(f"The site: {asked.out / 'index.html'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
