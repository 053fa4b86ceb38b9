"""Climbing: each seed is scored once, what is logged is not measured again, and the outputs are written."""

import json

import pytest

from fittingroom.errors import UsageError
from fittingroom.ladder import log
from fittingroom.ladder.climb import Climb, chosen, climb
from fittingroom.ladder.log import Look, Timing


@pytest.fixture
def plan(tmp_path):
    return Climb(("walkthrough",), 2, tmp_path, tmp_path / "looks.jsonl", tmp_path / "times.jsonl", time=True)


def test_a_climb_scores_each_seed_once_and_does_not_do_it_again(plan, toy):
    said = []
    first = climb(plan, toy, say=said.append)
    looks = log.read(plan.log, Look)
    assert [look.seed for look in looks] == [0, 1]
    assert len(log.read(plan.times, Timing)) == 1
    assert first == climb(plan, toy, say=said.append)
    assert log.read(plan.log, Look) == looks
    assert sum("seed" in line for line in said) == 2


def test_a_climb_writes_the_table_the_page_and_the_json_twin(plan, toy):
    rows = climb(plan, toy, say=lambda _: None)
    assert "`walkthrough`" in (plan.root / "ladder.md").read_text()
    page = (plan.root / "ladder.html").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    twin = json.loads((plan.root / "ladder.json").read_text())
    row = next(row for row in twin["rungs"] if row["rung"] == "walkthrough")
    assert row["mean"] == next(row.mean for row in rows if row.rung == "walkthrough")


def test_an_unknown_rung_is_an_error_that_suggests():
    with pytest.raises(UsageError, match="walkthrough"):
        chosen(["walktrough"])
