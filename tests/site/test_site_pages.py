"""What is on the site before it is built: every name, command, page and figure, and links that lead somewhere."""

import json
import re
import sys
from pathlib import Path

import pytest

import fittingroom as fr
from fittingroom.ladder.ladder_table import measured

pytest.importorskip("yaml", reason="no PyYAML: install the dev extra")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def contents(site_script):
    return site_script("contents")


@pytest.fixture(scope="module")
def reference(site_script):
    return site_script("reference_pages")


@pytest.fixture(scope="module")
def gather(site_script):
    return site_script("gather")


@pytest.fixture(scope="module")
def site(gather):
    """Its pages, and the files beside them."""
    return gather.gathered()


@pytest.mark.parametrize("name", fr.__all__)
def test_every_public_name_has_its_page_and_its_line_in_the_list_of_names(name, site, reference):
    texts, _ = site
    page = texts[f"api/{reference.slug(name)}.md"]
    assert page.startswith(f"# `fr.{name}`")
    assert f"[`fr.{name}`]({reference.slug(name)}.md)" in texts["api/index.md"]


def test_no_group_of_names_holds_what_is_not_public_or_stands_in_two(reference):
    named = [name for names in reference.NAMES.values() for name in names]
    assert sorted(named) == sorted(set(named))
    assert set(named) <= set(fr.__all__)


def test_every_command_has_its_page_with_each_of_its_options(site, reference):
    texts, _ = site
    for name in reference.commands():
        page = texts[f"commands/{reference.slug(name)}.md"]
        assert page.startswith(f"# `fittingroom {name}`")
    for option in ("--model", "--recipe", "--seeds", "--find-lr", "--no-onnx", "--json"):
        assert option in texts["commands/train.md"], option


def test_names_lead_to_the_commands_that_do_the_same(reference):
    from test_public_names import FUNCTIONS

    assert [pair for pair in reference.COMMAND_OF.items() if FUNCTIONS.get(pair[1]) != pair[0]] == []
    assert [name for name in FUNCTIONS.values() if reference.command_of(name) is None] == []


def test_every_page_of_the_docs_is_on_the_site(site, contents):
    texts, _ = site
    known = contents.places()
    for path in [*(ROOT / "docs").glob("*.md"), ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]:
        assert f"{known[path.relative_to(ROOT).as_posix()]}.md" in texts, path.name
    assert "walkthrough.ipynb" in texts


def test_a_page_that_nobody_has_placed_yet_is_on_the_site_all_the_same(contents, monkeypatch, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "brand-new.md").write_text("# New\n\nIt does [a thing](x.md). More.\n")
    monkeypatch.setattr(contents, "ROOT", tmp_path)
    monkeypatch.setattr(contents, "DOCS", tmp_path / "docs")
    assert contents.guides()[-1] == ("More", {"docs/brand-new.md": "It does a thing."})


def test_a_link_to_a_page_becomes_one_of_the_site_and_a_file_comes_along(contents):
    text, files = contents.rewritten(
        "[a](../CHANGELOG.md) [b](glossary.md#epoch) ![c](images/page.png) [d](../examples/walkthrough.py) [e](#here)",
        "docs/judging.md",
        "guides/judging",
    )
    assert "[a](../project/changelog.md) [b](../reference/glossary.md#epoch) ![c](../images/page.png)" in text
    assert "[d](../files/examples/walkthrough.py) [e](#here)" in text
    assert files == {
        "docs/images/page.png": "images/page.png",
        "examples/walkthrough.py": "files/examples/walkthrough.py",
    }


def test_what_looks_like_a_link_in_a_block_of_code_stays(contents):
    text = "```python\nx[0](absent.md)\n```\n"
    assert contents.rewritten(text, "docs/judging.md", "guides/judging") == (text, {})


@pytest.mark.parametrize("target", ["absent.md", "../../etc/hostname", "images/absent.png"])
def test_a_link_that_leads_nowhere_is_an_error(contents, target):
    with pytest.raises(ValueError, match=re.escape(f"docs/judging.md: {target} leads to nothing in the repository")):
        contents.rewritten(f"[x]({target})", "docs/judging.md", "guides/judging")


def test_a_table_of_benchmarks_that_nobody_has_placed_is_among_the_results(contents, monkeypatch, tmp_path):
    for folder in ("docs", "benchmarks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "benchmarks" / "new.md").write_text("# New\n\nIt measures a thing. More.\n")
    monkeypatch.setattr(contents, "ROOT", tmp_path)
    monkeypatch.setattr(contents, "DOCS", tmp_path / "docs")
    assert contents.results() == {"benchmarks/new.md": "It measures a thing."}
    assert contents.places()["benchmarks/new.md"] == "results/new"


def test_a_link_to_a_page_that_has_no_place_on_the_site_is_an_error_that_says_what_to_do(contents, monkeypatch):
    monkeypatch.setattr(contents, "results", dict)
    with pytest.raises(ValueError, match=r"speed.md is a page that the site has not. Give it a place in"):
        contents.rewritten("[x](../benchmarks/speed.md)", "docs/ladder.md", "guides/ladder")


@pytest.mark.parametrize("target", ["../examples/class/source", "images", "../src/"])
def test_a_link_to_a_folder_is_an_error_that_says_what_to_do(contents, target):
    words = rf"docs/judging.md: {re.escape(target)} is a folder without a README.md.*Link to a file in it, or write"
    with pytest.raises(ValueError, match=words):
        contents.rewritten(f"[x]({target})", "docs/judging.md", "guides/judging")
    text, _ = contents.rewritten("[x](deploy)", "docs/judging.md", "guides/judging")
    assert text == "[x](deploy.md)"


def test_the_build_says_what_is_wrong_with_a_link_and_shows_no_traceback(site_script, monkeypatch, tmp_path):
    pytest.importorskip("sphinx")
    build = site_script("build")

    def gathered():
        raise ValueError("docs/a.md: b is a folder")

    monkeypatch.setattr(build, "gathered", gathered)
    assert build.build(tmp_path / "site", "fashion-mnist") == ["docs/a.md: b is a folder"]


def test_no_guide_is_left_under_more(contents):
    assert [title for title, _ in contents.guides() if title == "More"] == []


def test_every_page_is_in_a_list_of_pages(site):
    texts, _ = site
    listed = {"index"}
    for name, text in texts.items():
        folder = name.rpartition("/")[0]
        for block in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
            for line in filter(None, (line.strip() for line in block.splitlines())):
                line = line.partition(" <")[2].rstrip(">") or line  # Title <page>
                if not line.startswith(":"):
                    listed.add(line.strip("/") if line.startswith("/") else f"{folder}/{line}".strip("/"))
    assert {name.rpartition(".")[0] for name in texts} == listed


def test_the_results_are_those_of_the_files(site):
    texts, _ = site
    page = texts["results/index.md"]
    for row in measured().values():
        if row["mean"] is not None:
            assert f"| `{row['rung']}` | {row['mean']:.4f} |" in page
    printed = (ROOT / "docs" / "photo-results.md").read_text("utf-8").splitlines()
    assert [line for line in printed if line.startswith("| folds: ") and line not in page] == []
    assert "<svg" in page


def test_baselines_that_were_measured_are_told_and_others_are_said_to_be_absent(site_script, monkeypatch, tmp_path):
    results = site_script("result_pages")
    monkeypatch.setattr(results, "BASELINES", (tmp_path / "absent.csv",))
    assert "Not measured yet" in results.baselines()
    rows = "family,accuracy\nSVC,0.89\nSVC,0.897\nGaussianNB,0.511\nLate,\n"
    (tmp_path / "baselines.csv").write_text(rows)
    monkeypatch.setattr(results, "BASELINES", (tmp_path / "baselines.csv",))
    told = results.baselines()
    assert "| SVC | 0.8970 |\n| GaussianNB | 0.5110 |" in told
    assert "best of 3 fits" in told


def test_the_start_page_tells_recipes_and_seconds_as_measured(site):
    texts, _ = site
    told = measured()
    assert f"{told['walkthrough']['mean']:.2f} in two seconds" in texts["index.md"]
    assert 1 <= told["walkthrough"]["seconds"] <= 2.5
    assert f"{told['95']['mean']:.2f}"[:4] == "0.95"
    assert 3000 < told["95"]["seconds"] < 4000  # an hour


def test_start_shows_the_readmes_commands_and_its_output():
    readme = (ROOT / "README.md").read_text("utf-8")
    start = (ROOT / "docs" / "site" / "start.md").read_text("utf-8")
    blocks = re.findall(r"```(?:sh|powershell|text)\n(.*?)```", start.partition("## What next")[0], re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line]
    assert len(lines) > 9
    assert [line for line in lines if line not in readme] == []


def test_lessons_come_with_their_titles_and_links(contents, gather, monkeypatch, tmp_path):
    lesson = {
        "cells": [{"cell_type": "markdown", "source": ["# Look at data\n", "See [judging](../../docs/judging.md)."]}]
    }
    for path in ("docs", "examples/class"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "docs" / "judging.md").write_text("# Judging\n")
    (tmp_path / "examples" / "class" / "lesson-1-look.ipynb").write_text(json.dumps(lesson))
    for module in (contents, gather):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(contents, "DOCS", tmp_path / "docs")
    assert contents.lessons() == ["examples/class/lesson-1-look.ipynb"]
    assert "[Look at data](lesson-1-look.ipynb)" in gather._class_index()
    text, _ = gather._notebook(json.dumps(lesson), "examples/class/lesson-1-look.ipynb", "class/lesson-1-look")
    assert "[judging](../guides/judging.md)" in text


def test_the_citation_is_valid_by_its_own_rules_and_of_this_version(gather):
    told = gather.citation()
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= told.keys()
    assert told["version"] == fr.__version__
    assert gather.bibtex(told).startswith("@software{fittingroom,\n  title   = {{fittingroom: ")
    assert "author  = {{The fittingroom authors}}" in gather.bibtex(told)


LINKED = {
    "index.html": '<a href="a/b.html#x">b</a><img src="p.png"><script src="s.js"></script>',
    "a/b.html": '<h1 id="x">B</h1><a href="../index.html">up</a><a href="https://example.org/">out</a>',
    "p.png": "",
    "s.js": "",
}


def built(folder, **changed):
    for name, text in {**LINKED, **changed}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_site_whose_links_all_lead_somewhere_has_no_fault(site_script, tmp_path):
    assert site_script("links").faults(built(tmp_path)) == []


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ('<a href="absent.html">x</a>', "absent.html leads to nothing"),
        ('<a href="a/b.html#y">x</a>', "a/b.html#y leads to a place on a page that is not there"),
        ('<a href="#y">x</a>', "#y leads to a place"),
        ('<a href="/a/b.html">x</a>', "/a/b.html begins at the root"),
        ('<a href="../elsewhere.html">x</a>', "../elsewhere.html leads out of the site"),
        ('<a href="a/">x</a>', "a/ leads to a folder"),
        ('<img src="q.png">', "q.png leads to nothing"),
        ('<script src="https://cdn.example.org/x.js"></script>', "is fetched from outside"),
        ('<link rel="stylesheet" href="//fonts.example.org/x.css">', "is fetched from outside"),
    ],
)
def test_a_link_that_is_wrong_is_found(site_script, tmp_path, html, words):
    (fault,) = site_script("links").faults(built(tmp_path, **{"index.html": html}))
    assert fault.startswith("index.html: ")
    assert words in fault


def test_issues_are_asked_for_what_doctor_prints():
    yaml = sys.modules["yaml"]
    for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")):
        told = yaml.safe_load(path.read_text("utf-8"))
        if path.stem == "config":
            assert told["blank_issues_enabled"] is False
            continue
        asked = {each.get("id"): each for each in told["body"]}
        assert "fittingroom doctor" in asked["doctor"]["attributes"]["label"], path.name
    bug = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text("utf-8"))
    assert next(each for each in bug["body"] if each.get("id") == "doctor")["validations"]["required"] is True
