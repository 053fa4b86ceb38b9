"""The data's part of the API."""

import base64
import gzip

import numpy as np
import pytest

from fittingroom.studio.flat_dataset import SHEET, FlatDataset, sheet, shrunk, tile_shape


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
