"""Jobs in this process and in worker processes: each once, in any order, and what is refused in one sentence."""

import json
import random
import socket
import subprocess
import sys
import threading
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from fittingroom.errors import RunError, TrainingError, UsageError
from fittingroom.jobs import places
from fittingroom.jobs.archives import pack, unpack
from fittingroom.jobs.carrying_out import carry_out
from fittingroom.jobs.job import Job, Report, read_row
from fittingroom.jobs.places import Place, cores, find_place
from fittingroom.jobs.run_jobs import run_jobs
from fittingroom.jobs.worker import differences, random_of_its_own, versions_here
from fittingroom.progress import Progress


def doubled(job, data, report):
    """A job of the tests: writes that it was done, and doubles a number."""
    job.folder.mkdir(parents=True, exist_ok=True)
    with (job.folder / "done.txt").open("a") as file:
        file.write("done\n")
    for epoch in (1, 2, 3):
        report.on_progress(Progress(epoch, 3, 1, 1, 0.1, 0.5, 0.5, 0.5, job.arguments["number"] / 10, done=True))
    if job.arguments["number"] < 0:
        raise TrainingError("a number below nothing")
    return {"double": 2 * job.arguments["number"]}


def jobs(folder, numbers=(1, 2, 3), threads=1):
    return [Job(f"number-{number}", folder / f"number-{number}", {"number": number}, threads) for number in numbers]


def times_done(folder):
    return {path.parent.name: path.read_text().count("done") for path in folder.glob("*/done.txt")}


def test_each_job_is_done_once_whatever_is_asked_again(tmp_path):
    first = list(run_jobs(doubled, jobs(tmp_path)))
    again = list(run_jobs(doubled, jobs(tmp_path, (1, 2, 3, 4))))
    assert [outcome.row for outcome in first] == [{"double": 2}, {"double": 4}, {"double": 6}]
    assert [(outcome.row["double"], outcome.was_there) for outcome in again] == [
        (2, True),
        (4, True),
        (6, True),
        (8, False),
    ]
    assert set(times_done(tmp_path).values()) == {1}


def test_a_job_that_fails_is_told_and_the_next_one_is_done(tmp_path):
    outcomes = list(run_jobs(doubled, jobs(tmp_path, (-1, 2))))
    assert [str(outcome.error) for outcome in outcomes] == ["a number below nothing", "None"]
    assert read_row(outcomes[0].job) is None


def test_the_next_job_is_drawn_when_the_one_before_has_ended(tmp_path):
    order = []

    def drawn():
        for job in jobs(tmp_path):
            order.append(f"asked for {job.key}")
            yield job

    order.extend(f"have {outcome.job.key}" for outcome in run_jobs(doubled, drawn()))
    assert order == [f"{what} number-{number}" for number in (1, 2, 3) for what in ("asked for", "have")]


def test_a_hopeless_job_is_stopped_and_has_no_row(tmp_path):
    asked = []

    def is_hopeless(job, now):
        asked.append((job.key, now.epoch))
        return now.val_accuracy < 0.2

    outcomes = list(run_jobs(doubled, jobs(tmp_path), is_hopeless=is_hopeless))
    assert [outcome.is_stopped for outcome in outcomes] == [True, False, False]
    assert asked[:3] == [("number-1", 1), ("number-2", 1), ("number-2", 2)]  # not at the last epoch


@pytest.mark.parametrize("change", ["threads", "arguments"])
def test_a_folder_with_another_jobs_result_is_refused(tmp_path, change):
    list(run_jobs(doubled, jobs(tmp_path, (1,))))
    other = jobs(tmp_path, (1,), threads=2) if change == "threads" else [Job("number-1", tmp_path / "number-1", {}, 1)]
    with pytest.raises(RunError, match="holds the result of another job"):
        list(run_jobs(doubled, other))


def test_two_processes_are_never_at_one_job(tmp_path):
    from filelock import FileLock

    job = jobs(tmp_path)[0]
    (tmp_path / ".locks").mkdir()
    with FileLock(tmp_path / ".locks" / job.key), pytest.raises(RunError, match="another process is training this run"):
        carry_out(doubled, job, Report())
    assert carry_out(doubled, job, Report()) == {"double": 2}


def test_a_folder_comes_back_from_its_archive_to_the_byte(tmp_path):
    there = tmp_path / "there"
    (there / "checkpoint").mkdir(parents=True)
    (there / "checkpoint" / "state").write_bytes(bytes(range(256)))
    (there / ".partial-x").write_text("being written")
    (there / "link").symlink_to(there / "checkpoint")
    back = tmp_path / "back"
    back.mkdir()
    (back / "old").write_text("old")
    unpack(pack(there), back)
    assert sorted(path.relative_to(back).as_posix() for path in back.rglob("*")) == ["checkpoint", "checkpoint/state"]
    assert (back / "checkpoint" / "state").read_bytes() == bytes(range(256))


@pytest.mark.parametrize("name", ["../up.txt", "/root.txt", "a/../../up.txt", "C:/up.txt"])
def test_an_archive_that_leads_outside_is_refused_and_what_was_there_stays(tmp_path, name):
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, "evil")
    target = tmp_path / "in" / "run"
    target.mkdir(parents=True)
    (target / "kept").write_text("kept")
    with pytest.raises(RunError, match="expected an archive of a folder's plain files"):
        unpack(held.getvalue(), target)
    with pytest.raises(RunError, match="cannot read it"):
        unpack(held.getvalue()[:20], target)
    assert [path.name for path in target.parent.iterdir()] == ["run"]
    assert (target / "kept").read_text() == "kept"


@pytest.mark.parametrize(("on", "threads", "workers", "each"), [("local:2", 3, 2, 3), ("local:1", None, 1, cores())])
def test_threads_are_shared_fairly_unless_asked_for(on, threads, workers, each):
    assert find_place(on, threads) == Place(None, workers, each)


def test_without_a_number_there_is_a_worker_a_core_of_one_thread():
    assert find_place("local", None) == Place(None, cores(), 1)
    assert find_place("tcp://10.0.0.1:8786", None) == Place("tcp://10.0.0.1:8786", None, 1)
    assert find_place(None, None) is None


@pytest.mark.parametrize("on", ["", "locale", "local:0", "local:-1", "local:2000", "tcp://", "10.0.0.1:8786", "slurmy"])
def test_words_that_are_no_place_are_refused(on):
    with pytest.raises(UsageError, match="--on: expected"):
        find_place(on, None)


def test_without_dask_the_line_that_installs_it_is_told(monkeypatch):
    monkeypatch.setattr(places, "missing", lambda extra: ("distributed",))
    with pytest.raises(UsageError, match=r"--on needs Dask, which is not installed: .*pip install .*distributed"):
        find_place("local", None)


def test_a_scheduler_that_is_not_there_is_one_sentence(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(places, "CONNECT_SECONDS", 1)
    with pytest.raises(UsageError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9 "):
        list(run_jobs(doubled, jobs(tmp_path), Place("tcp://127.0.0.1:9", None, 1)))
    assert not list(tmp_path.iterdir())


def test_other_versions_on_a_worker_are_told():
    here = versions_here()
    assert differences(here, dict(here), "tcp://w") == ""
    told = differences(here, {**here, "torch": "1.0", "keras": None}, "tcp://w")
    assert told.startswith(f"The worker tcp://w has torch 1.0 (here {here['torch']}), keras missing (here ")
    assert "fittingroom's source" in differences(here, {**here, "fittingroom's source": "0"}, "w")


def test_a_workers_thread_draws_what_its_seed_says_whatever_other_threads_draw():
    random.seed(5)
    expected = [random.random() for _ in range(3)]
    before = random.random
    with random_of_its_own():
        random.seed(5)
        state = random.getstate()
        found = []
        for _ in range(3):
            other = threading.Thread(target=random.random)
            other.start()
            other.join()
            assert random.getstate() == state
            found.append(random.random())
            state = random.getstate()
    assert found == expected
    assert random.random is before


def test_a_finished_jobs_row_is_plain_json_in_its_folder(tmp_path):
    (outcome,) = run_jobs(doubled, jobs(tmp_path, (5,)))
    kept = json.loads((Path(outcome.job.folder) / "job.json").read_text())
    assert kept == {"digest": outcome.job.digest, "key": "number-5", "threads": 1, "row": {"double": 10}}


SCRIPTS = {
    "bare": ("fr.train_seeds(on='local')", False),
    "below it": ("if __name__ == '__main__':\n    fr.train_seeds(on='local')", True),
    "the other way round": ("if '__main__' == __name__:\n    fr.train_seeds(on='local')", True),
    "on one line": ("__name__ == '__main__' and fr.train_seeds(on='local')", True),
    "left before": ("if __name__ != '__main__':\n    raise SystemExit\nfr.train_seeds(on='local')", True),
    "a test of something else": ("if len('__main__') == 8:\n    fr.train_seeds(on='local')", False),
    "after it": ("if __name__ == '__main__':\n    print()\nfr.train_seeds(on='local')", False),
    "no python": ("if fr.train_seeds(on='local')", True),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_line_is_guarded_where_a_worker_that_reads_the_script_leaves_it_out(name):
    script, guarded = SCRIPTS[name]
    line = next(number for number, text in enumerate(script.splitlines(), 1) if "train_seeds" in text)
    assert places.is_guarded(script.encode(), line) == guarded


def test_a_script_without_a_guard_is_told_in_one_sentence_what_to_write(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "from fittingroom.jobs.places import find_place\n\ndef go():\n    return find_place('local:2', 1)\n\n"
        "try:\n    print(go())\nexcept Exception as error:\n    print(error)\n"
        "if __name__ == '__main__':\n    print(go())\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == (
        f'{script}, line 7: worker processes read the script again, so what asks for on="local" must stand below a '
        'line that says: if __name__ == "__main__":'
    )
    assert second == "Place(address=None, workers=2, threads=1, slurm=None)"


@pytest.mark.filterwarnings("ignore")
def test_what_listens_and_is_no_scheduler_is_told_and_not_waited_for(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(places, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = find_place(f"tcp://127.0.0.1:{other.getsockname()[1]}", None)
        with pytest.raises(UsageError, match=r"No Dask scheduler answers at tcp://127.0.0.1:\d+ \(TimeoutError\)"):
            places.check_reachable(place)


def test_an_address_that_wants_certificates_without_any_is_one_sentence():
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match=r"No Dask scheduler answers at tls://.*has Dask its certificates") as caught:
        places.check_reachable(find_place("tls://127.0.0.1:8786", None))
    assert "\n" not in str(caught.value)
