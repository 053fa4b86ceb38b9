"""Curating: what is decided is in the file at once, can be undone after a restart, and test images stay as they are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from starlette.testclient import TestClient

import fittingroom as fr
from fittingroom.data.edits import read_edits
from fittingroom.studio.asgi import build_app
from fittingroom.studio.flat_dataset import DatasetRegistry
from fittingroom.studio.state import Studio
from fittingroom.web.security import Access
from helpers.audited_toy import WRONG, audit_toy

pytest.importorskip("cleanlab", reason="the extra audit is not installed")


@pytest.fixture
def audits(studio, toy):
    audit_toy(toy, studio.audits / "bars-90")
    return studio.audits


@pytest.fixture
def curator(visitor, audits):
    """The visitor of a studio with an audit, and how that visitor asks."""
    return Curator(visitor)


class Curator:
    def __init__(self, visitor, sheet="audit/bars-90"):
        self.visitor, self.where = visitor, {"dataset": "bars", "sheet": sheet}

    def post(self, what, **body):
        return self.visitor.post(f"/api/curate/{what}", json={**self.where, **body})

    def decide(self, images, edit):
        return self.post("decisions", images=images, edit=edit)

    def sheet(self):
        return self.visitor.get("/api/curate/sheet", params=self.where).json()

    def item(self, image):
        return next(item for item in self.sheet()["items"] if item["image"] == image)


def told(answer):
    return answer.json()["error"]["message"]


def test_the_suspects_come_with_what_speaks_for_and_against_the_worst_first(curator):
    sheet = curator.sheet()
    first = sheet["items"][0]
    assert {item["image"] for item in sheet["items"][:2]} == WRONG.keys()
    assert first["suggested"] == f"bar {WRONG[first['image']]}"
    assert {index % 10 for index in first["speaking_for"]} == {first["image"] % 10}
    assert {index % 10 for index in first["speaking_against"]} == {WRONG[first["image"]]}
    assert "networks that have not seen it say" in first["reason"]
    assert (sheet["decided"], sheet["undo"], sheet["file"]) == (0, 0, "audits/bars-90/edits.csv")


def test_a_decision_is_in_the_file_when_it_is_answered_and_nothing_else_changes(curator, audits, toy):
    before = (audits / "bars-90" / "edits.csv").read_text().splitlines()
    answer = curator.decide([17], "relabel bar 3").json()
    assert answer["changed"] == [{"image": 17, "edit": "relabel bar 3", "tags": [], "given": 7}]
    assert (answer["decided"], answer["relabelled"], answer["undo"]) == (1, 1, 1)
    after = (audits / "bars-90" / "edits.csv").read_text().splitlines()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    curator.decide([101], "exclude")
    curator.decide([5], "keep")  # on no sheet yet
    done = read_edits(audits / "bars-90" / "edits.csv", toy)
    assert (done.kept, done.excluded, done.relabelled) == ((5,), (101,), {17: 3})
    assert len(toy.edited(audits / "bars-90" / "edits.csv").train) == 639


def test_what_was_decided_outlives_the_studio_and_is_undone_step_by_step(curator, studio, audits, toy):
    curator.decide([17, 101], "exclude")
    curator.post("tags", images=[17], tag="two of them", on=True)
    again = Studio(Access(port=studio.access.port), studio.runs, DatasetRegistry(studio.registry.folders.values()))
    with TestClient(build_app(again), base_url=f"http://127.0.0.1:{studio.access.port}") as client:
        client.get("/")
        later = Curator(client)
        assert later.item(17)["edit"] == "exclude"
        assert later.item(17)["tags"] == ["two of them"]
        assert later.post("undo").json()["changed"][0]["tags"] == []
        back = later.post("undo").json()
        assert [(each["image"], each["edit"]) for each in back["changed"]] == [(17, ""), (101, "")]
        assert back["undo"] == 0
        answer = later.post("undo")
    assert answer.status_code == 409
    assert "nothing to undo" in told(answer)
    assert read_edits(audits / "bars-90" / "edits.csv", toy).excluded == ()


def test_relabelling_to_the_label_that_it_has_is_keeping_it(curator):
    assert curator.decide([17], "relabel bar 7").json()["changed"][0]["edit"] == "keep"


@pytest.mark.parametrize(
    ("images", "edit", "words"),
    [
        ([640], "exclude", "Test images stay as they are"),
        ([840], "keep", "Expected an image of this sheet, 0 to 839, received 840"),
        ([-1], "keep", "Expected an image of this sheet"),
        ([17], "relabel bar 77", "Expected a class to relabel to"),
        ([17], "relabel", "Expected a class to relabel to"),
        ([17], "delete", "Expected keep, exclude, relabel CLASS or nothing, received 'delete'"),
        ([17], "keep it", "Expected keep, exclude"),
        ([], "keep", "images"),
    ],
)
def test_what_cannot_be_decided_is_one_sentence_and_changes_nothing(curator, audits, images, edit, words):
    before = (audits / "bars-90" / "edits.csv").read_bytes()
    answer = curator.decide(images, edit)
    assert answer.status_code == 422
    assert words in told(answer)
    assert (audits / "bars-90" / "edits.csv").read_bytes() == before
    assert curator.sheet()["undo"] == 0


def test_one_test_image_in_a_selection_refuses_all_of_it(curator, audits):
    assert curator.decide([17, 640], "exclude").status_code == 422
    assert curator.item(17)["edit"] == ""


def test_test_images_may_have_tags_which_train_on_nothing(curator, audits, toy):
    assert curator.post("tags", images=[640, 17], tag="zip", on=True).status_code == 200
    assert curator.sheet()["tags"] == {"zip": 2}
    assert toy.edited(audits / "bars-90" / "edits.csv").edits.facts()["excluded"] == 0
    assert curator.post("tags", images=[640], tag="zip", on=False).json()["tags"] == {"zip": 1}


@pytest.mark.parametrize("tag", ["", "=1+1", "a;b", "x" * 41, " a", "a\nb"])
def test_a_tag_that_a_spreadsheet_or_the_file_would_take_for_something_else_is_refused(curator, tag):
    answer = curator.post("tags", images=[17], tag=tag, on=True)
    assert answer.status_code == 422
    assert "Expected a tag of 1 to 40 letters" in told(answer)


def test_a_file_that_was_changed_in_an_editor_meanwhile_is_taken_as_it_is_and_never_undone_over(curator, audits):
    path = audits / "bars-90" / "edits.csv"
    curator.decide([17], "exclude")
    lines = path.read_text().splitlines()
    head = lines[1] + ",note"
    changed = [f"{line.replace('exclude', 'keep')},mine" for line in lines[2:]]
    path.write_text("\n".join([lines[0], head, *changed]) + "\n")
    answer = curator.post("undo")
    assert answer.status_code == 409
    assert "was changed elsewhere since" in told(answer)
    curator.decide([101], "exclude")
    assert path.read_text().count(",mine") == len(changed)  # a column of one's own stays


@pytest.mark.parametrize(
    "text", ["", "index,edit\n1,keep\n", "# fittingroom edits 1, dataset bars, fingerprint {}\nindex,edit\n17,exc"]
)
def test_a_torn_file_is_told_of_and_not_written_over(curator, audits, toy, text):
    path = audits / "bars-90" / "edits.csv"
    good = path.read_text().splitlines()[0]
    path.write_text(f"{good}\nindex,split,edit\n17,train,exc" if "{}" in text else text)
    before = path.read_bytes()
    answer = curator.decide([17], "keep")
    assert answer.status_code in (404, 422)
    assert path.read_bytes() == before


def test_a_sheet_of_ones_own_begins_with_the_first_decision(visitor, studio, toy):
    own = Curator(visitor, "curated")
    assert own.sheet()["items"] == []
    assert not studio.audits.exists()
    own.decide([3, 4], "exclude")
    file = studio.audits.parent / own.sheet()["file"]
    assert read_edits(file, toy).excluded == (3, 4)
    assert toy.fingerprint[:8] in file.parent.name


def test_sheets_of_other_data_and_names_that_are_paths_are_not_there(curator, audits, visitor):
    other = audits / "other-90"
    other.mkdir()
    for name in ("audit.json", "edits.csv"):
        text = (audits / "bars-90" / name).read_text()
        (other / name).write_text(text.replace("fingerprint ", "fingerprint 0").replace("0", "1", 1))
    keys = [each["key"] for each in visitor.get("/api/curate/sheets", params={"dataset": "bars"}).json()]
    assert keys == ["audit/bars-90", "curated"]
    for key in ("audit/other-90", "audit/../runs", "labels/../bars-90", "labels/bars-90", "", "no"):
        assert Curator(visitor, key).decide([1], "keep").status_code == 404


def test_who_may_only_look_sees_and_decides_nothing(studio, audits, toy):
    access = Access(port=studio.access.port, asks=True, look_token="look")
    with TestClient(build_app(replace(studio, access=access)), base_url=f"http://127.0.0.1:{access.port}") as client:
        client.headers["authorization"] = "Bearer look"
        looker = Curator(client)
        assert looker.sheet()["rows"] > 0
        for answer in (
            looker.decide([17], "keep"),
            looker.post("tags", images=[17], tag="a", on=True),
            looker.post("undo"),
            client.post("/api/curate/audits", json={"dataset": "bars"}),
        ):
            assert answer.status_code == 403
    assert not (audits / "bars-90" / "curation.jsonl").exists()


def test_an_order_for_a_training_takes_a_sheet_by_its_key_and_refuses_one_without_decisions(curator, visitor, studio):
    from fittingroom.studio.training_routes import Order, asked_of

    curator.decide([17], "exclude")
    asked = asked_of(Order(dataset="bars", edits="audit/bars-90"), studio)
    assert asked["edits"] == str(studio.audits / "bars-90" / "edits.csv")
    assert asked_of(Order(dataset="bars"), studio)["edits"] is None
    for key, words in (("curated", "nothing has been decided"), ("audit/no", "No sheet 'audit/no'")):
        answer = visitor.post("/api/trainings", json={"dataset": "bars", "edits": key})
        assert answer.status_code in (404, 422)
        assert words in told(answer)


@pytest.mark.soak
def test_the_first_batch_is_shown_as_the_edits_leave_it(curator, visitor):
    curator.decide(list(range(640 - 5)), "exclude")
    wish = {"dataset": "bars", "edits": "audit/bars-90", "settings": {"batch_size": 32}}
    assert visitor.post("/api/trainings/preview", json=wish).json()["images"] == 5


def test_runs_are_listed_with_the_edits_that_they_were_trained_with(with_run, studio):
    folder = studio.runs / "20260101-a"
    facts = json.loads((folder / "environment.json").read_text())
    (row,) = with_run.get("/api/curate/runs", params={"dataset": "bars"}).json()
    assert (row["name"], row["edits"], row["has_predictions"]) == ("20260101-a", None, True)
    facts["edits"] = {"file": "edits.csv", "sha256": "0" * 64, "excluded": 2, "relabelled": 1}
    (folder / "environment.json").write_text(json.dumps(facts))
    (row,) = with_run.get("/api/curate/runs", params={"dataset": "bars"}).json()
    assert row["edits"]["excluded"] == 2


def test_pictures_to_label_are_a_sheet_too_by_the_same_words(visitor, studio, toy):
    network = "shipped/fashion-mnist/walkthrough"
    sheet = fr.suggest_labels(
        toy.train.images[:30], network.removeprefix("shipped/"), count=5, out=studio.audits / "new"
    )
    listed = visitor.get("/api/curate/sheets").json()
    assert [(each["key"], each["rows"], each["file"]) for each in listed] == [
        ("labels/new", 5, "audits/new/labels.csv")
    ]
    labeller = Curator(visitor, "labels/new")
    answer = visitor.get("/api/curate/pictures", params={"sheet": "labels/new"})
    assert answer.headers["x-shape"] == "5x28x28"
    assert answer.content == sheet.pictures.tobytes()
    labeller.decide([0], "keep")
    labeller.decide([1], "relabel Coat")
    labeller.decide([2], "exclude")
    again = fr.suggest_labels
    assert sheet.decisions() == {0: int(sheet.labels[0]), 1: 4}
    with pytest.raises(fr.FittingRoomError, match="there are labels in it already, so it is left as it is"):
        again(toy.train.images[:30], "fashion-mnist/walkthrough", count=5, out=studio.audits / "new")
    answer = visitor.post("/api/trainings", json={"dataset": "bars", "edits": "labels/new"})
    assert "has no edits of these data" in told(answer)


def test_why_an_image_is_answered_so_is_sent_for_every_class(with_run, studio, toy):
    import base64

    where = {"dataset": "bars", "model": "run/20260101-a"}
    found = with_run.get("/api/answers/image/7/maps", params=where).json()
    maps = np.frombuffer(base64.b64decode(found["maps"]), "<i2").reshape(10, 28, 28) * found["scale"]
    expected = fr.explain(studio.runs / "20260101-a", toy.train.images[7:8]).maps[0]
    assert np.abs(maps - expected).max() <= np.abs(expected).max() * 1e-3
    assert np.abs(expected).max() > 0
    assert found["image_shape"] == [28, 28]
    (studio.runs / "20260101-a" / "test_looks.jsonl").unlink()
    answer = with_run.get("/api/answers/image/700/maps", params=where)
    assert answer.status_code == 409
    assert "has not met the test images yet" in told(answer)


@pytest.mark.soak
def test_an_audit_is_made_in_a_process_of_its_own_and_looks_at_no_test_label(tmp_path, toy_folder, toy, capsys):
    from fittingroom.studio.curation import audit_data

    (tmp_path / "tiny.toml").write_text("epochs = 6\nbatch_size = 32\n")
    audit_data(toy_folder, str(tmp_path / "tiny.toml"), tmp_path / "audit")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["share"] for line in lines] == sorted(line["share"] for line in lines)
    assert any("Fold 5 of 5, epoch" in line["words"] for line in lines)
    assert (tmp_path / "audit" / "edits.csv").exists()
    assert not (tmp_path / "audit" / "test_looks.jsonl").exists()
