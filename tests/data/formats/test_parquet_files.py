"""Hugging Face's Parquet, its folders, and what save_to_disk writes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.data.formats.grey_png import encode_png
from fittingroom.errors import DataError
from helpers.small_dataset import CLASSES, arrays, same, write_folder

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
MADE = arrays()
FEATURES = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": list(CLASSES)}}


def rows(images, labels, names=("image", "label"), metadata=True):
    pictures = [{"bytes": encode_png(image), "path": None} for image in images]
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kept = {"huggingface": json.dumps({"info": {"features": FEATURES}})} if metadata else None
    schema = pa.schema([(names[0], picture), (names[1], pa.int64())], kept)
    return pa.Table.from_arrays([pa.array(pictures, picture), pa.array(labels.astype(int))], schema=schema)


def saved_to_disk(folder, batch=7):
    """As ``DatasetDict.save_to_disk`` lays it out: a stream of Arrow in a folder for each part."""
    for part, images, labels in (("train", *MADE[:2]), ("test", *MADE[2:])):
        (folder / part).mkdir(parents=True)
        table = rows(images, labels)
        path = str(folder / part / "data-00000-of-00001.arrow")
        with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table, max_chunksize=batch)
        (folder / part / "state.json").write_text("{}")
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    return folder


def test_what_save_to_disk_wrote_is_read_without_the_library(tmp_path):
    made = fr.convert_data(saved_to_disk(tmp_path / "in"), tmp_path / "made", to_format="idx")
    same(tmp_path / "made", MADE)
    assert made.class_names == CLASSES


def test_several_files_of_a_part_are_read_in_their_order(tmp_path):
    (tmp_path / "in" / "data").mkdir(parents=True)
    pq.write_table(rows(MADE[0][:20], MADE[1][:20]), tmp_path / "in" / "data" / "train-00000-of-00002.parquet")
    pq.write_table(rows(MADE[0][20:], MADE[1][20:]), tmp_path / "in" / "data" / "train-00001-of-00002.parquet")
    pq.write_table(rows(*MADE[2:]), tmp_path / "in" / "data" / "test-00000-of-00001.parquet")
    pq.write_table(rows(*MADE[2:]), tmp_path / "in" / "data" / "validation-00000-of-00001.parquet")
    lines = []
    fr.convert_data(tmp_path / "in", tmp_path / "made", to_format="idx", log=lines.append)
    same(tmp_path / "made", MADE)
    assert any("'validation' is not read" in line for line in lines)


def test_rows_of_pixels_are_pictures_too(tmp_path):
    table = pa.table({"image": MADE[0].tolist(), "label": MADE[1].tolist()})
    pq.write_table(table, tmp_path / "a.parquet")
    made = fr.convert_data(tmp_path / "a.parquet", tmp_path / "a.npz")
    with np.load(made.path) as file:
        np.testing.assert_array_equal(file["x_train"], MADE[0])


def test_what_is_written_has_the_columns_and_names_of_hugging_face(tmp_path):
    fr.convert_data(write_folder(tmp_path / "in", MADE), tmp_path / "made", to_format="huggingface")
    table = pq.read_table(tmp_path / "made" / "data" / "train-00000-of-00001.parquet")
    assert table.column_names == ["image", "label"]
    assert json.loads(table.schema.metadata[b"huggingface"])["info"]["features"] == FEATURES


REFUSED = {
    "no image": (lambda: rows(*MADE[:2], names=("photo", "label")), "expected a column image"),
    "no label": (lambda: rows(*MADE[:2], names=("image", "what")), "expected a column label"),
    "words": (lambda: pa.table({"image": MADE[0].tolist(), "label": ["a"] * 30}), "labels as whole numbers"),
    "above 255": (lambda: pa.table({"image": (MADE[0].astype(int) + 256).tolist(), "label": MADE[1]}), "0..255"),
    "elsewhere": (
        lambda: pa.table({"image": [{"bytes": None, "path": "a.png"}] * 2, "label": [0, 1]}),
        "lies outside of the file",
    ),
    "sizes": (
        lambda: pa.table({"image": [MADE[0][0].tolist(), MADE[0][0][:2].tolist()], "label": [0, 1]}),
        "images of one size",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_tables_are_one_sentence(name, tmp_path):
    make, words = REFUSED[name]
    pq.write_table(make(), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=words):
        fr.convert_data(tmp_path / "a.parquet", tmp_path / "a.npz")


def test_damaged_files_are_one_sentence(tmp_path):
    pq.write_table(rows(*MADE[:2]), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="expected a file that PyArrow reads"):
        fr.convert_data(tmp_path / "b.parquet", tmp_path / "made")
    folder = saved_to_disk(tmp_path / "in")
    path = folder / "train" / "data-00000-of-00001.arrow"
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match=r"damaged|PyArrow reads"):
        fr.convert_data(folder, tmp_path / "made")
