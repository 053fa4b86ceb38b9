"""Every form into every other and back: pixels, labels, classes and order are what they were."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fittingroom as fr
from fittingroom.data.formats import contents as contents_module
from fittingroom.data.formats.contents import gathered
from fittingroom.data.formats.format_table import FORMATS, read_contents, recognised
from fittingroom.errors import DataError, FittingRoomError, UsageError
from fittingroom.progress import no_log
from helpers.small_dataset import CLASSES, OUT, arrays, bytes_of, convert_to, same, skip_without, write_folder

ONE_FILE = {"parquet"}  # which holds one part
SINGLES = {"csv": "made.csv", "parquet": "made.parquet", "png": "made", "png-csv": "made", "npz": "made.npz"}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("original") / "hats", arrays())


@pytest.fixture(scope="module")
def made(original, tmp_path_factory):
    """A function that returns the original in a format; each is made once."""
    kept = {}

    def of(name):
        if name not in kept:
            kept[name] = convert_to(name, original, tmp_path_factory.mktemp("made"))
        return kept[name]

    return of


def test_every_format_is_tried():
    assert {*OUT, *ONE_FILE} == FORMATS.keys()


@pytest.mark.parametrize("second", OUT)
@pytest.mark.parametrize("first", OUT)
def test_from_any_form_to_any_other(first, second, made, tmp_path):
    contents = read_contents(convert_to(second, made(first), tmp_path), None, no_log)
    found = [array for part in contents.parts for array in gathered(part)]
    for got, expected in zip(found, arrays(), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert contents.class_names == CLASSES


@pytest.mark.parametrize("name", OUT)
def test_there_and_back_to_the_same_bytes(name, original, made, tmp_path):
    assert bytes_of(convert_to("idx", made(name), tmp_path)) == bytes_of(original)


@pytest.mark.parametrize("name", OUT)
def test_a_form_is_recognised_as_itself_alone(name, made):
    assert recognised(made(name)) == ["idx.gz" if name == "idx" else name]


@pytest.mark.parametrize("name", OUT)
def test_every_form_is_loaded_directly_and_the_second_time_from_the_cache(name, made):
    lines = []
    data, expected = fr.load(made(name)), arrays()
    again = fr.load(made(name), log=lines.append)
    for one in (data, again):
        np.testing.assert_array_equal(one.train.images, expected[0])
        np.testing.assert_array_equal(one.test.labels, expected[3])
        assert one.class_names == CLASSES
    assert not any("turning it into" in line for line in lines)


@pytest.mark.parametrize("second", SINGLES)
@pytest.mark.parametrize("first", SINGLES)
def test_one_part_alone_keeps_its_order_too(first, second, tmp_path):
    skip_without(first)
    skip_without(second)
    images, labels, *_ = arrays()
    np.savez(tmp_path / "one.npz", images=images, labels=labels, class_names=np.array(CLASSES))
    once = fr.convert_data(tmp_path / "one.npz", tmp_path / "a" / SINGLES[first], to_format=first)
    twice = fr.convert_data(once.path, tmp_path / "b" / SINGLES[second], to_format=second)
    last = fr.convert_data(twice.path, tmp_path / "c.npz")
    with np.load(last.path) as file:
        np.testing.assert_array_equal(file["x_train"], images)
        np.testing.assert_array_equal(file["y_train"], labels)
        assert tuple(file["class_names"]) == CLASSES
    assert (last.train, last.test) == (30, 0)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7)),  # from 8 on (8, 8, 3) is taken for a picture in colour
    classes=st.integers(1, 12),
    counts=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    name=st.sampled_from(sorted({*OUT} - {"huggingface", "mat"})),
    rows=st.integers(1, 4),
)
def test_any_size_in_chunks_of_any_length(shape, classes, counts, name, rows, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(contents_module, "CHUNK_BYTES", rows * shape[0] * shape[1])
    folder, given_ = tmp_path_factory.mktemp("any"), arrays(shape, classes, counts)
    given_[0][0, 0, 0] = given_[2][0, 0, 0] = 200  # never only 0 and 1
    source = write_folder(folder / "in", given_, classes=())
    same(convert_to("idx", convert_to(name, source, folder / "there"), folder / "back"), given_)


def test_a_known_dataset_is_a_source_by_its_name(tiny_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("FITTINGROOM_DATA", str(tiny_folder))
    from fittingroom.data import converting
    from helpers import tiny_dataset

    monkeypatch.setattr(converting, "DATASETS", {"tiny": tiny_dataset.TINY})
    made = fr.convert_data("tiny", tmp_path / "made")
    same_arrays = fr.load(made.path)
    np.testing.assert_array_equal(same_arrays.train.images, tiny_dataset.ARRAYS[0])
    assert made.format_name == "idx.gz"
    assert made.class_names == ("hat", "sock", "scarf")


def test_images_are_held_out_in_proportion_and_the_rest_stays_in_order(tmp_path):
    images, labels, *_ = arrays(counts=(40, 1))
    np.savez(tmp_path / "one.npz", images=images, labels=labels)
    made = fr.convert_data(tmp_path / "one.npz", tmp_path / "made", hold_out=8)
    data = fr.load(made.path)
    assert (made.train, made.test) == (32, 8)
    assert np.bincount(data.test.labels).tolist() == [2, 2, 2, 2]
    kept = [
        index for index, image in enumerate(images) if image.tobytes() in {one.tobytes() for one in data.train.images}
    ]
    np.testing.assert_array_equal(images[kept], data.train.images)


def test_labels_that_count_from_1_are_counted_from_0(tmp_path):
    made = arrays()
    np.savez(tmp_path / "one.npz", x_train=made[0], y_train=made[1] + 1, x_test=made[2], y_test=made[3] + 1)
    lines = []
    fr.convert_data(tmp_path / "one.npz", tmp_path / "as they are.npz", log=lines.append)
    assert "no image has label 0" in lines[-1]
    fr.convert_data(tmp_path / "one.npz", tmp_path / "shifted", labels_from=1, to_format="idx")
    same(tmp_path / "shifted", made)


def test_a_test_part_of_its_own(tmp_path):
    made = arrays()
    np.savez(tmp_path / "one.npz", images=made[0], labels=made[1])
    np.savez(tmp_path / "two.npz", images=made[2], labels=made[3])
    fr.convert_data(tmp_path / "one.npz", tmp_path / "made", test=tmp_path / "two.npz", to_format="idx")
    same(tmp_path / "made", made)


def one_part(folder, **arrays_):
    images, labels, *_ = arrays()
    np.savez(folder / "one.npz", **{"images": images, "labels": labels, **arrays_})
    return folder / "one.npz"


REFUSED = {
    "no test part": (lambda f: (one_part(f), f / "new"), {}, "have a test part, and this has none"),
    "only 0 and 1": (
        lambda f: (one_part(f, images=np.eye(5, dtype=np.uint8)[None].repeat(30, 0)), f / "new.npz"),
        {},
        "only 0 and 1",
    ),
    "pixels above 255": (lambda f: (one_part(f, images=np.full((30, 4, 5), 256)), f / "new.npz"), {}, "0..255"),
    "as many labels": (lambda f: (one_part(f, labels=np.zeros(3, int)), f / "new.npz"), {}, "as many labels"),
    "negative": (lambda f: (one_part(f, labels=np.full(30, -1)), f / "new.npz"), {}, "expected labels from 0"),
    "too few names": (lambda f: (one_part(f, class_names=["a", "b"]), f / "new.npz"), {}, r"labels in 0\.\.1"),
    "no such file": (lambda f: (f / "nothing.npz", f / "new"), {}, "No such file"),
    "no such name": (lambda f: ("fashon-mnist", f / "new"), {}, "Did you mean 'fashion-mnist'"),
    "no form": (lambda f: (f, f / "new"), {}, "expected a dataset in one of the known forms"),
    "unknown format": (lambda f: (one_part(f), f / "new"), {"to_format": "pgn"}, "Did you mean 'png'"),
    "unknown source": (lambda f: (one_part(f), f / "new"), {"from_format": "np"}, "Unknown format 'np'"),
    "an ending of nothing": (lambda f: (one_part(f), f / "new.zip"), {}, "the ending .zip tells none of the formats"),
    "a file called a folder": (lambda f: (one_part(f), f / "new"), {"to_format": "npz"}, "a name that ends in .npz"),
    "there already": (lambda f: (one_part(f), f / "one.npz"), {}, "Nothing is overwritten"),
    "a folder that is not empty": (lambda f: (one_part(f), f), {}, "a new or an empty folder"),
    "no number of a class": (
        lambda f: (one_part(f, labels=np.full(30, 10**15)), f / "new.npz"),
        {},
        "labels below 65,536",
    ),
    "names that are the same": (
        lambda f: (one_part(f, class_names=["a", "a", "b", "c"]), f / "new.csv"),
        {},
        "each another",
    ),
    "a name of two lines": (
        lambda f: (one_part(f, class_names=["a\nb", "c", "d", "e"]), f / "new.csv"),
        {},
        "one line each",
    ),
    "a file for a folder": (lambda f: (one_part(f), f / "new"), {"from_format": "png"}, "Not a directory"),
    "no csv": (lambda f: (one_part(f), f / "new"), {"from_format": "csv"}, "expected"),
    "no mat": (lambda f: (one_part(f), f / "new"), {"from_format": "mat"}, "expected a .mat file"),
    "no idx": (lambda f: (one_part(f), f / "new"), {"from_format": "idx"}, "received a file"),
    "a device": (lambda f: ("/dev/null", f / "new"), {}, "found a device"),
    "both": (lambda f: (one_part(f), f / "new"), {"test": "x.npz", "hold_out": 3}, "received both"),
    "all held out": (lambda f: (one_part(f), f / "new"), {"hold_out": 30}, "hold out 1 to 29"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_known_is_one_sentence_and_leaves_nothing(name, tmp_path):
    make, options, words = REFUSED[name]
    source, out = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FittingRoomError, match=words):
        fr.convert_data(source, out, **options)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("content", [b"", b"\x00" * 300, b"\xff\xfe,1\n", b"a" * 200_000, b"PK\x03\x04" * 50])
def test_rubbish_is_one_sentence_in_every_format(content, name, tmp_path):
    skip_without(name)
    (tmp_path / "in").mkdir()
    for file in ("a.csv", "train.parquet", "a.arrow", "a.npz", "classes.txt", "train-images-idx3-ubyte", "0.png"):
        (tmp_path / "in" / file).write_bytes(content)
    (tmp_path / "rubbish").write_bytes(content)
    for source in (tmp_path / "in", tmp_path / "rubbish"):
        with pytest.raises(FittingRoomError):
            fr.convert_data(source, tmp_path / "new", from_format=name)
    with pytest.raises(FittingRoomError):
        fr.load(tmp_path / "in")
    assert not (tmp_path / "new").exists()


def test_two_parts_do_not_go_into_one_table(original, tmp_path):
    with pytest.raises(UsageError, match=r"one file holds one part.*--to csv made"):
        fr.convert_data(original, tmp_path / "made.csv")


def test_a_folder_of_two_forms_is_asked_about(original, made, tmp_path):
    both = write_folder(tmp_path / "both", arrays())
    (both / "a.csv").write_text("label,pixel1,pixel2,pixel3,pixel4\n0,1,2,3,4\n")
    with pytest.raises(DataError, match=r"four gzipped IDX files and a table of pixels. Say which with --from"):
        fr.convert_data(both, tmp_path / "made")
    assert fr.convert_data(both, tmp_path / "made", from_format="idx").train == 30


def test_a_write_that_fails_leaves_nothing(original, tmp_path, monkeypatch):
    from fittingroom.data import converting

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(converting, "write_description", full)
    with pytest.raises(DataError, match="No space left"):
        fr.convert_data(original, tmp_path / "place" / "made")
    assert list((tmp_path / "place").iterdir()) == []


def test_a_missing_library_is_one_helpful_sentence(original, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"Parquet needs pyarrow.*-m pip install pyarrow"):
        fr.convert_data(original, tmp_path / "made", to_format="huggingface")


def test_the_command_says_what_it_made(original, tmp_path, capsys):
    from fittingroom.cli.app import main

    assert main(["data", "convert", str(original), str(tmp_path / "made.npz")]) == 0
    assert "30 training images and 12 test images of 4x5 in 4 classes, as npz" in capsys.readouterr().out
    assert main(["data", "convert", str(tmp_path / "made.npz"), str(tmp_path / "made"), "--to", "png", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["schema"] == "fittingroom/data-convert/1"
    assert facts["class_names"] == list(CLASSES)
    assert main(["data", "convert", str(tmp_path / "made.npz"), str(tmp_path / "made")]) == 2
    assert "Nothing is overwritten" in capsys.readouterr().err


STREAMED = """
import resource, sys
from pathlib import Path
import numpy as np
import fittingroom as fr
folder, count = Path(sys.argv[1]), int(sys.argv[2])
line = ",".join(str(value % 256) for value in range(784))
with (folder / "many_train.csv").open("w") as train, (folder / "many_test.csv").open("w") as test:
    header = ",".join(["label", *(f"pixel{index}" for index in range(1, 785))]) + "\\n"
    train.write(header)
    test.write(header)
    for index in range(count):
        train.write(f"{index % 10},{line}\\n")
    test.write(f"3,{line}\\n")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made = fr.convert_data(folder / "many_train.csv", folder / "made", to_format="idx")
back = fr.convert_data(folder / "made", folder / "back", to_format="csv")
assert (made.train, back.train) == (count, count)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.soak
def test_many_images_go_through_little_memory(tmp_path):
    command = [sys.executable, "-c", STREAMED, str(tmp_path), "200000"]  # 157 MB of pixels, 0.7 GB of text
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100  # MB above what was there, and no more with more images
