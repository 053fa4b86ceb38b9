"""A damaged run folder: one row that says so in every table, and one sentence from every command; never a traceback."""

import json
import os
import shutil

import numpy as np
import pytest
from starlette.testclient import TestClient

from fittingroom.cli.app import main
from fittingroom.runs import open_run
from fittingroom.studio.asgi import build_app
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.state import Studio
from fittingroom.web.security import Access
from fittingroom.workflows.evaluation import evaluate
from fittingroom.workflows.training import train

PORT = 8765


def sparse(path):
    with path.open("wb") as file:
        file.truncate(3 << 30)


IN_A_TEXT = {  # one file's place: what is put there
    "a list": lambda path: path.write_text("[]"),
    "a list in a line": lambda path: path.write_text("[]\n"),
    "nothing in it": lambda path: path.write_text("{}\n"),
    "deep": lambda path: path.write_text('{"a": ' + "[" * 100_000 + "\n"),
    "rather deep": lambda path: path.write_text('{"a": ' + "[" * 400 + "]" * 400 + "}\n"),
    "half a line": lambda path: path.write_text('{"epoch": 1, "sec\n'),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "enormous": sparse,
}
IN_ARRAYS = {
    "text": lambda path: path.write_text("[]"),
    "cut short": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "enormous": sparse,
    "others": lambda path: np.savez(path, probabilities=np.eye(3)),
}
TEXTS = ("environment.json", "history.jsonl", "verdict.json", "test_looks.jsonl", "resolved.json")
HARMLESS = {("verdict.json", "nothing in it")}  # an empty verdict is what a run without one has
DAMAGES = [
    *((name, damage, IN_A_TEXT[damage]) for name in TEXTS for damage in IN_A_TEXT if (name, damage) not in HARMLESS),
    *(("predictions.npz", damage, make) for damage, make in IN_ARRAYS.items()),
    *(("recipe.toml", damage, IN_A_TEXT[damage]) for damage in ("deep", "binary", "pipe", "folder", "endless")),
]
FEW = [each for each in DAMAGES if each[1] in ("a list in a line", "pipe", "others")]


def named(damages):
    return pytest.mark.parametrize(("name", "make"), [pytest.param(n, m, id=f"{n}: {d}") for n, d, m in damages])


@pytest.fixture(scope="module")
def whole(toy_folder, toy, tmp_path_factory):
    """A run that has met the test images; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("whole") / "whole"
    evaluate(train("walkthrough", toy_folder, epochs=1, onnx=False, out=folder), toy)
    return folder


@pytest.fixture
def root(whole, tmp_path):
    """A folder of two runs: "good", and "hurt", which the test damages."""
    for name in ("good", "hurt"):
        shutil.copytree(whole, tmp_path / "runs" / name)
    return tmp_path / "runs"


@pytest.fixture
def visitor(root, toy_folder):
    """A browser that has opened the page of a studio on that folder."""
    studio = Studio(Access(port=PORT), root, DatasetRegistry([toy_folder]))
    with TestClient(build_app(studio), base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False) as client:
        client.get("/")
        yield client


def hurt(root, name, make):
    path = root / "hurt" / name
    path.unlink()
    make(path)


def run(capsys, *words):
    capsys.readouterr()
    code = main([str(word) for word in words])
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return code, printed.out, printed.err


@named(DAMAGES)
def test_the_list_of_runs_has_a_row_that_says_what_is_wrong_and_hides_no_other(root, name, make, capsys):
    hurt(root, name, make)
    code, out, _ = run(capsys, "runs", "list", "--root", root, "--json")
    good, bad = json.loads(out)["runs"]
    assert code == 0
    assert good["test_n"] == 200
    assert bad.keys() == {"run", "state", "error"}
    assert bad["run"] == str(root / "hurt")
    assert f"{root / 'hurt' / name}" in bad["error"]
    assert "expected" in bad["error"]
    _, out, _ = run(capsys, "runs", "list", "--root", root)
    assert len(out.splitlines()) == 3
    assert bad["state"] == "damaged"
    assert any("damaged" in line and bad["error"] in line for line in out.splitlines())


@named(DAMAGES)
def test_a_command_about_a_damaged_run_is_one_sentence_that_names_the_file(root, name, make, capsys):
    hurt(root, name, make)
    for words in (("runs", "show", root / "hurt"), ("runs", "show", root / "hurt", "--json")):
        code, out, err = run(capsys, *words)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert f"hurt/{name}" in err


NEEDING = [["report", "hurt"], ["compare", "good", "hurt"], ["report", "good", "hurt"], ["mistakes", "hurt"]]


@pytest.mark.parametrize("words", NEEDING, ids=" ".join)
@named(FEW)
def test_what_needs_a_damaged_file_says_so_and_what_does_not_goes_on(root, name, make, words, capsys, toy_folder):
    hurt(root, name, make)
    command, *folders = words
    code, _, err = run(capsys, command, *(root / each for each in folders), "--data-dir", toy_folder)
    if code == 0:
        assert name in ("verdict.json", "test_looks.jsonl", "history.jsonl", "resolved.json", "recipe.toml")
        return
    assert code == 2
    assert f"hurt/{name}" in err.splitlines()[-1]


@named(FEW)
def test_the_studio_has_a_row_that_says_what_is_wrong_and_hides_no_other(visitor, root, name, make):
    hurt(root, name, make)
    answer = visitor.get("/api/runs")
    rows = {row["name"]: row for row in answer.json()}
    assert rows["good"]["n"] == 200
    assert rows["hurt"].keys() == {"name", "error"}
    assert name in rows["hurt"]["error"]
    assert str(root) not in answer.text


@named(FEW)
def test_every_part_of_the_studio_goes_on_beside_a_damaged_run(visitor, root, name, make):
    hurt(root, name, make)
    for path in ("datasets/bars", "models", "trainings", "jobs", "runs/good", "runs/good/predictions"):
        assert visitor.get(f"/api/{path}").status_code == 200, path
    drawn = {"model": "run/hurt", "height": 28, "width": 28, "pixels": ""}
    for method, path, body in (
        ("GET", "runs/hurt", None),
        ("GET", "runs/hurt/predictions", None),
        ("GET", "runs/good/against/hurt", None),
        ("GET", "answers?dataset=bars&model=run/hurt", None),
        ("POST", "trainings/hurt/resume", None),
        ("POST", "drawings", drawn),
    ):
        answer = visitor.request(method, f"/api/{path}", json=body)
        assert answer.status_code < 500, path
        assert str(root) not in answer.text
    told = visitor.get("/api/runs/hurt")
    assert told.status_code == 422
    assert name in told.json()["error"]["message"]
    assert visitor.delete("/api/runs/hurt").json() == {"deleted": "hurt"}
    assert [row["name"] for row in visitor.get("/api/runs").json()] == ["good"]


IN_A_TRAINING = [
    (name, damage, IN_A_TEXT[damage])
    for name in ("order.json", "progress.jsonl", "process.json")
    for damage in ("a list in a line", "nothing in it", "half a line", "binary", "pipe", "folder", "endless")
]


@named(IN_A_TRAINING)
def test_a_training_whose_files_are_damaged_hides_no_other(visitor, root, name, make):
    for training in ("one", "two"):
        folder = root / ".studio" / "trainings" / training
        folder.mkdir(parents=True)
        (folder / "order.json").write_text("{}")
    damaged = root / ".studio" / "trainings" / "two" / name
    damaged.unlink(missing_ok=True)
    make(damaged)
    answer = visitor.get("/api/trainings")
    assert answer.status_code == 200
    assert "one" in [row["name"] for row in answer.json()]
    assert str(root) not in answer.text
    for path in ("trainings/two", "trainings/two/events", "jobs"):
        answer = visitor.get(f"/api/{path}")
        assert answer.status_code < 500
        assert str(root) not in answer.text


def test_a_history_whose_last_line_was_cut_short_is_read_up_to_there(root, capsys):
    path = root / "hurt" / "history.jsonl"
    path.write_bytes(path.read_bytes() + b'{"epoch": 2, "sec')
    code, out, _ = run(capsys, "runs", "show", root / "hurt", "--json")
    assert code == 0
    assert [line["epoch"] for line in json.loads(out)["history"]] == [1]


@pytest.mark.parametrize("value", ["NaN", "1e999", "Infinity"])
def test_what_is_no_number_in_json_is_shown_as_none(root, visitor, value, capsys):
    path = root / "hurt" / "history.jsonl"
    line = json.loads(path.read_text()) | {"val_loss": "HERE"}
    path.write_text(json.dumps(line).replace('"HERE"', value) + "\n")
    _, out, _ = run(capsys, "runs", "show", root / "hurt", "--json")
    assert json.loads(out)["history"][0]["val_loss"] is None
    assert visitor.get("/api/runs/hurt").json()["history"][0]["val_loss"] is None


def test_a_name_that_is_no_text_breaks_no_table(root, visitor, capsys):
    path = root / "hurt" / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": "a\udcff\x1b[31m"}))
    code, out, _ = run(capsys, "runs", "list", "--root", root)
    assert code == 0
    assert "\x1b" not in out
    assert visitor.get("/api/runs").status_code == 200
    assert visitor.get("/api/runs/hurt").status_code == 200


WRONG = {
    "probabilities": [np.zeros(200), np.full((200, 10), np.nan), np.zeros((200, 10), int), np.array("x")],
    "labels": [np.zeros(199, int), np.full(200, 10), np.full(200, -1), np.zeros(200)],
    "indices": [np.zeros((200, 1), int), np.full(200, -1), np.zeros(200)],
    "split": [np.array("elsewhere"), np.array(["test", "test"]), np.array(3)],
    "class_names": [np.array(["a"] * 9), np.arange(10), np.zeros(10**6, "U0")],
    "fingerprint": [np.array(["a"]), np.array(3)],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_predictions_that_do_not_fit_each_other_are_one_sentence(root, name, value, capsys):
    path = root / "hurt" / "predictions.npz"
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | {name: value}))
    code, _, err = run(capsys, "compare", root / "good", root / "hurt")
    assert code == 2
    assert f"{path}: expected '" in err


def test_predictions_of_images_that_the_data_have_not_are_one_sentence(root, toy_folder, capsys):
    path = root / "hurt" / "predictions.npz"
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | {"indices": arrays["indices"] + 10**9}))
    for command in ("mistakes", "report"):
        code, _, err = run(capsys, command, root / "hurt", "--data-dir", toy_folder)
        assert code == 2
        assert "the labels in predictions.npz are not those of 'bars'" in err


def test_a_look_at_the_test_images_is_written_after_a_line_that_was_cut_short(root, toy):
    opened = open_run(root / "hurt")
    path = root / "hurt" / "test_looks.jsonl"
    path.write_bytes(path.read_bytes() + b'{"time": "2026')
    evaluate(opened, toy)
    assert [look["asked_by"] for look in opened.test_looks] == ["evaluate", "evaluate"]
