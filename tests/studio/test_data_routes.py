"""The data's part of the API."""

import base64
import gzip
import shutil
from urllib.parse import quote

import numpy as np
import pytest
from starlette.testclient import TestClient

from fittingroom.studio.asgi import build_app
from fittingroom.studio.flat_dataset import SHEET, DatasetRegistry, FlatDataset, sheet, shrunk, tile_shape
from fittingroom.studio.state import Studio


def test_about_names_the_folder_given_at_the_start_first(visitor):
    names = [dataset["name"] for dataset in visitor.get("/api/about").json()["datasets"]]
    assert names == ["bars", "fashion-mnist", "mnist"]


def test_facts_and_labels_cover_train_and_test_in_one_row(visitor, toy):
    facts = visitor.get("/api/datasets/bars").json()
    assert (facts["train"], facts["test"], facts["sheets"]) == (640, 200, 1)
    assert facts["fingerprint"] == toy.fingerprint
    labels = visitor.get("/api/datasets/bars/labels").json()
    assert labels == [*toy.train.labels.tolist(), *toy.test.labels.tolist()]


def test_a_sheet_holds_the_pictures_byte_for_byte(visitor, toy):
    content = visitor.get("/api/datasets/bars/sheets/0").content
    expected = np.concatenate([toy.train.images, toy.test.images])
    assert content == expected.tobytes()


def test_an_image_comes_with_its_pixels_and_its_place_in_the_file(visitor, toy):
    image = visitor.get("/api/datasets/bars/images/650").json()
    assert (image["split"], image["position"], image["class"]) == ("test", 10, "bar 0")
    assert base64.b64decode(image["pixels"]) == toy.test.images[10].tobytes()


@pytest.mark.parametrize("path", ["nope", "bars/images/840", "bars/images/-1", "bars/sheets/1", "bars/sheets/-1"])
def test_what_is_not_there_is_404_in_words(visitor, path):
    answer = visitor.get(f"/api/datasets/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["..", "%2e%2e", "%2Fetc", "..%2F..%2Fetc", "a%00b", "~"])
def test_a_dataset_is_a_name_on_the_shelf_and_never_a_path(visitor, name):
    answer = visitor.get(f"/api/datasets/{name}/labels")
    assert answer.status_code == 404


def test_more_images_than_a_browser_holds_are_one_sentence(visitor, monkeypatch):
    monkeypatch.setattr("fittingroom.studio.flat_dataset.MOST_IMAGES", 800)
    answer = visitor.get("/api/datasets/bars")
    assert answer.status_code == 413
    assert (
        "'bars' has 840 images, and the studio draws all of a dataset, 800 at most."
        in answer.json()["error"]["message"]
    )


def test_images_are_taken_from_both_parts_also_across_their_edge(toy, monkeypatch):
    whole = np.concatenate([toy.train.images, toy.test.images])
    for largest in (256 << 20, 1):
        monkeypatch.setattr("fittingroom.mapped_arrays.LARGE_BYTES", largest)
        for start, stop in ((0, 3), (638, 643), (640, 641), (839, 840), (5, 5)):
            assert np.array_equal(FlatDataset(toy).images(start, stop), whole[start:stop])


def test_an_index_that_is_no_number_is_422_in_words(visitor):
    answer = visitor.get("/api/datasets/bars/images/first")
    assert answer.status_code == 422
    assert "valid integer" in answer.json()["error"]["message"]


def test_sheets_cross_the_edge_between_train_and_test(toy):
    flat_dataset = FlatDataset(toy)
    assert (
        flat_dataset.images(638, 642).tolist() == np.concatenate([toy.train.images[638:], toy.test.images[:2]]).tolist()
    )
    assert len(gzip.decompress(sheet(flat_dataset, 0))) == min(SHEET, 840) * 28 * 28


def test_large_pictures_travel_as_thumbnails_of_means():
    images = np.zeros((1, 100, 60), np.uint8)
    images[:, :4, :4] = 200
    small = shrunk(images)
    assert small.shape[1:] == tile_shape((100, 60)) == (25, 15)
    assert small[0, 0, 0] == 200
    assert small.sum() == 200


def test_a_sheet_is_kept_by_the_browser_under_the_datas_fingerprint_only(visitor, toy):
    def kept(query):
        return visitor.get(f"/api/datasets/bars/sheets/0{query}").headers["cache-control"]

    assert "max-age" in kept(f"?fingerprint={toy.fingerprint}")
    assert kept("") == kept("?fingerprint=other") == "no-store"


def test_two_folders_of_one_name_are_two_datasets(toy_folder, tmp_path, studio):
    for parent in ("first", "second"):
        shutil.copytree(toy_folder, tmp_path / parent / "bars")
    registry = DatasetRegistry([tmp_path / "first" / "bars", tmp_path / "second" / "bars"])
    app = build_app(Studio(studio.access, studio.runs, registry))
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        names = [each["name"] for each in client.get("/api/about").json()["datasets"]]
        assert names[:2] == ["bars (first)", "bars (second)"]
        for name in names[:2]:
            assert client.get(f"/api/datasets/{quote(name)}").json()["train"] == 640


def test_a_folder_does_not_hide_the_known_dataset_of_its_name(tmp_path):
    registry = DatasetRegistry([tmp_path / "mine" / "mnist"])
    assert registry.names() == ["mnist (mine)", "fashion-mnist", "mnist"]
    assert registry.source("mnist") == "mnist"


def test_data_that_are_not_on_this_machine_are_told_with_the_command_that_gets_them(visitor, monkeypatch):
    monkeypatch.setattr("fittingroom.studio.flat_dataset.locate", lambda name: None)
    listed = {each["name"]: each["is_here"] for each in visitor.get("/api/about").json()["datasets"]}
    assert listed == {"bars": True, "fashion-mnist": False, "mnist": False}
    answer = visitor.get("/api/datasets/mnist")
    assert answer.status_code == 409
    assert answer.json()["error"]["message"].endswith("Get it with: fittingroom data get mnist")
