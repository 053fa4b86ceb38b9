"""The log of looks: what is written is read back, and a line that is not one of it is named."""

import pytest

from fittingroom.errors import RunError
from fittingroom.ladder.look_log import TestLook, Timing, append, read


def test_what_is_written_is_read_back_in_order(tmp_path):
    lines = [Timing("90", "now", (1.0, 2.0), 4, "m", (0.5, 0.6)), Timing("92", "now", (3.0,), 5, "m", ())]
    for line in lines:
        append(tmp_path / "new" / "times.jsonl", line)
    assert read(tmp_path / "new" / "times.jsonl", Timing) == lines


def test_no_log_is_an_empty_log(tmp_path):
    assert read(tmp_path / "none.jsonl", TestLook) == []


@pytest.mark.parametrize("text", ["{not json", '{"rung": "90"}', "[1, 2]"])
def test_a_line_that_is_not_one_of_the_log_is_named(tmp_path, text):
    path = tmp_path / "log.jsonl"
    path.write_text(text + "\n")
    with pytest.raises(RunError, match=r"log\.jsonl, line 1: expected a JSON object"):
        read(path, TestLook)
