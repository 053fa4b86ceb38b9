"""Climbing: each seed is scored once, what is logged is not measured again, and the outputs are written."""

import json

import pytest

from fittingroom.errors import UsageError
from fittingroom.ladder import look_log
from fittingroom.ladder.ladder_plan import LadderPlan, chosen, run_ladder
from fittingroom.ladder.look_log import TestLook, Timing


@pytest.fixture
def plan(tmp_path):
    return LadderPlan(("walkthrough",), 2, tmp_path, tmp_path / "looks.jsonl", tmp_path / "times.jsonl", time=True)


def test_a_climb_scores_each_seed_once_and_does_not_do_it_again(plan, toy):
    said = []
    first = run_ladder(plan, toy, log=said.append)
    looks = look_log.read(plan.log, TestLook)
    assert [look.seed for look in looks] == [0, 1]
    assert len(look_log.read(plan.times, Timing)) == 1
    assert first == run_ladder(plan, toy, log=said.append)
    assert look_log.read(plan.log, TestLook) == looks
    assert sum("seed" in line for line in said) == 2


def test_a_climb_writes_the_table_the_page_and_the_json_twin(plan, toy):
    rows = run_ladder(plan, toy, log=lambda _: None)
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
