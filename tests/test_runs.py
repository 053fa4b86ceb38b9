import errno
import json

import numpy as np
import pytest

from fittingroom import runs
from fittingroom.errors import RunError


@pytest.fixture
def run(tmp_path):
    return runs.create(tmp_path / "one", "walkthrough", 0, {"seed": 0, "dataset": "toy"})


def test_out_names_the_folder_itself(run, tmp_path):
    assert run.folder == tmp_path / "one"
    assert run.environment == {"seed": 0, "dataset": "toy"}


def test_the_default_folder_is_named_by_time_name_and_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert __import__("re").fullmatch(r"\d{8}-\d{6}-thin-conv-s7", runs.create(None, "thin-conv", 7, {}).name)


def test_a_folder_that_holds_another_run_is_refused(run):
    with pytest.raises(RunError, match="holds another run"):
        runs.create(run.folder, "x", 0, {})


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="expected an empty or a new folder"):
        runs.create(tmp_path, "x", 0, {})
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="the run folder cannot be written"):
        runs.create(tmp_path / "file" / "run", "x", 0, {})


def test_history_keeps_lines_in_order(run):
    for epoch in (1, 2, 3):
        run.append_line("history.jsonl", {"epoch": epoch, "seconds": 1.5, "images": 10, "loss": 0.5, "accuracy": 0.9})
    assert [line["epoch"] for line in run.history] == [1, 2, 3]


def test_predictions_come_back_as_they_went(run):
    written = runs.Predictions(
        np.eye(3, dtype=np.float32), np.arange(3), np.array([7, 8, 9]), "test", ("a", "b", "ç"), "0123456789abcdef"
    )
    run.write_predictions(written)
    read = run.predictions
    assert read.class_names == ("a", "b", "ç")
    assert (read.split, read.fingerprint) == ("test", "0123456789abcdef")
    np.testing.assert_array_equal(read.probabilities, written.probabilities)
    np.testing.assert_array_equal(read.indices, [7, 8, 9])


def test_predictions_that_are_not_there_name_the_command(run):
    with pytest.raises(RunError, match="Try: fittingroom evaluate"):
        _ = run.predictions


def test_a_file_that_is_missing_is_named(run):
    with pytest.raises(RunError, match=r"has no resolved\.json"):
        _ = run.resolved


def test_json_that_is_damaged_is_one_sentence(run):
    (run.folder / "resolved.json").write_text("{")
    with pytest.raises(RunError, match=r"resolved\.json: expected a JSON object"):
        _ = run.resolved


def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(run, monkeypatch):
    run.write_json("verdict.json", {"accuracy": 1})

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.write_json("verdict.json", {"accuracy": 2})
    assert run.verdict == {"accuracy": 1}
    assert sorted(path.name for path in run.folder.iterdir()) == ["environment.json", "verdict.json"]


def test_open_run_suggests_a_close_name(run):
    with pytest.raises(RunError, match=r"Did you mean '.*one'"):
        runs.open_run(run.folder.parent / "ome")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"holds no environment\.json"):
        runs.open_run(tmp_path)


def test_list_runs_finds_runs_and_passes_over_the_rest(run):
    (run.folder.parent / "notes").mkdir()
    assert [found.folder for found in runs.list_runs(run.folder.parent)] == [run.folder]
    assert runs.list_runs(run.folder / "nowhere") == []


def test_files_are_plain_json_that_other_tools_read(run):
    run.write_json("resolved.json", {"name": "Zoë"})
    assert json.loads((run.folder / "resolved.json").read_text("utf-8")) == {"name": "Zoë"}
