"""Is this commit ready to be released? Version, changelog, citation, tag, wheel, list of components, site: a line each.

Usage: release_check.py [--out dist] [--site build/site]

Everything is looked at, whatever was found before; the exit code is 1 where anything refuses. The archives and the list
of components (SBOM, CycloneDX) are written into the folder of --out; nothing is published and nothing is tagged.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from datetime import date
from email import message_from_string
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parent.parent
HEADING: Final = re.compile(r"^## (\S+)(?: \(([^)]*)\))?[ \t]*$", re.MULTILINE)


class Refused(Exception):  # noqa: N818 - it is a verdict
    """What keeps a version from being released: what was expected, what was found, what to do."""


def package_version(root: Path) -> str:
    """Return the version that the package says.

    Raises:
        Refused: it is none of a release.
    """
    found = re.search(r'__version__ = "([^"]*)"', (root / "src" / "fittingroom" / "_version.py").read_text("utf-8"))
    said = found[1] if found else ""
    try:
        version = Version(said)
    except InvalidVersion:
        raise Refused(f"expected a version such as 0.2.0 in _version.py, found {said!r}.") from None
    if version.is_prerelease or version.local or str(version) != said:
        raise Refused(f"expected a plain version such as 0.2.0 in _version.py, found {said!r}.")
    return said


def check_changelog(text: str, version: str, today: date) -> date:
    """Return the day that the changelog gives a version.

    Args:
        text: of CHANGELOG.md.
        version: to be released; it has to stand first.
        today: a later day is refused.

    Raises:
        Refused: it is not first, is "unreleased", has no day, or says nothing.
    """
    sections = list(HEADING.finditer(text))
    if not sections:
        raise Refused(f"expected '## {version} (YYYY-MM-DD)' in CHANGELOG.md, found no version at all.")
    first = sections[0]
    if first[1] != version:
        raise Refused(
            f"expected {version} first in CHANGELOG.md, found {first[1]}. Write its section, or mend _version.py."
        )
    try:
        day = date.fromisoformat(first[2] or "")
    except ValueError:
        wanted = f"'## {version} ({today.isoformat()})'"
        raise Refused(f"expected the day of the release in CHANGELOG.md, as in {wanted}, found {first[0]!r}.") from None
    if day > today:
        raise Refused(f"expected a day that has come, found {day} in CHANGELOG.md.")
    end = sections[1].start() if len(sections) > 1 else len(text)
    if not re.search(r"^- \S", text[first.end() : end], re.MULTILINE):
        raise Refused(f"expected a line for each change below {version} in CHANGELOG.md, found none.")
    older = [Version(each[1]) for each in sections[1:]]
    if older and Version(version) <= max(older):
        raise Refused(f"expected a version above {max(older)}, which CHANGELOG.md has already, found {version}.")
    return day


def check_citation(text: str, version: str, day: date | None) -> str:
    """Return what was found, where the citation file says the same version and day.

    Args:
        text: of CITATION.cff.
        version: to be released.
        day: as the changelog gives it; None where it gives none.

    Raises:
        Refused: it says something else.
    """
    told = yaml.safe_load(text)
    if str(told.get("version")) != version:
        raise Refused(f"expected version {version} in CITATION.cff, found {told.get('version')}.")
    if day is None:
        raise Refused("expected the day of the release as date-released in CITATION.cff; the changelog has none yet.")
    if str(told.get("date-released")) != day.isoformat():
        raise Refused(f"expected date-released: {day} in CITATION.cff, found {told.get('date-released') or 'none'}.")
    return f"{version}, {day}"


def git(root: Path, *words: str) -> str:
    """Return what git says; nothing where it refuses."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.rstrip() if done.returncode == 0 else ""  # a line of its status may begin with a space


def check_tag(root: Path, version: str) -> str:
    """Return the tag, where it names the commit that is checked out, and nothing was changed since.

    Raises:
        Refused: it is not there, is elsewhere, or files differ from the commit.
    """
    head = git(root, "rev-parse", "HEAD")
    if not head:
        raise Refused("expected a git clone with a commit, found none: what is released has to be known.")
    if changed := git(root, "status", "--porcelain").splitlines():
        names = ", ".join(line[3:] for line in changed[:3])
        raise Refused(
            f"expected no change since the commit, found {len(changed)}: {names}. Commit them, or put them away."
        )
    tagged = git(root, "rev-parse", "--verify", "--quiet", f"refs/tags/v{version}^{{commit}}")
    if not tagged:
        raise Refused(
            f"expected the tag v{version} at this commit, found none. When all else is ok: git tag -a v{version}"
        )
    if tagged != head:
        raise Refused(f"expected the tag v{version} at this commit, {head[:9]}, found it at {tagged[:9]}.")
    return f"v{version} at {head[:9]}"


def build_archives(root: Path, out: Path) -> None:
    """Write the wheel and the source archive.

    Raises:
        Refused: they cannot be built, or an index would not take them.
    """
    _run(root, "hatchling", "build", "-d", str(out))
    _run(root, "twine", "check", "--strict", *(str(path) for end in ("*.whl", "*.tar.gz") for path in out.glob(end)))


def _run(root: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(words[:2])}: {_last_line(done.stdout + done.stderr)}")


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it failed silently.")


def check_wheel(out: Path, version: str) -> str:
    """Return the wheel's name, where there is one alone and it says the version.

    Raises:
        Refused: there is none, there are several, or it says something else.
    """
    wheels = sorted(out.glob("*.whl"))
    if len(wheels) != 1:
        found = ", ".join(path.name for path in wheels) or "none"
        raise Refused(f"expected one wheel in {out.name}/, found {found}. Remove the old ones.")
    with zipfile.ZipFile(wheels[0]) as opened:
        name = next((each for each in opened.namelist() if each.endswith(".dist-info/METADATA")), None)
        told = message_from_string(opened.read(name).decode()) if name else {}
    if told.get("Version") != version:
        raise Refused(f"expected version {version} in {wheels[0].name}, found {told.get('Version')}.")
    return wheels[0].name


def pins(text: str) -> dict[str, str]:
    """Return the versions that a constraints file pins, by normalised name."""
    found = (line.partition("#")[0].strip().partition("==") for line in text.splitlines())
    return {canonicalize_name(name): version for name, mark, version in found if mark}


def components(wanted: Sequence[str], pinned: dict[str, str]) -> list[str]:
    """Return everything that an installation of the core brings, with its version: ``name==version``, sorted.

    Args:
        wanted: the core's own requirements.
        pinned: versions by name.

    Raises:
        Refused: something that is needed is not pinned, or is not installed, so that what it needs is not known.
    """
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    open_ends = [Requirement(each) for each in wanted]
    while open_ends:
        asked = open_ends.pop()
        name = canonicalize_name(asked.name)
        if (name, frozenset(asked.extras)) in seen:
            continue
        seen.add((name, frozenset(asked.extras)))
        if name not in pinned:
            raise Refused(f"expected {name} to be pinned in constraints.txt, found it only as {asked}.")
        found[name] = pinned[name]
        try:
            needed = [Requirement(each) for each in requires(name) or ()]
        except PackageNotFoundError:
            raise Refused(f"expected {name} to be installed here, to see what it needs. Run: make dev") from None
        extras = asked.extras or {""}
        open_ends += [
            each
            for each in needed
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def write_sbom(root: Path, out: Path, version: str) -> str:
    """Write the list of components, and return what it is called and how long it is.

    Raises:
        Refused: the list cannot be made.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    listed = components(project["dependencies"], pins((root / "constraints.txt").read_text("utf-8")))
    out.mkdir(parents=True, exist_ok=True)
    to = out / f"fittingroom-{version}.cdx.json"
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "-", "--output-reproducible", "--validate"]
    command += ["--pyproject", str(root / "pyproject.toml"), "--mc-type", "library", "--output-file", str(to)]
    done = subprocess.run(command, input="\n".join(listed) + "\n", capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"cyclonedx_py: {_last_line(done.stderr)}")
    return check_sbom(json.loads(to.read_text("utf-8")), listed, to.name)


def check_sbom(told: dict[str, Any], listed: Sequence[str], name: str) -> str:
    """Return what was found, where the list has every component with its version.

    Raises:
        Refused: some are not in it.
    """
    there = {f"{canonicalize_name(each['name'])}=={each.get('version')}" for each in told.get("components", ())}
    if absent := sorted(set(listed) - there):
        raise Refused(f"expected {len(listed)} components in {name}, found none of {', '.join(absent[:3])}.")
    return f"{name}, {len(listed)} components"


def check_site(site: Path, version: str) -> str:
    """Return the start page, where the built site says the version.

    Raises:
        Refused: it is not built, or of another version.
    """
    page = site / "index.html"
    if not page.is_file():
        raise Refused(f"expected {page.name} in {site.name}/, found none. Run: make site")
    if f"fittingroom {version}" not in page.read_text("utf-8"):
        raise Refused(f"expected a site of {version}, found another version's. Run: make site")
    return f"{site.name}/{page.name}"


def rows(root: Path, out: Path, site: Path, today: date) -> list[tuple[bool, str, str]]:
    """Look at everything, and return for each whether it is ok, what it is, and what was found.

    Args:
        root: of the repository.
        out: for the archives and the list of components.
        site: the built site.
        today: the day.
    """
    found: list[tuple[bool, str, str]] = []

    def look(name: str, check: Callable[[], Any]) -> Any:
        try:
            said = check()
        except Refused as refused:
            found.append((False, name, str(refused)))
            return None
        found.append((True, name, str(said)))
        return said

    version = look("version", lambda: package_version(root))
    if version is None:
        return found
    day = look("changelog", lambda: check_changelog((root / "CHANGELOG.md").read_text("utf-8"), version, today))
    look("citation", lambda: check_citation((root / "CITATION.cff").read_text("utf-8"), version, day))
    look("tag", lambda: check_tag(root, version))
    look("wheel", lambda: (build_archives(root, out), check_wheel(out, version))[1])
    look("components", lambda: write_sbom(root, out, version))
    look("site", lambda: check_site(site, version))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "site")
    asked = parser.parse_args(arguments)
    found = rows(ROOT, asked.out.resolve(), asked.site.resolve(), date.today())
    for is_ok, name, words in found:
        sys.stdout.write(f"{'ok ' if is_ok else 'NO '} {name:<11} {words}\n")
    refused = sum(not is_ok for is_ok, _, _ in found)
    sys.stdout.write(f"\n{'Ready.' if not refused else f'Not ready: {refused} of {len(found)} refuse.'}\n")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
