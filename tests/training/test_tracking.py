"""Trackers are told each epoch's figures by their own clients, offline, into the run's folder."""

import json
from importlib.util import find_spec

import pytest

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.training import tracking
from fittingroom.training.tracking import TRACKERS, Tracker, check_trackers, ways_to_look

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


@pytest.fixture
def tracked_run(toy_folder, tmp_path, monkeypatch):
    """Train a small run with a tracker; the test skips where its client is not installed."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_MODE", "WANDB_PROJECT", "TRACKIO_DIR"):
        monkeypatch.delenv(name, raising=False)

    def train(name, **named):
        missing = [package for package in TRACKERS[name].packages if find_spec(package) is None]
        if missing:
            pytest.skip(f"{' and '.join(missing)} not installed (pip install it)")
        asked = {"epochs": 2, "validation": 100, "onnx": False, "out": tmp_path / "run", **named}
        return fr.train("walkthrough", toy_folder, track=name, **asked)

    return train


def test_tensorboard_has_every_figure_of_every_epoch(tracked_run):
    run = tracked_run("tensorboard")
    assert read_events(run) == {
        (name, line["epoch"]): pytest.approx(line[name], rel=1e-6) for name in FIGURES for line in run.history
    }
    assert run.environment["tracking"] == ["tensorboard"]
    assert ways_to_look(run) == [f"tensorboard --logdir {run.folder}"]


def read_events(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.folder / "tensorboard"))
    events.Reload()
    return {(name, event.step): event.value for name in FIGURES for event in events.Scalars(name)}


def test_a_stopped_run_goes_on_in_its_tracker(tracked_run, tmp_path):
    import signal

    calls = []

    def stop(progress):
        calls.append(progress)
        if progress.done:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(fr.errors.Interrupted):
        tracked_run("tensorboard", epochs=3, on_progress=stop)
    from fittingroom.workflows.training import resume_run

    run = resume_run(tmp_path / "run", onnx=False)
    assert sorted({step for _, step in read_events(run)}) == [1, 2, 3]


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own, with SQLAlchemy 2.1
def test_mlflow_has_every_figure_and_setting_in_a_store_of_the_runs_own(tracked_run):
    run = tracked_run("mlflow")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{run.folder.resolve() / 'mlflow.db'}")
    number = json.loads((run.folder / "tracking.json").read_text())["mlflow"]
    for name in FIGURES:
        history = client.get_metric_history(number, name)
        assert [point.value for point in history] == [line[name] for line in run.history]
    kept = client.get_run(number)
    assert kept.info.status == "FINISHED"
    assert kept.data.params["batch_size"] == "128"


@pytest.mark.soak
def test_wandb_writes_an_offline_run_into_the_folder(tracked_run):
    run = tracked_run("wandb")
    (written,) = (run.folder / "wandb").glob("offline-run-*/run-*.wandb")
    assert all(name.encode() in written.read_bytes() for name in FIGURES)


def test_trackio_has_a_database_beside_the_runs(tracked_run):
    run = tracked_run("trackio")
    assert len(list((run.folder.parent / "trackio").rglob("*.db"))) == 1
    from trackio.sqlite_storage import SQLiteStorage

    lines = SQLiteStorage.get_logs("fittingroom", run.name)
    assert [line["val_accuracy"] for line in lines] == [line["val_accuracy"] for line in run.history]


def test_a_tracker_whose_client_is_missing_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(TRACKERS, "mine", Tracker(tracking.tensorboard, ("no_such_package_here",), ""))
    with pytest.raises(
        UsageError, match=r"needs no_such_package_here, not installed here\. Install it: .*-m pip install no_such"
    ):
        fr.train("walkthrough", tmp_path / "nowhere", track="mine")
    assert check_trackers([]) == []


def test_an_unknown_tracker_is_named_with_a_close_one():
    with pytest.raises(UsageError, match=r"Unknown tracker 'tensorbord'\. Did you mean 'tensorboard'"):
        check_trackers("tensorbord")


def test_a_tracker_that_fails_is_told_of_once_and_the_run_is_whole(monkeypatch, toy_folder, tmp_path):
    from contextlib import contextmanager

    @contextmanager
    def failing(run):
        def log_epoch(epoch, figures):
            raise OSError("no space")

        yield log_epoch
        raise OSError("still none")

    monkeypatch.setitem(TRACKERS, "failing", Tracker(failing, ("json",), ""))
    told = []
    run = fr.train(
        "walkthrough", toy_folder, epochs=2, track="failing", out=tmp_path / "r", onnx=False, log=told.append
    )
    assert (len(run.history), run.state) == (2, "done")
    assert [line for line in told if "Tracking" in line] == [
        "Tracking by failing ended in epoch 1: OSError: no space",
        "Tracking by failing did not end well: OSError: still none",
    ]


def test_tracking_changes_nothing_of_the_training(monkeypatch, toy_folder, tmp_path):
    from contextlib import contextmanager

    @contextmanager
    def noting(run):
        yield lambda epoch, figures: None

    monkeypatch.setitem(TRACKERS, "noting", Tracker(noting, ("json",), ""))
    asked = {"epochs": 1, "onnx": False}
    one = fr.train("walkthrough", toy_folder, track="noting", out=tmp_path / "a", **asked)
    other = fr.train("walkthrough", toy_folder, out=tmp_path / "b", **asked)
    assert [line["loss"] for line in one.history] == [line["loss"] for line in other.history]
