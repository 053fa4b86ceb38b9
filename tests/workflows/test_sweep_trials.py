"""The trials of a sweep, with a made-up training whose best settings are known: found, stopped, taken up, told."""

import csv
import json
import math
import statistics

import pytest

import fittingroom as fr
from fittingroom.errors import ModelError, RunError, TrainingError, UsageError
from fittingroom.jobs.run_jobs import run_jobs
from fittingroom.progress import Progress
from fittingroom.workflows import sweep_trials

pytest.importorskip("optuna")
SPACE = {
    "settings": {"epochs": 4},
    "space": {
        "learning_rate": {"low": 1e-4, "high": 1.0, "log": True},
        "label_smoothing": {"low": 0.0, "high": 0.4},
        "cutout": {"low": 0, "high": 16},
    },
}
BEST = {"learning_rate": 0.03, "label_smoothing": 0.1, "cutout": 4}


def height(recipe):
    """The accuracy of some settings: 0.95 at `BEST`, and lower the farther away."""
    rate = math.log10(recipe["learning_rate"] / BEST["learning_rate"])
    return 0.95 - 0.05 * rate**2 - (recipe["label_smoothing"] - 0.1) ** 2 - 0.0005 * (recipe["cutout"] - 4) ** 2


def hill(job, data, report):
    """A training that comes to the height of its settings, epoch by epoch."""
    job.folder.mkdir(parents=True, exist_ok=True)
    top, epochs = height(job.arguments["recipe"]), job.arguments["recipe"]["epochs"]
    for epoch in range(1, epochs + 1):
        value = max(0.0, top * epoch / epochs)
        report.on_progress(Progress(epoch, epochs, 1, 1, 0.5, 0.1, value, 0.1, value, done=True))
    return {"seed": 0, "threads": 1, "epochs": epochs, "seconds": 0.5 * epochs, "val_accuracy": max(0.0, top)}


@pytest.fixture
def trained_as(monkeypatch):
    """Take the place of the training of every trial."""

    def take(work):
        monkeypatch.setattr(sweep_trials, "train_job", work)

    take(hill)
    return take


def search(toy_folder, out, **asked):
    return fr.sweep(SPACE, toy_folder, **{"finalists": 0, "pruner": "none", "threads": 1, "out": out, **asked})


def best_of(report):
    return max(row["val_accuracy"] for row in report.trials)


@pytest.mark.soak
def test_tpe_comes_nearer_to_a_known_optimum_than_as_many_random_trials(toy_folder, tmp_path, trained_as, monkeypatch):
    monkeypatch.setattr(sweep_trials, "_journal", lambda optuna, path: optuna.storages.InMemoryStorage())
    found = {"tpe": [], "random": []}
    for seed in range(4):
        for sampler, values in found.items():
            report = search(toy_folder, tmp_path / f"{sampler}-{seed}", sampler=sampler, seed=seed, trials=25)
            values.append(0.95 - best_of(report))
    assert statistics.fmean(found["tpe"]) < 0.5 * statistics.fmean(found["random"])
    assert sum(ours < theirs for ours, theirs in zip(*found.values(), strict=True)) >= 3


def test_a_sweep_that_is_stopped_and_goes_on_tries_what_it_would_have_tried(toy_folder, tmp_path, trained_as):
    whole = search(toy_folder, tmp_path / "whole", trials=14)

    def stopping(job, data, report):
        if job.key == "trial-0006" and not (tmp_path / "stopped").exists():
            (tmp_path / "stopped").touch()
            raise KeyboardInterrupt
        return hill(job, data, report)

    trained_as(stopping)
    with pytest.raises(fr.FittingRoomError, match="goes on by the same command again") as caught:
        search(toy_folder, tmp_path / "parts", trials=14)
    assert caught.value.exit_code == 130
    parts = search(toy_folder, tmp_path / "parts", trials=14)
    seen = [(row["trial"], row["settings"], row["val_accuracy"]) for row in parts.trials]
    ours = {name: (settings, value) for name, settings, value in seen}
    assert len(ours) == len(seen) == 14
    # the one that was cut off comes to what it would have come to; none was tried twice
    for row in whole.trials[:7]:
        assert ours[row["trial"]] == (row["settings"], row["val_accuracy"])
    assert len({json.dumps(settings) for _, settings, _ in seen}) == 14


def test_the_same_command_does_nothing_again_and_a_larger_one_adds(toy_folder, tmp_path, trained_as):
    first = search(toy_folder, tmp_path / "s", trials=3)
    trained_as(lambda *_: pytest.fail("it was trained again"))
    again = search(toy_folder, tmp_path / "s", trials=3)
    assert again.trials == first.trials
    trained_as(hill)
    more = search(toy_folder, tmp_path / "s", trials=5)
    assert [dict(row) for row in more.trials[:3]] == [dict(row) for row in first.trials]
    assert len(more.trials) == 5
    with (tmp_path / "s" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == [f"trial-{number:04}" for number in range(5)]
    assert float(rows[4]["val_accuracy"]) == more.trials[4]["val_accuracy"]
    assert float(rows[4]["learning_rate"]) == more.trials[4]["settings"]["learning_rate"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"seed": 1}, "another seed"), ({"threads": 2}, "another threads"), ({"validation": 50}, "another validation")],
)
def test_another_sweep_in_the_folder_is_refused(toy_folder, tmp_path, trained_as, changed, told):
    search(toy_folder, tmp_path / "s", trials=1)
    with pytest.raises(RunError, match=f"holds a sweep with {told}. Choose another --out"):
        search(toy_folder, tmp_path / "s", trials=1, **changed)


def test_what_is_behind_the_others_is_stopped_early_and_never_the_best(toy_folder, tmp_path, trained_as):
    report = search(toy_folder, tmp_path / "s", trials=30, pruner="hyperband", sampler="random")
    stopped = [row for row in report.trials if row["outcome"] == "stopped early"]
    assert 5 <= len(stopped) < 30
    assert all(row["epochs"] < 4 and row["seconds"] == 0.5 * row["epochs"] for row in stopped)
    done = [row for row in report.trials if row["outcome"] == "done"]
    assert report.chosen == max(done, key=lambda row: row["val_accuracy"])["trial"]


def test_a_training_that_breaks_down_is_a_row_and_the_others_go_on(toy_folder, tmp_path, trained_as):
    def breaking(job, data, report):
        if job.arguments["recipe"]["learning_rate"] > 0.1:
            raise TrainingError("The loss is nan in epoch 1.")
        return hill(job, data, report)

    trained_as(breaking)
    report = search(toy_folder, tmp_path / "s", trials=12, sampler="random")
    failed = [row for row in report.trials if row["outcome"] == "failed"]
    assert failed
    assert len(failed) + report.count("done") == 12
    assert {row["error"] for row in failed} == {"The loss is nan in epoch 1."}
    assert {row["val_accuracy"] for row in failed} == {None}


def test_where_every_trial_fails_it_is_one_sentence_after_a_few(toy_folder, tmp_path, trained_as):
    tried = []

    def failing(job, data, report):
        tried.append(job.key)
        raise ModelError("The network does not fit.")

    trained_as(failing)
    with pytest.raises(TrainingError, match=r"All 5 trials have failed, the first so: The network does not fit\."):
        search(toy_folder, tmp_path / "s", trials=30)
    assert len(tried) == 5
    trained_as(hill)  # the cause was mended: what failed is tried again, and the sweep goes on
    report = search(toy_folder, tmp_path / "s", trials=8)
    assert (len(report.trials), report.count("done")) == (8, 8)


def test_a_grid_has_each_combination_once(toy_folder, tmp_path, trained_as):
    space = {
        "settings": {"epochs": 2, "learning_rate": 0.01},
        "space": {"cutout": [0, 4, 8], "label_smoothing": [0.0, 0.1]},
    }
    words = {"sampler": "grid", "pruner": "none", "finalists": 0, "threads": 1, "out": tmp_path / "s"}
    report = fr.sweep(space, toy_folder, **words)
    tried = sorted(tuple(row["settings"].values()) for row in report.trials)
    assert len(tried) == 6
    assert len(set(tried)) == 6
    assert report.best == {"cutout": 4, "label_smoothing": 0.1}
    assert len(fr.sweep(space, toy_folder, **words).trials) == 6
    with pytest.raises(UsageError, match="expected all 6 combinations of the grid, received 4"):
        fr.sweep(space, toy_folder, **words, trials=4)


def test_two_folders_share_one_study_in_a_database(toy_folder, tmp_path, trained_as):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    first = search(toy_folder, tmp_path / "a", trials=4, storage=storage, sampler="random")
    second = search(toy_folder, tmp_path / "b", trials=7, storage=storage, sampler="random")
    assert [row["settings"] for row in second.trials[:4]] == [row["settings"] for row in first.trials]
    assert [row["run"] is None for row in second.trials] == [True] * 4 + [False] * 3


@pytest.mark.parametrize("storage", ["nonsense", "sqlite:////nowhere/at/all.db", "oracel://x/y"])
def test_a_storage_that_is_none_is_one_sentence(toy_folder, tmp_path, trained_as, storage):
    with pytest.raises(UsageError, match="--storage: expected an address that Optuna knows") as caught:
        search(toy_folder, tmp_path / "s", trials=1, storage=storage)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_a_damaged_journal_is_named(toy_folder, tmp_path, trained_as):
    search(toy_folder, tmp_path / "s", trials=1)
    journal = tmp_path / "s" / sweep_trials.JOURNAL
    journal.write_text("{broken\n" + journal.read_text())
    with pytest.raises(RunError, match=r"study.log: expected the journal of a study, cannot read it"):
        search(toy_folder, tmp_path / "s", trials=1)


def test_a_journal_that_a_kill_cut_short_is_gone_on_with_at_once(toy_folder, tmp_path, trained_as):
    first = search(toy_folder, tmp_path / "s", trials=2)
    journal = tmp_path / "s" / sweep_trials.JOURNAL
    with journal.open("ab") as file:
        file.write(b'{"op_code":5,"worker_id":"')
    journal.with_name("study.log.lock").symlink_to(journal)
    again = search(toy_folder, tmp_path / "s", trials=3)
    assert again.trials[:2] == first.trials
    assert len(search(toy_folder, tmp_path / "s", trials=4).trials) == 4


def test_a_trial_that_was_cut_off_while_it_was_proposed_is_tried_again(toy_folder, tmp_path, trained_as, monkeypatch):
    import optuna

    def killed(self, *words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(optuna.Trial, "set_user_attr", killed)
        with pytest.raises(fr.FittingRoomError, match="goes on by the same command again"):
            search(toy_folder, tmp_path / "s", trials=3)
    report = search(toy_folder, tmp_path / "s", trials=3)
    assert (len(report.trials), report.count("done")) == (3, 3)


def test_a_stop_in_the_middle_of_optunas_own_writing_is_a_stop_and_no_error_of_its_lock(
    toy_folder, tmp_path, trained_as, monkeypatch
):
    import optuna

    search(toy_folder, tmp_path / "s", trials=1)

    def stopped(self):
        try:
            raise KeyboardInterrupt
        except BaseException:
            raise FileNotFoundError(2, "No such file or directory", "study.log.lock")  # noqa: B904  (as Optuna does)

    with monkeypatch.context() as patched:
        patched.setattr(optuna.storages.journal.JournalFileSymlinkLock, "acquire", stopped)
        opened = optuna.load_study
        patched.setattr(
            optuna, "create_study", lambda **named: opened(study_name=named["study_name"], storage=named["storage"])
        )
        with pytest.raises(fr.FittingRoomError, match="goes on by the same command again") as caught:
            search(toy_folder, tmp_path / "s", trials=3)
    assert caught.value.exit_code == 130
    assert len(search(toy_folder, tmp_path / "s", trials=3).trials) == 3


def test_how_the_trials_stand_is_told_whenever_one_begins_or_ends_and_is_in_the_table(toy_folder, tmp_path, trained_as):
    told = []

    def note(rows):
        with (tmp_path / "s" / "trials.csv").open() as file:
            kept = [row["outcome"] for row in csv.DictReader(file)]
        assert kept == [row["outcome"] for row in rows]
        told.append(kept)

    search(toy_folder, tmp_path / "s", trials=2, on_trials=note)
    wait, done = "under way", "done"
    assert told == [[wait], [done], [done, wait], [done, done], [done, done]]


def test_two_processes_are_never_at_one_sweep(toy_folder, tmp_path, trained_as):
    from filelock import FileLock

    search(toy_folder, tmp_path / "s", trials=1)
    with FileLock(tmp_path / "s" / ".sweep.lock"), pytest.raises(RunError, match="another process is at this sweep"):
        search(toy_folder, tmp_path / "s", trials=1)


def test_the_work_of_a_trial_is_a_job_of_the_seam(toy_folder, tmp_path, trained_as, monkeypatch):
    keys = []

    def seen(work, jobs, *rest, **named):
        def passing():
            for job in jobs:
                keys.append((job.key, job.threads, job.arguments["seed"]))
                yield job

        return run_jobs(work, passing(), *rest, **named)

    monkeypatch.setattr(sweep_trials, "run_jobs", seen)
    search(toy_folder, tmp_path / "s", trials=2, seed=3)
    assert keys == [("trial-0000", 1, 3), ("trial-0001", 1, 3)]
