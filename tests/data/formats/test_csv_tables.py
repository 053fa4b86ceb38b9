"""Tables of pixels: Kaggle's, MNIST's, and what is no such table."""

from __future__ import annotations

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import DataError
from helpers.small_dataset import arrays

IMAGES, LABELS, *_ = arrays(shape=(3, 3))
ROWS = np.column_stack([LABELS, IMAGES.reshape(30, 9)])
KAGGLE = "label," + ",".join(f"pixel{index}" for index in range(1, 10))


def table(path, header=KAGGLE, rows=ROWS, separator=",", ending="\n"):
    lines = [*([header] if header else []), *(separator.join(map(str, row)) for row in rows)]
    path.write_bytes((ending.join(lines) + ending).encode("utf-8-sig" if ending == "\r\n" else "utf-8"))
    return path


def loaded(path, out):
    made = fr.convert_data(path, out)
    with np.load(made.path) as file:
        return file["x_train"], file["y_train"]


TAKEN = {
    "Kaggle": {},
    "no header": {"header": None},
    "counted from 0": {"header": "label," + ",".join(f"pixel{index}" for index in range(9))},
    "by place": {"header": "label," + ",".join(f"{row}x{column}" for row in (1, 2, 3) for column in (1, 2, 3))},
    "quoted": {"header": ",".join(f'"{name}"' for name in KAGGLE.split(","))},
    "Windows": {"ending": "\r\n"},
    "labels last": {"header": KAGGLE.removeprefix("label,") + ",class", "rows": np.roll(ROWS, -1, axis=1)},
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_table_is_read_as_it_is_meant(name, tmp_path):
    images, labels = loaded(table(tmp_path / "a.csv", **TAKEN[name]), tmp_path / "a.npz")
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


def test_what_is_written_has_kaggles_header_and_order(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    fr.convert_data(tmp_path / "a.npz", tmp_path / "made.csv")
    assert (tmp_path / "made.csv").read_bytes() == table(tmp_path / "by hand.csv").read_bytes()


def test_images_that_are_not_square_have_columns_called_by_their_place(tmp_path):
    images = IMAGES[:, :2]
    np.savez(tmp_path / "a.npz", images=images, labels=LABELS)
    fr.convert_data(tmp_path / "a.npz", tmp_path / "made.csv")
    assert (tmp_path / "made.csv").read_text().startswith("label,1x1,1x2,1x3,2x1,2x2,2x3\n")


def test_the_first_column_without_a_name_is_the_label_and_that_is_said(tmp_path):
    lines = []
    fr.convert_data(table(tmp_path / "a.csv", header=None), tmp_path / "a.npz", log=lines.append)
    assert "the first is taken as the label" in lines[0]


def test_the_table_of_the_test_part_is_found_by_its_name(tmp_path):
    table(tmp_path / "hats_train.csv")
    table(tmp_path / "hats_test.csv", rows=ROWS[:7])
    lines = []
    data = fr.load(tmp_path / "hats_train.csv", log=lines.append)
    assert (len(data.train), len(data.test), data.name) == (30, 7, "hats")
    assert any("hats_test.csv beside it" in line for line in lines)
    assert len(fr.load(tmp_path).test) == 7


def test_a_table_without_labels_beside_it_is_not_the_test_part(tmp_path):
    table(tmp_path / "train.csv")
    table(tmp_path / "test.csv", header=KAGGLE.removeprefix("label,"), rows=ROWS[:, 1:])  # as Kaggle's competitions
    lines = []
    made = fr.convert_data(tmp_path / "train.csv", tmp_path / "made", hold_out=5, log=lines.append)
    assert (made.train, made.test) == (25, 5)
    assert any("has no labels, so it is not the test part" in line for line in lines)


def changed(row, column, value):
    rows = ROWS.astype(object)
    rows[row, column] = value
    return rows


REFUSED = {
    "a value above 255": ({"rows": changed(4, 3, 256)}, r"line 6: expected pixels in 0\.\.255, received 256"),
    "a value below 0": ({"rows": changed(0, 9, -1)}, r"line 2: expected pixels in 0\.\.255, received -1"),
    "a fraction": ({"rows": changed(2, 3, 0.5)}, "line 4: .* whole numbers, received '0.5'"),
    "a fraction that begins whole": ({"rows": changed(2, 3, "12.7")}, "line 4: .* whole numbers, received '12.7'"),
    "a gap": ({"rows": changed(2, 3, "")}, "line 4: .* whole numbers, received ''"),
    "a word": ({"rows": changed(5, 0, "Bag")}, "line 7: .* whole numbers, received 'Bag'"),
    "a short line": ({"rows": [*ROWS.tolist(), [1, 2, 3]]}, "line 32: .* received 3 columns after 10"),
    "a huge number": ({"rows": changed(1, 1, 10**30)}, "line 3: .* whole numbers"),
    "no label": ({"header": KAGGLE[6:], "rows": ROWS[:, 1:]}, "0 label columns"),
    "no label and no names": ({"header": None, "rows": ROWS[:, 1:]}, "pixels of 3x3 without a label"),
    "no square": ({"header": KAGGLE[:-7], "rows": ROWS[:, :-1]}, "pixels of a square picture"),
    "another order": ({"header": KAGGLE.replace("pixel2,pixel3", "pixel3,pixel2")}, "pixels in order"),
    "a column of something": ({"header": KAGGLE.replace("pixel9", "writer")}, "found a column 'writer'"),
    "semicolons": ({"separator": ";", "header": KAGGLE.replace(",", ";")}, "found a column"),
    "nothing": ({"header": "", "rows": []}, "an empty line first"),
    "a header alone": ({"rows": []}, "expected at least one image"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_is_not_sound_is_one_sentence_with_its_line(name, tmp_path):
    options, words = REFUSED[name]
    with pytest.raises(DataError, match=words):
        fr.convert_data(table(tmp_path / "a.csv", **options), tmp_path / "a.npz", from_format="csv")
    assert not (tmp_path / "a.npz").exists()


def test_other_bytes_than_text_are_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"label,pixel1\n\xff\xfe\x00")
    with pytest.raises(DataError, match="expected"):
        fr.convert_data(tmp_path / "a.csv", tmp_path / "a.npz")


def test_a_table_without_a_test_part_is_loaded_only_by_the_advice(tmp_path):
    with pytest.raises(DataError, match=r"fittingroom data convert \S+ NEW --hold-out COUNT") as caught:
        fr.load(table(tmp_path / "a.csv"))
    from fittingroom.cli.app import main

    words = str(caught.value).partition("fittingroom ")[2].partition(" (")[0].split()
    replaced = {"NEW": str(tmp_path / "new"), "COUNT": "6"}
    assert main([replaced.get(word, word) for word in words]) == 0
    assert len(fr.load(tmp_path / "new").test) == 6
