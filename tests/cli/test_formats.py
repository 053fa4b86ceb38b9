"""`--format`: one table for a spreadsheet, a page or a paper, of every command that compares figures."""

import csv
import io
import json
import re

import pytest

from fittingroom.cli.formats import written_table

COLUMNS = ["name", "value", "n"]
ROWS = [["50 % of a_b & c|d", 0.123456789, 7], ['say, "no"', None, 8]]


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1-1", "-1+1", "@SUM(1)", "\t=1"])
def test_a_name_that_a_spreadsheet_would_carry_out_is_a_text(name):
    (row,) = read_csv(written_table("csv", ["name", "change"], [[name, -0.5]]))
    assert row == {"name": f"'{name}", "change": "-0.5"}


def test_csv_has_every_digit_and_comes_back_as_it_went():
    rows = read_csv(written_table("csv", COLUMNS, ROWS))
    assert rows[0] == {"name": "50 % of a_b & c|d", "value": "0.123456789", "n": "7"}
    assert rows[1] == {"name": 'say, "no"', "value": "", "n": "8"}


def test_markdown_keeps_its_columns_whatever_a_name_holds():
    lines = written_table("markdown", COLUMNS, ROWS).splitlines()
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines] == [4] * 4
    assert lines[1] == "| :-- | --: | --: |"
    assert lines[3] == '| say, "no" | - | 8 |'


def test_latex_escapes_what_it_would_read_as_its_own():
    text = written_table("latex", [*COLUMNS, "x_y"], [[*ROWS[0], "~^\\{}#$"]])
    assert text.startswith("\\begin{tabular}{lrrl}\n\\hline\nname & value & n & x\\_y \\\\")
    assert r"50 \% of a\_b \& c|d & 0.1235 & 7" in text
    assert r"\textasciitilde{}\textasciicircum{}\textbackslash{}\{\}\#\$ \\" in text


@pytest.mark.parametrize("words", [["runs", "list"], ["evaluate", "runs/x"], ["compare", "a", "b"], ["ladder"]])
def test_a_table_and_json_at_once_are_refused(run, words):
    answer = run(*words, "--format", "csv", "--json")
    assert (answer.code, answer.out) == (2, "")
    assert "Expected --format csv or --json, received both. Leave one out." in answer.err


def test_evaluate_gives_every_score_with_its_interval_and_every_class(run, trained, toy_folder):
    facts = json.loads(run("evaluate", trained, "--dataset", toy_folder, "--json").out)
    rows = read_csv(run("evaluate", trained, "--dataset", toy_folder, "--format", "csv").out)
    accuracy = rows[0]
    assert (accuracy["score"], accuracy["class"], accuracy["n"]) == ("accuracy", "all", "200")
    assert float(accuracy["value"]) == facts["accuracy"]
    assert [float(accuracy["low"]), float(accuracy["high"])] == facts["accuracy_interval"]
    recalls = {row["class"]: row["value"] for row in rows if row["score"] == "recall"}
    assert recalls == {score["name"]: str(score["recall"]) for score in facts["classes"]}
    assert run("evaluate", trained, "--dataset", toy_folder, "--format", "latex").out.endswith("\\end{tabular}\n")


def test_evaluate_still_fails_under_a_gate_in_every_format(run, trained, toy_folder):
    words = ["evaluate", trained, "--dataset", toy_folder, "--fail-under", "accuracy=1.0"]
    facts = json.loads(run(*words, "--json").out)
    assert run(*words, "--format", "csv").code == (0 if facts["accuracy"] == 1 else 1)


def test_runs_are_a_table_too_and_a_damaged_one_has_its_error(run, trained, tmp_path):
    import shutil

    shutil.copytree(trained, tmp_path / "runs" / "good")
    shutil.copytree(trained, tmp_path / "runs" / "bad")
    (tmp_path / "runs" / "bad" / "environment.json").write_text("[]")
    bad, good = read_csv(run("runs", "list", tmp_path / "runs", "--format", "csv").out)
    listed = json.loads(run("runs", "list", tmp_path / "runs", "--json").out)["runs"]
    assert (bad["state"], bad["error"]) == ("damaged", listed[0]["error"])
    assert (good["accuracy"], good["error"]) == (str(listed[1]["accuracy"]), "")


def test_the_ladder_is_a_table_from_its_logs(run, tmp_path):
    words = ["ladder", "--table-only", "--out", tmp_path / "ladder", "--format"]
    rows = read_csv(run(*words, "csv").out)
    assert rows[0]["rung"] == "walkthrough"
    assert {row["n"] for row in rows} == {"0"}
    assert {row["mean"] for row in rows} == {""}
    assert run(*words, "markdown").out.startswith("| rung | mean | sd |")
