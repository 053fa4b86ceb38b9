"""A person's decisions about training images: read, refused where they cannot be followed, and carried out."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from markupsafe import Markup

import fittingroom as fr
from fittingroom.data.edits import edits_words, read_edits, write_edits
from fittingroom.errors import DataError, RunError, UsageError


@pytest.fixture
def edits(toy, tmp_path):
    def write(*rows, name="edits.csv"):
        path = tmp_path / name
        given = [{"split": "train", **row} for row in rows]
        write_edits(path, toy, given)
        return path

    return write


def test_what_is_excluded_is_gone_and_what_is_relabelled_has_its_new_label(toy, edits):
    path = edits(
        {"index": 3, "edit": "exclude"},
        {"index": 5, "edit": "relabel bar 9"},
        {"index": 7, "edit": "keep"},
        {"index": 8, "edit": "relabel 2"},
        {"index": 9},
    )
    changed = toy.edited(path)
    assert len(changed.train) == len(toy.train) - 1
    assert 3 not in changed.train.indices
    labels = dict(zip(changed.train.indices.tolist(), changed.train.labels.tolist(), strict=True))
    expected = dict(zip(toy.train.indices.tolist(), toy.train.labels.tolist(), strict=True)) | {5: 9, 8: 2}
    assert labels == {index: label for index, label in expected.items() if index != 3}
    np.testing.assert_array_equal(changed.test.labels, toy.test.labels)
    assert changed.fingerprint == toy.fingerprint
    assert edits_words(changed.edits.facts()).startswith("1 image excluded and 2 relabelled by edits.csv (SHA-256 ")
    assert int(toy.train.labels[5]) == 5  # what was loaded is as it was


def test_a_spreadsheet_s_semicolons_quotes_byte_order_mark_and_line_ends_change_nothing(toy, edits, tmp_path):
    plain = edits({"index": 3, "edit": "exclude"}, {"index": 5, "edit": "relabel bar 9"})
    head, *lines = plain.read_text().splitlines()
    other = tmp_path / "excel.csv"
    other.write_text("\ufeff" + "\r\n".join([f'"{head}";;;', *(line.replace(",", ";") for line in lines)]), "utf-8")
    first, second = read_edits(plain, toy), read_edits(other, toy)
    assert (first.excluded, first.relabelled) == (second.excluded, second.relabelled) == ((3,), {5: 9})


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"index": 3, "edit": "exclude", "split": "test"}, "line 3: expected edits of training images only"),
        ({"index": 640, "edit": "exclude"}, "expected the index of a training image, 0 to 639, found '640'"),
        ({"index": "-1", "edit": "exclude"}, "expected the index of a training image"),
        ({"index": "3.0", "edit": "exclude"}, "expected the index of a training image"),
        ({"index": 3, "edit": "relabel bar 99"}, "expected a class to relabel to, found 'bar 99'"),
        ({"index": 3, "edit": "relabel"}, "expected a class to relabel to, found ''"),
        ({"index": 3, "edit": "delete"}, "expected the edit keep, exclude, relabel CLASS, or nothing, found 'delete'"),
        ({"index": 3, "edit": "exclude now"}, "expected the edit"),
        ({"index": 3, "edit": "exclude", "given": "bar 4"}, "expected the given label bar 3, found 'bar 4'"),
    ],
)
def test_a_line_that_cannot_be_followed_is_one_sentence_with_its_number(toy, edits, row, told):
    with pytest.raises(DataError, match=f"line 3: .*{re.escape(told.removeprefix('line 3: '))}"):
        toy.edited(edits(row))


def test_an_index_that_stands_twice_is_refused(toy, edits):
    with pytest.raises(DataError, match=r"line 4: expected each image once, found 3 in line 3 too"):
        toy.edited(edits({"index": 3, "edit": "exclude"}, {"index": 3, "edit": "keep"}))


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_torn_last_line_is_refused_wherever_it_was_cut_but_in_its_last_value(toy, edits, cut):
    row = {"index": 4, "edit": "relabel bar 9", "given": "bar 4", "suggested": "bar 9", "score": 0.5, "reason": "x"}
    path = edits({"index": 3, "edit": "exclude"}, row)
    whole = path.read_text()
    last = whole.rstrip("\n").rpartition("\n")[2]
    path.write_text(whole[: -len(last) - 1 + cut])
    with pytest.raises(DataError, match=r"line 4: .*the line was cut short"):
        toy.edited(path)


def test_a_file_of_other_data_or_of_something_else_is_refused(toy, edits, tmp_path):
    path = edits({"index": 3, "edit": "exclude"})
    with pytest.raises(DataError, match=r"expected edits of the data 0{16} \(bars\), found those of"):
        replace(toy, fingerprint="0" * 16).edited(path)
    other = tmp_path / "other.csv"
    other.write_text("index,edit\n3,exclude\n")
    with pytest.raises(DataError, match="expected edits of this program, whose first line is"):
        toy.edited(other)
    with pytest.raises(DataError, match="found no such file"):
        toy.edited(tmp_path / "missing.csv")
    other.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="expected text in UTF-8"):
        toy.edited(other)
    other.write_text(path.read_text().partition("\n")[0])
    with pytest.raises(DataError, match=r"line 2: expected the columns .* found no index and no edit"):
        toy.edited(other)


def test_edits_are_carried_out_once_and_leave_something(toy, edits):
    changed = toy.edited(edits({"index": 3, "edit": "exclude"}))
    with pytest.raises(UsageError, match=r"is edited already, by edits\.csv"):
        changed.edited(edits({"index": 4, "edit": "exclude"}))
    with pytest.raises(UsageError, match="excludes every training image"):
        toy.edited(edits(*({"index": index, "edit": "exclude"} for index in range(640))))


def test_a_run_keeps_its_edits_and_is_opened_resumed_and_made_again_with_them(toy, toy_folder, edits, tmp_path):
    path = edits({"index": 3, "edit": "exclude"}, {"index": 5, "edit": "relabel bar 9"})
    named = {"epochs": 1, "validation": 100, "onnx": False}
    run = fr.train("walkthrough", toy_folder, edits=path, out=tmp_path / "run", **named)
    facts = run.environment["edits"]
    assert (facts["excluded"], facts["relabelled"], facts["file"]) == (1, 1, "edits.csv")
    assert run.environment["train_images"] + run.environment["validation_images"] == 639
    assert (run.folder / "edits.csv").read_text() == path.read_text()
    path.unlink()  # the run has a copy
    again = fr.train("walkthrough", toy_folder, edits=run.folder / "edits.csv", out=tmp_path / "again", **named)
    assert [w.tolist() for w in run.model().get_weights()] == [w.tolist() for w in again.model().get_weights()]
    page = fr.report(run)
    assert "1 image excluded and 1 relabelled by edits.csv" in page.read_text()
    assert f"--edits {run.folder / 'edits.csv'}" in Markup(page.read_text()).striptags()
    fr.evaluate(run, toy)
    assert run.verdict["split"] == "test"  # test images are the same ones: its own verdict, not one on other data
    (run.folder / "edits.csv").write_text((run.folder / "edits.csv").read_text().replace("exclude", "keep"))
    with pytest.raises(RunError, match="expected its training images edited by the file with SHA-256"):
        fr.interpret(run, split="validation")


def test_a_run_without_edits_refuses_edited_images(toy, toy_folder, edits, tmp_path):
    run = fr.train("walkthrough", toy_folder, epochs=1, validation=100, onnx=False, out=tmp_path / "run")
    with pytest.raises(RunError, match="expected its training images unedited, received them edited by"):
        fr.interpret(run, toy.edited(edits({"index": 3, "edit": "exclude"})))


def test_edits_need_a_dataset_whose_images_have_positions(toy, edits):
    path = edits({"index": 3, "edit": "exclude"})
    with pytest.raises(UsageError, match="Expected edits only with a dataset or the name of one, received them with"):
        fr.train("walkthrough", (toy.train.images, toy.train.labels), edits=path)


def test_converting_writes_the_edited_images(toy, toy_folder, edits, tmp_path):
    path = edits({"index": 3, "edit": "exclude"}, {"index": 5, "edit": "relabel bar 9"})
    made = fr.convert_data(toy_folder, tmp_path / "made.npz", edits=path)
    assert (made.train, made.test) == (639, 200)
    back = fr.load(made.path)
    np.testing.assert_array_equal(back.train.images, toy.edited(path).train.images)
    np.testing.assert_array_equal(back.train.labels, toy.edited(path).train.labels)
    with pytest.raises(UsageError, match="Expected edits without --hold-out"):
        fr.convert_data(toy_folder, tmp_path / "other.npz", edits=path, hold_out=10)


def test_positions_are_found_by_what_the_file_calls_them(toy):
    some = toy.train.take(np.array([9, 4, 7]))
    assert some.positions(np.array([7, 5, 9])).tolist() == [2, 0]
    assert some.take(np.zeros(0, np.int64)).positions(np.array([7])).tolist() == []
    assert sorted(some.pictures([4, 5])) == [4]
