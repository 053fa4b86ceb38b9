"""Measuring the ladder: each seed is scored once, what is logged is not measured again, the outputs are written."""

import json
from itertools import count

import pytest

from fittingroom.errors import UsageError
from fittingroom.ladder import look_log
from fittingroom.ladder.ladder_plan import chosen, run_ladder
from fittingroom.ladder.look_log import TestLook, Timing
from fittingroom.ladder.measure import TAKES, plain_loop, time_epochs


@pytest.fixture
def measure(toy, tmp_path):
    """Measure two seeds of a rung, into a folder."""
    return lambda log=print: run_ladder(
        ["walkthrough"], toy, tmp_path, tmp_path / "looks.jsonl", tmp_path / "times.jsonl", seeds=2, log=log
    )


def test_each_seed_is_scored_once_and_not_again(measure, tmp_path):
    said = []
    first = measure(said.append)
    looks = look_log.read(tmp_path / "looks.jsonl", TestLook)
    assert [look.seed for look in looks] == [0, 1]
    assert len(look_log.read(tmp_path / "times.jsonl", Timing)) == 1
    assert first == measure(said.append)
    assert look_log.read(tmp_path / "looks.jsonl", TestLook) == looks
    assert sum("seed" in line for line in said) == 2


def test_the_table_the_page_and_the_json_twin_are_written(measure, tmp_path):
    rows = measure()
    assert "`walkthrough`" in (tmp_path / "ladder.md").read_text()
    page = (tmp_path / "ladder.html").read_text()
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    twin = json.loads((tmp_path / "ladder.json").read_text())
    row = next(row for row in twin["rungs"] if row["rung"] == "walkthrough")
    assert row["mean"] == next(row.mean for row in rows if row.rung == "walkthrough")


def test_a_timing_whose_yardstick_changed_by_more_than_a_fifth_is_taken_again(toy):
    seconds, told = iter([1.0, 1.3, 1.0, 1.1]), []
    timing = time_epochs("walkthrough", toy, lambda: next(seconds), log=told.append, epochs=1)
    assert timing.yardstick_seconds == (1.0, 1.1)
    assert len(told) == 1
    assert "1.00 s before and 1.30 s after" in told[0]


def test_a_machine_that_is_never_quiet_ends_the_taking_again(toy):
    seconds = count(1)
    timing = time_epochs("walkthrough", toy, lambda: 2.0 ** next(seconds), epochs=1)
    assert timing.yardstick_seconds == (2.0 ** (2 * TAKES - 1), 2.0 ** (2 * TAKES))


def test_the_yardstick_is_the_seconds_of_the_loops_last_epoch_and_a_broken_one_is_one_sentence(tmp_path):
    script = tmp_path / "loop.py"
    script.write_text("import sys; assert sys.argv[1:] == ['thin-conv', '2']; print([9.0, 2.5])")
    assert plain_loop(script)() == 2.5
    script.write_text("raise SystemExit('no data')")
    with pytest.raises(UsageError, match=r"loop.py failed: no data"):
        plain_loop(script)()


def test_an_unknown_rung_is_an_error_that_suggests():
    with pytest.raises(UsageError, match="walkthrough"):
        chosen(["walktrough"])
