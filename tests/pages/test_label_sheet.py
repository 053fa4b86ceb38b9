"""A sheet of pictures to label: chosen, written, completed, and sorted into a folder for each class."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.errors import DataError, RunError, UsageError
from fittingroom.pages.label_sheet import labelled_words, open_label_sheet

MODEL = "fashion-mnist/walkthrough"


@pytest.fixture(scope="module")
def pictures(toy, tmp_path_factory):
    """A folder of thirty grey pictures and an array of five more."""
    folder = tmp_path_factory.mktemp("unlabelled") / "new"
    folder.mkdir()
    for number, image in enumerate(toy.train.images[:30]):
        Image.fromarray(image).save(folder / f"{number:02}.png")
    np.save(folder / "more.npy", toy.train.images[30:35])
    return folder


@pytest.fixture
def sheet(pictures, tmp_path):
    return fr.suggest_labels(pictures, MODEL, count=6, out=tmp_path / "sheet")


def complete(sheet, *edits):
    """Write edits into the first rows of a sheet's file, as a person does."""
    path = sheet.folder / "labels.csv"
    head, *lines = path.read_text().splitlines()
    rows = list(csv.reader(lines))
    for row, edit in zip(rows[1:], edits, strict=False):
        row[rows[0].index("edit")] = edit
    with path.open("w", newline="") as file:
        file.write(f"{head}\n")
        csv.writer(file, lineterminator="\n").writerows(rows)


def test_the_least_sure_are_on_the_sheet_with_what_the_model_says(sheet, pictures, toy):
    told = fr.predict(MODEL, toy.train.images[:35])
    best = np.sort(told, axis=1)
    expected = np.sort(best[:, -1] - best[:, -2])[:6]
    np.testing.assert_allclose(np.sort(sheet.margins), expected, atol=1e-5)
    names = [f"{number:02}.png" for number in range(30)] + [f"more.npy[{number}]" for number in range(5)]
    for file, label, picture in zip(sheet.files, sheet.labels, sheet.pictures, strict=True):
        place = names.index(file)
        assert label == told[place].argmax()
        np.testing.assert_array_equal(picture, toy.train.images[place])
    assert sheet.facts["pictures"] == 35
    assert sheet.decisions() == {}
    assert labelled_words(sheet) == "0 of 6 pictures labelled, 0 left out"


def test_the_page_is_one_file_and_says_what_the_sheet_says(sheet):
    page = (sheet.folder / "labels.html").read_text()
    assert "http" not in re.sub(r"http://www\.w3\.org/\S*", "", page)
    assert page.count('class="big"') == 6
    assert all(file in page for file in sheet.files)
    assert json.loads((sheet.folder / "suggestions.json").read_text())["facts"]["strategy"] == "margin"


def test_what_was_labelled_is_sorted_into_folders_that_become_a_dataset(sheet, pictures, tmp_path):
    complete(sheet, "keep", "relabel Coat", "exclude", "relabel 4", f"relabel {sheet.class_names[sheet.labels[4]]}")
    found = sheet.decisions()
    assert found == {0: sheet.labels[0], 1: 4, 3: 4, 4: sheet.labels[4]}
    assert sheet.sort_into(tmp_path / "sorted") == 4
    there = sorted(path.parent.name for path in (tmp_path / "sorted").rglob("*.png"))
    names = [sheet.class_names[label].replace("/", "-") for label in found.values()]
    assert there == sorted(names)
    for number in (1, 3):
        file = next(
            path
            for path in (tmp_path / "sorted" / "Coat").iterdir()
            if path.stem.startswith(sheet.files[number].split(".")[0])
        )
        np.testing.assert_array_equal(np.asarray(Image.open(file)), sheet.pictures[number])


def test_labels_that_were_begun_are_not_written_over_and_are_left_out_of_the_next_sheet(sheet, pictures, tmp_path):
    complete(sheet, "keep", "exclude")
    with pytest.raises(UsageError, match=r"there are labels in it already.* --without"):
        fr.suggest_labels(pictures, MODEL, count=6, out=sheet.folder)
    following = fr.suggest_labels(pictures, MODEL, count=33, out=tmp_path / "next", without=[sheet.folder])
    assert len(following) == 33
    assert not set(following.files) & set(sheet.files[:2])
    assert following.facts["decided_before"] == 2


def test_one_that_was_not_begun_is_made_anew(sheet, pictures):
    again = fr.suggest_labels(pictures, MODEL, count=3, strategy="random", seed=1, out=sheet.folder)
    assert len(again) == len(open_label_sheet(sheet.folder)) == 3


def test_arrays_and_lists_of_files_are_taken_too(toy, pictures, tmp_path):
    of_array = fr.suggest_labels(toy.train.images[:9], MODEL, count=50, out=tmp_path / "a")
    assert len(of_array) == 9
    assert of_array.files[0].startswith("[")
    files = sorted(pictures.glob("*.png"))[:4]
    assert len(fr.suggest_labels(files, MODEL, strategy="margin-diversity", out=tmp_path / "b")) == 4
    complete(of_array, "keep")
    assert of_array.sort_into(tmp_path / "sorted") == 1


def test_what_cannot_be_read_is_left_out_and_told(pictures, tmp_path):
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "bad.npy").write_bytes(b"no array")
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(folder / "good.png")
    told = []
    sheet = fr.suggest_labels(folder, MODEL, out=tmp_path / "sheet", log=told.append)
    assert sheet.files == ("good.png",)
    assert any("bad.npy" in line for line in told)
    assert len(sheet.facts["left_out"]) == 1


def test_bad_input_is_one_sentence(pictures, tmp_path, toy):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected a folder with pictures, found none"):
        fr.suggest_labels(tmp_path / "empty", MODEL, out=tmp_path / "sheet")
    with pytest.raises(DataError, match="expected a folder with pictures, found none"):
        fr.suggest_labels(tmp_path / "missing", MODEL, out=tmp_path / "sheet")
    with pytest.raises(UsageError, match="pictures to suggest: expected a whole number, 1 or more"):
        fr.suggest_labels(pictures, MODEL, count=0, out=tmp_path / "sheet")
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    Image.fromarray(toy.train.images[0]).save(mixed / "data.png")
    Image.new("RGB", (90, 60), "red").save(mixed / "photo.jpg")
    with pytest.raises(UsageError, match="Expected photos alone or data alone"):
        fr.suggest_labels(mixed, MODEL, out=tmp_path / "sheet")
    (tmp_path / "taken").write_text("x")
    with pytest.raises(RunError, match="the sheet's folder cannot be made"):
        fr.suggest_labels(pictures, MODEL, count=3, out=tmp_path / "taken")
    assert not (tmp_path / "sheet").exists()


@pytest.mark.parametrize("name", ["pictures.npz", "suggestions.json", "labels.csv"])
def test_a_damaged_sheet_is_told_of(sheet, name):
    (sheet.folder / name).write_bytes(b"\x93damaged")
    with pytest.raises(DataError):
        open_label_sheet(sheet.folder).decisions()


def test_nothing_labelled_yet_is_no_sorting(sheet, tmp_path):
    with pytest.raises(UsageError, match="expected pictures with a label, found none yet"):
        sheet.sort_into(tmp_path / "sorted")
    assert not (tmp_path / "sorted").exists()


def test_the_command_writes_a_sheet_and_sorts_one(pictures, tmp_path, capsys):
    out = str(tmp_path / "sheet")
    assert main(["suggest-labels", str(pictures), "--model", MODEL, "--count", "4", "--out", out]) == 0
    told = capsys.readouterr().out
    assert "4 pictures of 35, chosen by margin." in told
    complete(open_label_sheet(tmp_path / "sheet"), "keep", "keep")
    assert main(["suggest-labels", out, "--into", str(tmp_path / "sorted"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labelled"] == 2
    assert main(["suggest-labels", str(pictures), "--into", str(tmp_path / "sorted")]) == 2
    assert "expected a sheet of pictures to label" in capsys.readouterr().err
    assert main(["suggest-labels", str(pictures), "--without", str(tmp_path)]) == 2


@pytest.mark.soak
def test_photos_are_suggested_in_colour_and_copied_as_they_are(shared, tmp_path):
    import shutil

    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sorted((shared / "photos").rglob("*.jpg"))[:4]:
        shutil.copy(path, folder / path.name)
    sheet = fr.suggest_labels(folder, count=3, out=tmp_path / "sheet")
    assert sheet.pictures.ndim == 4
    complete(sheet, "keep")
    sheet.sort_into(tmp_path / "sorted")
    (copied,) = (tmp_path / "sorted").rglob("*.jpg")
    assert copied.read_bytes() == (folder / copied.name).read_bytes()
