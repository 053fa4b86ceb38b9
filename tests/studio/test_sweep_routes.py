"""A sweep in its own process: started, watched, stopped, gone on with; and whatever is wrong is refused beforehand."""

import json
import shlex
import time
from types import SimpleNamespace

import pytest

from fittingroom.cli.app import main
from fittingroom.extras import EXTRAS
from fittingroom.jobs.run_jobs import JobLine
from fittingroom.progress import Progress
from fittingroom.studio.sweep_jobs import Board, Sweeps
from fittingroom.web.security import ONLY_LOOKS
from helpers.made_sweep import NAME, make_sweep

pytest.importorskip("optuna")
ORDER = {
    "dataset": "bars",
    "settings": {"epochs": 1, "batch_size": 64},
    "space": {"learning_rate": {"low": 0.0005, "high": 0.01, "log": True}},
    "trials": 2,
    "sampler": "random",
    "pruner": "none",
    "finalists": 1,
    "fresh_seeds": 1,
    "threads": 1,
}
ENDLESS = {"trials": 5_000, "finalists": 0}


def until(ask, true, seconds=240):
    """Ask until the answer is what is waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if true(answer):
            return answer
        time.sleep(0.05)
    raise AssertionError(f"after {seconds} s still {answer}")


def start(visitor, **changes):
    answer = visitor.post("/api/sweeps", json=ORDER | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["name"]


def state(visitor, name):
    return visitor.get(f"/api/sweeps/{name}").json()


def ended(visitor, name):
    return until(lambda: state(visitor, name), lambda told: told["how"] != "running")


@pytest.fixture(autouse=True)
def nothing_left_behind(studio):
    yield
    for process in studio.sweeps.orders.processes.values():
        process.kill()
        process.wait()


def test_a_sweep_runs_to_its_end_and_leaves_a_page_and_settings_to_train_with(visitor, studio, capsys):
    name = start(visitor)
    assert [(job["key"], job["kind"]) for job in visitor.get("/api/jobs").json()] == [(name, "sweep")]
    again = visitor.post("/api/sweeps", json=ORDER)
    assert (again.status_code, again.json()["error"]["limit"]) == (429, 1)
    assert "1 sweep is under way" in again.json()["error"]["message"]
    told = ended(visitor, name)
    assert (told["how"], told["words"], told["jobs"]) == ("done", "", [])
    assert [row["trial"] for row in told["trials"]] == ["trial-0000", "trial-0001"]
    assert told["best"] == max(row["val_accuracy"] for row in told["trials"])
    assert told["finals"] == {"ended": 2, "of": 2}
    assert told["result"]["best"] in [row["settings"] for row in told["trials"]]
    assert told["result"]["sentences"][0].startswith("2 trials, drawn at random: 2 trained to their end")
    assert told["has_page"]
    page = visitor.get(f"/api/sweeps/{name}/page")
    assert "sandbox" in page.headers["content-security-policy"]
    assert "trial-0001" in page.text
    twin = json.loads((studio.sweeps_dir / name / "results.json").read_text())
    assert twin["best"] == told["result"]["best"]
    words = shlex.split(twin["command"])
    assert main([*words[1:], "--quiet", "--json"]) == 0  # the page's command goes on with it, and trains nothing again
    assert json.loads(capsys.readouterr().out)["trials"] == twin["trials"]
    answer = visitor.post(f"/api/sweeps/{name}/resume", json={"trials": 2})
    assert answer.status_code == 409
    assert "has its 2 trials. Ask for more" in answer.json()["error"]["message"]


@pytest.mark.soak
def test_stop_keeps_what_is_finished_and_going_on_does_none_of_it_again(visitor, studio):
    name = start(visitor, **ENDLESS)
    until(lambda: state(visitor, name), lambda told: told["ended"] >= 3)
    for _ in range(3):  # impatience, or two tabs
        visitor.post(f"/api/sweeps/{name}/stop")
    stopped = ended(visitor, name)
    assert stopped["how"] == "stopped"
    assert stopped["can_go_on"]
    before = {row["trial"]: row for row in stopped["trials"] if row["outcome"] == "done"}
    times = {path: path.stat().st_mtime_ns for path in (studio.sweeps_dir / name).glob("trials/*/job.json")}
    assert visitor.post(f"/api/sweeps/{name}/resume", json={"trials": len(before) + 2}).json()["how"] == "running"
    done = ended(visitor, name)
    assert done["how"] == "done"
    assert {row["trial"]: row for row in done["trials"] if row["trial"] in before} == before
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert len(done["trials"]) == len(before) + 2
    assert len({json.dumps(row["settings"]) for row in done["trials"]}) == len(done["trials"])


@pytest.mark.soak
def test_a_killed_sweep_is_told_of_and_goes_on(visitor, studio):
    name = start(visitor, **ENDLESS)
    until(lambda: state(visitor, name), lambda told: told["ended"] >= 1)
    studio.sweeps.orders.processes[name].kill()
    told = ended(visitor, name)
    assert told["how"] == "vanished"
    assert "it goes on from there" in " ".join(told["words"].split())
    assert visitor.post(f"/api/sweeps/{name}/resume", json={"trials": told["ended"] + 1}).json()["how"] == "running"
    assert ended(visitor, name)["how"] == "done"


@pytest.mark.soak
def test_trainings_in_worker_processes_are_shown_with_who_is_at_them(visitor):
    pytest.importorskip("distributed")
    name = start(visitor, **ENDLESS, workers=2)
    told = until(lambda: state(visitor, name), lambda told: len({job["worker"] for job in told["jobs"]}) == 2)
    assert "Dask's dashboard: http://127.0.0.1:" in told["workers"]
    until(lambda: state(visitor, name), lambda told: told["ended"] >= 2)
    visitor.post(f"/api/sweeps/{name}/stop")
    told = ended(visitor, name)
    assert (told["how"], told["jobs"]) == ("stopped", [])


WRONG = [
    ({"space": {}}, "expected something to vary"),
    ({"space": {"learning_rat": {"low": 0.1, "high": 1}}}, "Did you mean 'learning_rate'"),
    ({"space": {"learning_rate": {"low": 0.1, "high": 0.1}}}, "there is nothing to vary"),
    ({"space": {"learning_rate": {"low": "a little", "high": 1}}}, "expected a number"),
    ({"space": {"optimizer": ["sgd"]}}, "expected two or more values"),
    ({"space": {"optimizer": ["sgd", "adamm"]}}, "expected one of"),
    ({"space": {"device": ["cpu", "cuda"]}}, "cannot be varied"),
    ({"space": {"model": ["walkthrough", "/etc/passwd.py:main"]}}, "Unknown model"),
    ({"settings": {"model": "mine.py:network"}}, "Unknown model"),
    ({"settings": {"learning_rate": 0.1}}, "stands under [settings] and under [space]"),
    ({"settings": {"epoch": 1}}, "Did you mean 'epochs'"),
    ({"recipe": "../../secret"}, "Unknown recipe"),
    ({"trials": 0}, "trials"),
    ({"trials": "many"}, "trials"),
    ({"sampler": "grid", "trials": None}, "expected a step or a list of values for a grid"),
    ({"validation": 600, "second": 100}, "fewer than the 640 training images together"),
    ({"workers": 0}, "workers"),
    ({"seed": -1}, "seed"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_order_is_refused_before_anything_is_written(visitor, studio, changes, words):
    answer = visitor.post("/api/sweeps", json=ORDER | changes)
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["error"]["message"]
    assert not studio.sweeps.orders.names()
    assert not studio.sweeps_dir.exists()


@pytest.mark.parametrize(("extra", "order"), [("sweep", {}), ("cluster", {"workers": 2})])
def test_without_the_package_the_line_that_installs_it_is_told(visitor, monkeypatch, extra, order):
    monkeypatch.setitem(EXTRAS, extra, ("no-such-package",))
    answer = visitor.post("/api/sweeps", json=ORDER | order)
    assert answer.status_code == 409
    assert answer.json()["error"]["message"].endswith("pip install no-such-package")
    assert extra in visitor.get("/api/sweeps/options").json()["needs"]


def test_what_can_be_varied_is_what_the_sweep_takes(visitor):
    told = visitor.get("/api/sweeps/options").json()
    assert {"learning_rate", "batch_size", "optimizer", "nesterov"} <= set(told["varied"])
    assert not {"device", "trace", "pixels"} & set(told["varied"])
    assert told["cores"] >= 1
    assert told["needs"] == {}


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fetc", "%2fetc", "a%00b", "-x", "nothing"])
def test_a_sweep_is_a_name_and_never_a_path(visitor, name):
    answers = [visitor.get(f"/api/sweeps/{name}/page"), visitor.post(f"/api/sweeps/{name}/stop")]
    answers += [visitor.delete(f"/api/sweeps/{name}"), visitor.post(f"/api/sweeps/{name}/resume", json={})]
    assert {answer.status_code for answer in answers} <= {404, 405}


def test_a_sweep_that_has_ended_is_listed_shown_and_deleted(visitor, studio):
    make_sweep(studio.runs)
    (brief,) = visitor.get("/api/sweeps").json()
    assert brief == {"name": NAME, "how": "done", "words": "", "ended": 8, "of": 8, "best": 0.91}
    told = state(visitor, NAME)
    assert (told["has_page"], told["can_go_on"], told["asked"]["workers"]) == (True, False, 2)
    assert visitor.post(f"/api/sweeps/{NAME}/stop").status_code == 409
    assert visitor.delete(f"/api/sweeps/{NAME}").json() == {"deleted": NAME}
    assert visitor.get("/api/sweeps").json() == []
    assert list(studio.sweeps_dir.iterdir()) == []


def test_one_that_has_not_said_how_it_ended_is_broken_off_and_can_go_on(visitor, studio):
    make_sweep(studio.runs, how=None)
    told = state(visitor, NAME)
    assert (told["how"], told["can_go_on"], told["has_page"]) == ("vanished", True, False)
    assert visitor.get(f"/api/sweeps/{NAME}/page").status_code == 404


def test_a_grid_has_no_trials_to_add(visitor, studio):
    make_sweep(studio.runs, sampler="grid")
    answer = visitor.post(f"/api/sweeps/{NAME}/resume", json={"trials": 99})
    assert (answer.status_code, "no more trials to add" in answer.json()["error"]["message"]) == (409, True)


def test_a_damaged_state_is_told_and_hides_no_other(visitor, studio):
    make_sweep(studio.runs)
    make_sweep(studio.runs, "20260104-090000-damaged")
    (studio.sweeps.orders.root / "20260104-090000-damaged" / "state.json").write_text("{")
    damaged, whole = visitor.get("/api/sweeps").json()
    assert (damaged["how"], whole["how"]) == ("failed", "done")
    assert "state.json" in damaged["words"]
    assert str(studio.runs) not in json.dumps(state(visitor, damaged["name"]))


def test_a_link_to_elsewhere_is_no_page(visitor, studio, tmp_path):
    make_sweep(studio.runs)
    (tmp_path / "secret.html").write_text("secret")
    page = studio.sweeps_dir / NAME / "sweep.html"
    page.unlink()
    page.symlink_to(tmp_path / "secret.html")
    assert visitor.get(f"/api/sweeps/{NAME}/page").status_code == 404


def test_a_full_disk_refuses_to_start_and_leaves_nothing(visitor, studio, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fittingroom.studio.order_folders.write_json", full)
    assert visitor.post("/api/sweeps", json=ORDER).status_code == 507
    assert not studio.sweeps.orders.names()


ROW = {"trial": "trial-0000", "number": 0, "outcome": "under way", "val_accuracy": None, "epochs": None}
ROW |= {"seconds": None, "error": None, "run": "/home/me/sweeps/trial-0000", "settings": {"epochs": 2}}


@pytest.fixture
def board(tmp_path):
    """A board with a clock that stands still until it is told; its file as it is now."""
    clock = SimpleNamespace(now=0.0)
    made = Board(tmp_path / "state.json", lambda rows: 4, lambda: clock.now)
    return SimpleNamespace(made=made, clock=clock, read=lambda: json.loads((tmp_path / "state.json").read_text()))


def test_the_board_tells_of_trials_without_where_their_runs_lie(board):
    board.made.on_trials([ROW, {**ROW, "trial": "trial-0001", "outcome": "failed", "error": "/home/me/x/y: bad"}])
    first, second = board.read()["trials"]
    assert first == {key: value for key, value in ROW.items() if key not in ("number", "run")}
    assert second["error"] == "y: bad"


def test_the_board_shows_who_is_at_what_and_passing_lines_only_now_and_then(board):
    board.made.on_trials([ROW])
    board.made.on_job(JobLine("trial-0000", "training", "tcp://127.0.0.1:1"))
    board.made.on_job(JobLine("trial-0000", "training", "tcp://127.0.0.1:1", "epoch 1", is_passing=True))
    assert board.read()["jobs"] == [{"key": "trial-0000", "worker": "tcp://127.0.0.1:1", "words": ""}]
    board.clock.now = 1.0
    board.made.on_job(JobLine("trial-0000", "training", "tcp://127.0.0.1:1", "epoch 2", is_passing=True))
    assert board.read()["jobs"][0]["words"] == "epoch 2"
    board.made.on_job(JobLine("trial-0000", "done", "tcp://127.0.0.1:1"))
    assert board.read()["jobs"] == []
    assert board.read()["finals"] is None


def test_the_board_tells_how_far_a_training_of_its_own_process_is(board):
    board.made.on_trials([ROW])
    board.made.on_job(JobLine("trial-0000", "training"))
    board.made.on_progress(Progress(1, 2, 10, 10, 1.0, 0.5, 0.8, 0.5, 0.8, done=True))
    assert board.read()["jobs"][0]["words"].startswith("epoch 1/2  loss 0.5000  accuracy 0.8000")


def test_the_board_counts_what_is_trained_again_and_its_own_lines_are_told_between_trainings(board):
    board.made.on_trials([ROW])
    board.made.on_job(JobLine("trial-0000", "training"))
    board.made.log("a line of that training")
    assert board.read()["said"] == ""
    board.made.on_job(JobLine("trial-0000", "done"))
    board.made.log("2 worker processes of 1 thread on this machine. Dask's dashboard: http://127.0.0.1:1/status")
    board.made.log("The best 1 trial ...")
    board.made.on_job(JobLine("recipe-s1", "training"))
    board.made.on_job(JobLine("recipe-s1", "done"))
    told = board.read()
    assert told["said"] == "The best 1 trial ..."
    assert told["workers"].startswith("2 worker processes")
    assert told["finals"] == {"ended": 1, "of": 4}


def test_a_board_goes_on_with_the_trials_of_the_one_before_and_no_longer_says_that_it_ended(board, tmp_path):
    board.made.on_trials([{**ROW, "outcome": "done", "val_accuracy": 0.9}])
    board.made.end("stopped", "Stopped.")
    assert board.read()["end"] == {"how": "stopped", "words": "Stopped."}
    Board(tmp_path / "state.json", lambda rows: 4).log("Opening the data")
    assert board.read()["end"] is None
    assert [row["val_accuracy"] for row in board.read()["trials"]] == [0.9]


def test_a_full_disk_stops_no_sweep(board, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fittingroom.studio.sweep_jobs.write_json", full)
    board.made.on_trials([ROW])
    board.made.end("done", "")


def test_whoever_may_only_look_starts_and_deletes_nothing(studio):
    from dataclasses import replace

    from starlette.testclient import TestClient

    from fittingroom.studio.asgi import build_app

    access = replace(studio.access, look_token="look")
    make_sweep(studio.runs)
    with TestClient(build_app(replace(studio, access=access)), base_url=f"http://127.0.0.1:{access.port}") as client:
        client.get("/?token=look")
        assert client.get("/api/sweeps").json()[0]["name"] == NAME
        for answer in (client.post("/api/sweeps", json=ORDER), client.delete(f"/api/sweeps/{NAME}")):
            assert (answer.status_code, answer.json()["error"]["message"]) == (403, ONLY_LOOKS)
    assert Sweeps(studio.sweeps_dir, studio.work_dir / "sweeps", 1).orders.names() == [NAME]
