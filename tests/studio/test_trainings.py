"""A training in its own process: watched, stopped at once, resumed; and whatever dies, nothing is lost."""

import json
import os
import time

import pytest
from starlette.testclient import TestClient

from fittingroom.inference.model_files import load_model
from fittingroom.runs import open_run
from fittingroom.studio.asgi import build_app
from fittingroom.studio.state import Studio
from fittingroom.studio.training_jobs import Trainings, write_line

LONG = {"dataset": "bars", "model": "walkthrough", "settings": {"epochs": 100_000, "batch_size": 32}, "validation": 100}


def until(ask, true, seconds=60):
    """Ask until the answer is what is waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if true(answer):
            return answer
        time.sleep(0.05)
    raise AssertionError(f"after {seconds} s still {answer}")


def start(visitor, **changes):
    answer = visitor.post("/api/trainings", json={**LONG, **changes})
    assert answer.status_code == 200, answer.text
    return answer.json()["name"]


def state(visitor, name):
    return visitor.get(f"/api/trainings/{name}").json()


def learning(studio, name):
    """Wait until the training has taken steps."""
    until(lambda: studio.trainings.lines(name), lambda lines: sum(line["kind"] == "progress" for line in lines) > 25)


@pytest.fixture(autouse=True)
def nothing_left_behind(studio):
    yield
    for process in studio.trainings.orders.processes.values():
        process.kill()
        process.wait()


def test_a_training_runs_to_its_end_and_tells_of_every_epoch(visitor, studio):
    name = start(visitor, settings={"epochs": 2})
    text = visitor.get(f"/api/trainings/{name}/events").text
    events = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert events.count("progress") > 2
    assert events[-2:] == ["end", "state"]
    assert state(visitor, name)["how"] == "done"
    run = open_run(studio.runs / name)
    assert len(run.history) == 2
    assert run.history[-1]["val_accuracy"] is not None
    assert run.resolved["model"] == "walkthrough"


@pytest.mark.soak
def test_stop_ends_it_soon_and_leaves_a_run_that_answers_and_goes_on(visitor, studio, toy):
    name = start(visitor)
    learning(studio, name)
    for _ in range(3):  # impatience, or two tabs
        visitor.post(f"/api/trainings/{name}/stop")
    stopped = until(lambda: state(visitor, name), lambda told: told["how"] != "running")
    assert stopped["how"] == "stopped"
    assert stopped["can_resume"]
    model = load_model(studio.runs / name)
    assert model.predict(toy.test.images[:4], verbose=0).shape == (4, 10)
    epochs = len(open_run(studio.runs / name).history)
    assert visitor.post(f"/api/trainings/{name}/resume").json()["how"] == "running"
    until(lambda: open_run(studio.runs / name).history, lambda lines: len(lines) > epochs + 3)


def test_a_stop_before_the_first_step_says_so(visitor):
    name = start(visitor)
    time.sleep(0.3)
    visitor.post(f"/api/trainings/{name}/stop")
    ended = until(lambda: state(visitor, name), lambda told: told["how"] != "running")
    assert ended["how"] in ("stopped", "vanished")
    assert "before" in ended["words"]


@pytest.mark.soak
def test_a_killed_training_is_told_of_and_goes_on_from_its_checkpoint(visitor, studio):
    name = start(visitor)
    learning(studio, name)
    studio.trainings.orders.processes[name].kill()
    ended = until(lambda: state(visitor, name), lambda told: told["how"] != "running")
    assert ended["how"] == "vanished"
    assert "goes on from its checkpoint" in ended["words"]
    assert visitor.post(f"/api/trainings/{name}/resume").json()["how"] == "running"


@pytest.mark.soak
def test_a_studio_that_dies_takes_no_training_along_and_the_next_one_finds_it(visitor, studio):
    name = start(visitor)
    learning(studio, name)
    pid = studio.trainings.orders.processes[name].pid
    assert os.getsid(pid) == pid
    other = Studio(studio.access, studio.runs, studio.registry)
    with TestClient(build_app(other), base_url=visitor.base_url) as client:
        client.get("/")
        assert [job["key"] for job in client.get("/api/jobs").json()] == [name]
        assert client.post(f"/api/trainings/{name}/stop").status_code == 200
        studio.trainings.orders.processes[name].wait(30)
        assert state(client, name)["how"] == "stopped"


def test_two_tabs_train_at_once_and_a_third_is_told_to_wait(visitor, studio):
    first, second = start(visitor), start(visitor)
    assert first != second
    answer = visitor.post("/api/trainings", json=LONG)
    assert answer.status_code == 429
    assert answer.json()["error"]["limit"] == 2
    assert "2 trainings are under way" in answer.json()["error"]["message"]
    assert sorted(job["key"] for job in visitor.get("/api/jobs").json()) == sorted([first, second])


@pytest.mark.soak
def test_a_run_under_way_is_not_resumed_and_one_that_is_over_not_stopped(visitor, studio):
    name = start(visitor, settings={"epochs": 1})
    learning_ended = until(lambda: state(visitor, name), lambda told: told["how"] != "running")
    assert learning_ended["how"] == "done"
    assert visitor.post(f"/api/trainings/{name}/stop").status_code == 409
    answer = visitor.post(f"/api/trainings/{name}/resume")
    assert answer.status_code == 409
    assert "no checkpoint to go on from" in answer.json()["error"]["message"]


def test_a_failed_training_says_why(visitor):
    name = start(visitor, settings={"learning_rate": 1e30, "optimizer": "sgd"})
    ended = until(lambda: state(visitor, name), lambda told: told["how"] != "running")
    assert ended["how"] == "failed"
    assert "Try a learning rate of" in ended["words"]


WRONG = [
    ({"model": "walkthru"}, "Did you mean 'walkthrough'"),
    ({"model": "/etc/passwd.py:main"}, "Unknown model"),
    ({"recipe": "../../secret"}, "Unknown recipe"),
    ({"settings": {"epoch": 3}}, "Did you mean 'epochs'"),
    ({"settings": {"epochs": 0}}, "a whole number, at least 1"),
    ({"settings": {"epochs": "many"}}, "a whole number, at least 1"),
    ({"validation": 640}, "Expected to hold out 1 to 639"),
    ({"seed": -1}, "seed"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_order_is_refused_before_anything_is_written(visitor, studio, changes, words):
    answer = visitor.post("/api/trainings", json={**LONG, **changes})
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]
    assert not studio.trainings.orders.names()


def test_the_options_hold_every_knob_with_its_help(visitor):
    options = visitor.get("/api/trainings/options").json()
    by_name = {knob["name"]: knob for knob in options["knobs"]}
    assert (by_name["learning_rate"]["can_be_auto"], by_name["learning_rate"]["default"]) == (True, "auto")
    assert (by_name["gradient_clip"]["can_be_none"], by_name["gradient_clip"]["default"]) == (True, None)
    assert all(knob["help"] for knob in options["knobs"])
    assert {"walkthrough"} <= {recipe["name"] for recipe in options["recipes"]}


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fetc", "%2fetc", "a%00b", "-x", "nothing"])
def test_a_training_is_a_name_and_never_a_path(visitor, name):
    for answer in (visitor.get(f"/api/trainings/{name}/events"), visitor.post(f"/api/trainings/{name}/stop")):
        assert answer.status_code in (404, 405)


def test_a_full_disk_refuses_to_start_and_leaves_nothing(visitor, studio, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fittingroom.studio.order_folders.write_json", full)
    answer = visitor.post("/api/trainings", json=LONG)
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]["message"]
    assert not studio.trainings.orders.names()
    assert list(studio.trainings.orders.root.iterdir()) == []


def test_a_line_cut_short_by_a_kill_is_passed_over_and_swallows_none_that_comes_after_it(tmp_path):
    folder = tmp_path / ".studio" / "trainings" / "one"
    folder.mkdir(parents=True)
    (folder / "order.json").write_text("{}")
    (folder / "progress.jsonl").write_text('{"kind": "says", "words": "a"}\n{"kind": "pro')
    assert Trainings(tmp_path, 2).lines("one") == [{"kind": "says", "words": "a"}]
    write_line(folder, {"kind": "end", "how": "done", "words": "Done."})
    assert Trainings(tmp_path, 2).lines("one", after=1) == [{"kind": "end", "how": "done", "words": "Done."}]


def test_another_process_that_got_the_same_number_is_not_taken_for_a_training(tmp_path):
    folder = tmp_path / ".studio" / "trainings" / "one"
    folder.mkdir(parents=True)
    (folder / "order.json").write_text("{}")
    (folder / "process.json").write_text(json.dumps({"pid": os.getpid()}))
    assert not Trainings(tmp_path, 2).orders.is_running("one")


@pytest.mark.soak
def test_the_first_batch_is_seen_before_anything_is_trained(visitor, studio):
    order = LONG | {"settings": {"flip": "random", "batch_size": 32}, "validation": 100}
    answer = visitor.post("/api/trainings/preview", json=order)
    assert answer.status_code == 200, answer.text
    assert answer.json()["picture"].startswith("data:image/png;base64,")
    assert (answer.json()["images"], answer.json()["epochs"]) == (8, 4)
    assert studio.trainings.orders.names() == []


def test_a_batch_of_settings_that_do_not_fit_is_refused(visitor):
    answer = visitor.post("/api/trainings/preview", json=LONG | {"settings": {"translate": -1}})
    assert answer.status_code == 422
    assert "translate" in answer.json()["error"]["message"]
