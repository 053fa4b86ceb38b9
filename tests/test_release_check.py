"""`make release-check`: what it refuses, and in which words; on small repositories made here."""

import importlib.util
import json
import re
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TODAY = date(2026, 12, 1)
GOOD = "# Changelog\n\n## 0.2.0 (2026-11-30)\n\n- A thing.\n\n## 0.1.0 (2026-10-01)\n\n- The first.\n"
CITATION = "title: x\nversion: 0.2.0\ndate-released: 2026-11-30\n"
pytest.importorskip("yaml", reason="no PyYAML: install the dev extra")


@pytest.fixture(scope="module")
def check():
    spec = importlib.util.spec_from_file_location("release_check", ROOT / "scripts" / "release_check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(folder, *words):
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path):
    """A repository that is ready, but for what is built."""
    folder = tmp_path / "clone"
    (folder / "src" / "fittingroom").mkdir(parents=True)
    (folder / "src" / "fittingroom" / "_version.py").write_text('__version__ = "0.2.0"\n')
    (folder / "CHANGELOG.md").write_text(GOOD)
    (folder / "CITATION.cff").write_text(CITATION)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "all")
    git(folder, "tag", "-a", "v0.2.0", "-m", "0.2.0")
    return folder


def wheel(folder, name="fittingroom-0.2.0-py3-none-any.whl", version="0.2.0"):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as made:
        made.writestr("fittingroom-0.2.0.dist-info/METADATA", f"Name: fittingroom\nVersion: {version}\n")
    return folder


def test_what_is_ready_is_ok_in_every_row(check, clone, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "build_archives", lambda root, out: wheel(out))
    monkeypatch.setattr(check, "write_sbom", lambda root, out, version: "list, 30 components")
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<title>fittingroom 0.2.0</title>")
    found = check.rows(clone, tmp_path / "dist", site, TODAY)
    assert [name for _, name, _ in found] == ["version", "changelog", "citation", "tag", "wheel", "components", "site"]
    assert all(is_ok for is_ok, _, _ in found), found


def test_every_row_is_told_whatever_was_refused_before(check, clone, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "build_archives", lambda root, out: wheel(out, version="0.1.0"))
    monkeypatch.setattr(check, "write_sbom", lambda root, out, version: "list, 30 components")
    (clone / "CHANGELOG.md").write_text("# Changelog\n\n## 0.2.0 (unreleased)\n\n- A thing.\n")
    found = check.rows(clone, tmp_path / "dist", tmp_path / "site", TODAY)
    assert [name for is_ok, name, _ in found if not is_ok] == ["changelog", "citation", "tag", "wheel", "site"]


@pytest.mark.parametrize("said", ["0.2.0.dev1", "0.2.0rc1", "v0.2.0", "0.2.0+local", "two", ""])
def test_a_version_that_is_none_of_a_release_is_refused(check, clone, said):
    (clone / "src" / "fittingroom" / "_version.py").write_text(f'__version__ = "{said}"\n')
    with pytest.raises(check.Refused, match=r"expected a .*version such as 0.2.0 in _version.py"):
        check.package_version(clone)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# Changelog\n", "found no version at all"),
        (GOOD.replace("(2026-11-30)", "(unreleased)"), "expected the day of the release"),
        (GOOD.replace(" (2026-11-30)", ""), "expected the day of the release"),
        (GOOD.replace("(2026-11-30)", "(30 November)"), "expected the day of the release"),
        (GOOD.replace("2026-11-30", "2026-12-24"), "expected a day that has come, found 2026-12-24"),
        (GOOD.replace("- A thing.\n", ""), "expected a line for each change below 0.2.0"),
        (GOOD.replace("## 0.2.0", "## 0.3.0"), "expected 0.2.0 first in CHANGELOG.md, found 0.3.0"),
        (GOOD.replace("## 0.1.0", "## 0.9.0"), "expected a version above 0.9.0"),
        (GOOD.replace("## 0.1.0", "## 0.2.0"), "expected a version above 0.2.0"),
    ],
)
def test_a_changelog_that_does_not_tell_this_version_is_refused(check, text, words):
    with pytest.raises(check.Refused, match=words):
        check.check_changelog(text, "0.2.0", TODAY)


def test_a_citation_of_another_version_or_day_is_refused(check):
    day = date(2026, 11, 30)
    assert check.check_citation(CITATION, "0.2.0", day) == "0.2.0, 2026-11-30"
    with pytest.raises(check.Refused, match=r"expected version 0.3.0 in CITATION.cff, found 0.2.0"):
        check.check_citation(CITATION, "0.3.0", day)
    with pytest.raises(check.Refused, match=r"expected date-released: 2026-12-01 in CITATION.cff, found 2026-11-30"):
        check.check_citation(CITATION, "0.2.0", TODAY)
    with pytest.raises(check.Refused, match=r"found none"):
        check.check_citation("version: 0.2.0\n", "0.2.0", day)


def test_a_tag_that_is_missing_or_elsewhere_is_refused(check, clone):
    assert check.check_tag(clone, "0.2.0").startswith("v0.2.0 at ")
    with pytest.raises(check.Refused, match=r"expected the tag v0.3.0 at this commit, found none"):
        check.check_tag(clone, "0.3.0")
    (clone / "new.txt").write_text("later\n")
    with pytest.raises(check.Refused, match=r"expected no change since the commit, found 1: new.txt"):
        check.check_tag(clone, "0.2.0")
    (clone / "new.txt").unlink()
    known = next(path for path in sorted(clone.iterdir()) if path.is_file())
    known.write_text("changed\n")
    with pytest.raises(check.Refused, match=rf"found 1: {re.escape(known.name)}\. Commit"):
        check.check_tag(clone, "0.2.0")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "later")
    with pytest.raises(check.Refused, match=r"expected the tag v0.2.0 at this commit, \w{9}, found it at \w{9}"):
        check.check_tag(clone, "0.2.0")


def test_a_branch_that_is_called_like_the_tag_is_none(check, clone):
    git(clone, "branch", "v0.4.0")
    with pytest.raises(check.Refused, match=r"found none"):
        check.check_tag(clone, "0.4.0")


def test_an_unpacked_zip_is_no_clone(check, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "zip").mkdir()
    with pytest.raises(check.Refused, match=r"expected a git clone with a commit"):
        check.check_tag(tmp_path / "zip", "0.2.0")


def test_a_wheel_that_lacks_is_old_or_is_not_alone_is_refused(check, tmp_path):
    with pytest.raises(check.Refused, match=r"expected one wheel in dist/, found none"):
        check.check_wheel(tmp_path / "dist", "0.2.0")
    wheel(tmp_path / "dist")
    assert check.check_wheel(tmp_path / "dist", "0.2.0") == "fittingroom-0.2.0-py3-none-any.whl"
    with pytest.raises(check.Refused, match=r"expected version 0.3.0 in fittingroom-0.2.0.*, found 0.2.0"):
        check.check_wheel(tmp_path / "dist", "0.3.0")
    wheel(tmp_path / "dist", "fittingroom-0.1.0-py3-none-any.whl")
    with pytest.raises(check.Refused, match=r"found fittingroom-0.1.0.*, fittingroom-0.2.0.*Remove the old ones"):
        check.check_wheel(tmp_path / "dist", "0.2.0")


def test_the_list_of_components_is_what_the_core_brings_and_no_more(check):
    wanted = ["keras>=3.10,<4", "torch>=2.9"]
    listed = check.components(wanted, check.pins((ROOT / "constraints.txt").read_text("utf-8")))
    names = [each.partition("==")[0] for each in listed]
    assert {"keras", "torch", "numpy", "sympy", "h5py"} <= set(names)
    assert not {"pytest", "mypy", "fastapi", "fittingroom"} & set(names)
    assert names == sorted(names)


def test_a_component_that_is_not_pinned_is_refused(check):
    with pytest.raises(check.Refused, match=r"expected numpy to be pinned"):
        check.components(["numpy>=2"], {})
    with pytest.raises(check.Refused, match=r"expected no-such-thing to be installed here"):
        check.components(["no-such-thing"], {"no-such-thing": "1.0"})


def test_a_list_that_lacks_a_component_is_refused(check):
    told = {"components": [{"name": "NumPy", "version": "2.4.6"}]}
    assert check.check_sbom(told, ["numpy==2.4.6"], "list") == "list, 1 components"
    with pytest.raises(check.Refused, match=r"found none of torch==2.13.0"):
        check.check_sbom(told, ["numpy==2.4.6", "torch==2.13.0"], "list")
    with pytest.raises(check.Refused, match=r"found none of numpy==2.4.7"):
        check.check_sbom(told, ["numpy==2.4.7"], "list")


def test_a_site_that_is_not_built_or_of_another_version_is_refused(check, tmp_path):
    with pytest.raises(check.Refused, match=r"expected index.html in site/, found none. Run: make site"):
        check.check_site(tmp_path / "site", "0.2.0")
    (tmp_path / "index.html").write_text("<title>fittingroom 0.1.0</title>")
    with pytest.raises(check.Refused, match=r"another version's. Run: make site"):
        check.check_site(tmp_path, "0.2.0")


@pytest.mark.soak
def test_the_list_of_components_is_written_in_the_standard_form(check, tmp_path):
    pytest.importorskip("cyclonedx_py", reason="no cyclonedx-bom: install the dev extra")
    assert "components" in check.write_sbom(ROOT, tmp_path, "0.1.0")
    told = json.loads((tmp_path / "fittingroom-0.1.0.cdx.json").read_text("utf-8"))
    assert told["bomFormat"] == "CycloneDX"
    assert told["metadata"]["component"]["name"] == "fittingroom"
