"""Importing photos: a dataset that every loader reads, the same each time, with what was left out told."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.errors import DataError, UsageError
from fittingroom.photos.importing import import_photos, photos_by_class
from fittingroom.photos.prepare import prepare_photo
from helpers.scenes import photo, shirt_mask


def fill(folder, names, each=7):
    """Write photos into class folders, every one different."""
    for number, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for index in range(each):
            pixels = photo(shirt_mask(120, 90), (30 + 20 * number, 40, 120), seed=100 * number + index)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


def test_the_files_hold_what_the_photos_show(tmp_path):
    source = fill(tmp_path / "photos", ["scarf", "glove"])
    made = import_photos(source, tmp_path / "out", lambda _: None)
    data = fr.load(tmp_path / "out")
    assert data.class_names == ("glove", "scarf")
    assert (made.train, made.test) == (len(data.train), len(data.test)) == (12, 2)
    assert np.bincount(data.test.labels).tolist() == [1, 1]
    prepared = {prepare_photo(path).image.tobytes(): path.parent.name for path in source.glob("*/*.png")}
    for split in (data.train, data.test):
        for image, label in zip(split.images, split.labels, strict=True):
            assert prepared[image.tobytes()] == data.class_names[label]


def test_the_report_tells_which_photo_an_image_is(tmp_path):
    import_photos(fill(tmp_path / "photos", ["scarf", "glove"]), tmp_path / "out", lambda _: None)
    data = fr.load(tmp_path / "out")
    report = (tmp_path / "out" / "report.txt").read_text().splitlines()
    path = next(line for line in report if line.startswith("test 1: ")).removeprefix("test 1: ")
    np.testing.assert_array_equal(prepare_photo(path).image, data.test.images[1])


def test_photos_in_the_wrong_folder_are_told(tmp_path):
    docs = Path(__file__).parent.parent.parent / "docs" / "photos"
    is_in = {"Trouser": "trousers", "Shirt": "shirt", "Coat": "sandals"}
    for folder, name in is_in.items():
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for number in range(3):
            picture = Image.open(docs / f"{name}.jpg")
            picture.crop((number, 0, *picture.size)).save(tmp_path / "photos" / folder / f"{number}.jpg")
    made = import_photos(tmp_path / "photos", tmp_path / "out", lambda _: None)
    assert len(made.called_otherwise) == 3
    report = (tmp_path / "out" / "report.txt").read_text().split("are they in the right folder?\n")[1].splitlines()
    assert report == list(made.called_otherwise)
    assert all("Coat" in line and "Sandal" in line and line.endswith("in folder Coat") for line in report)


def test_of_other_classes_the_network_for_photos_says_nothing(tmp_path):
    made = import_photos(fill(tmp_path / "photos", ["scarf", "glove"]), tmp_path / "out", lambda _: None)
    assert made.called_otherwise == ()


def test_importing_again_gives_the_same_bytes(tmp_path):
    source = fill(tmp_path / "photos", ["scarf", "glove"])
    for name in ("one", "two"):
        import_photos(source, tmp_path / name, lambda _: None)
    assert fr.load(tmp_path / "one").fingerprint == fr.load(tmp_path / "two").fingerprint


def test_folders_named_like_the_datasets_classes_get_its_labels(tmp_path):
    source = fill(tmp_path / "photos", ["ankle boot", "T-shirt-top"], each=1)
    photos, names = photos_by_class(source)
    assert names == fr.class_names
    assert {path.parent.name: label for path, label in photos} == {"ankle boot": 9, "T-shirt-top": 0}


def test_an_import_of_some_of_the_datasets_classes_says_how_many_have_photos(tmp_path, capsys):
    from fittingroom.cli.app import main

    source = fill(tmp_path / "photos", ["ankle boot", "T-shirt-top"])
    assert main(["data", "import", str(source), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert "12 training images and 2 test images; 2 of Fashion-MNIST's 10 classes have photos." in told.out
    assert "14 photos in 2 classes: T-shirt/top, Ankle boot\n" in told.err
    assert "2 of Fashion-MNIST's 10 classes have photos.\n" in (tmp_path / "out" / "report.txt").read_text()
    assert main(["data", "import", str(source), "--out", str(tmp_path / "json"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["with_photos"] == ["T-shirt/top", "Ankle boot"]
    assert len(facts["class_names"]) == 10


def test_a_class_whose_photos_were_all_left_out_is_not_counted(tmp_path):
    source = fill(tmp_path / "photos", ["scarf", "glove"])
    (source / "hat").mkdir()
    Image.new("RGB", (60, 60), "white").save(source / "hat" / "blank.png")
    assert import_photos(source, tmp_path / "out", lambda _: None).classes() == "2 of 3 classes have photos"


def test_what_shows_no_article_is_left_out_and_told(tmp_path):
    source = fill(tmp_path / "photos", ["scarf", "glove"])
    Image.new("RGB", (60, 60), "white").save(source / "scarf" / "blank.png")
    (source / "glove" / "broken.jpg").write_text("no picture")
    made = import_photos(source, tmp_path / "out", lambda _: None)
    assert [one.path.name for one in made.left_out] == ["broken.jpg", "blank.png"]
    report = (tmp_path / "out" / "report.txt").read_text()
    assert "blank.png: no article found" in report
    assert "broken.jpg: expected a picture" in report


def test_the_contact_sheet_shows_a_row_a_class(tmp_path):
    import_photos(fill(tmp_path / "photos", ["scarf", "glove", "hat"]), tmp_path / "out", lambda _: None)
    with Image.open(tmp_path / "out" / "contact-sheet.png") as sheet:
        assert sheet.height > 3 * 84


def test_nothing_is_left_behind_where_an_import_fails(tmp_path):
    source = fill(tmp_path / "photos", ["scarf"], each=2)
    with pytest.raises(
        UsageError, match="expected at least 7 photos in which an article can be found, received 2 of 2"
    ):
        import_photos(source, tmp_path / "out", lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_output_folder_with_something_in_it_is_refused(tmp_path):
    source = fill(tmp_path / "photos", ["scarf"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="expected a new or an empty folder"):
        import_photos(source, tmp_path / "out", lambda _: None)


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.mkdir(), lambda path: (path / "a").mkdir(parents=True)]
)
def test_a_folder_without_class_folders_is_an_error(tmp_path, make):
    make(tmp_path / "photos")
    with pytest.raises(DataError, match="folder of photos for each class, found no"):
        photos_by_class(tmp_path / "photos")


def test_the_command_exits_with_1_where_photos_were_left_out(tmp_path, capsys):
    from fittingroom.cli.app import main

    source = fill(tmp_path / "photos", ["scarf", "glove"])
    assert main(["data", "import", str(source), "--out", str(tmp_path / "a"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["train"], facts["test"], facts["left_out"]) == (12, 2, [])
    Image.new("RGB", (60, 60), "white").save(source / "scarf" / "blank.png")
    assert main(["data", "import", str(source), "--out", str(tmp_path / "b"), "--quiet"]) == 1
    assert "Left out: " in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_before_any_photo_is_prepared(tmp_path, monkeypatch):
    from fittingroom.photos import importing

    source = fill(tmp_path / "photos", ["scarf"])
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(importing, "prepare_photo", lambda path: pytest.fail("a photo was prepared"))
    with pytest.raises(UsageError, match="expected a place to make a folder in, received"):
        import_photos(source, tmp_path / "file" / "out", lambda _: None)


GREY = np.random.default_rng(5).integers(0, 256, (30, 28, 28)).astype(np.uint8)
KINDS = {  # a way to write 28x28 data as a picture
    "grey.png": lambda image: Image.fromarray(image),
    "colour.png": lambda image: Image.fromarray(np.stack([image] * 3, -1)),
    "solid.png": lambda image: Image.fromarray(np.stack([image, np.full_like(image, 255)], -1)),
    "deep.png": lambda image: Image.fromarray(image.astype(np.uint16) * 257),
    "grey.bmp": lambda image: Image.fromarray(image),
    "grey.gif": lambda image: Image.fromarray(image),
}


def fill_with_data(folder, names, images, kind="grey.png"):
    for index, image in enumerate(images):
        place = folder / names[index % len(names)]
        place.mkdir(parents=True, exist_ok=True)
        KINDS[kind](image).save(place / f"{index:03}-{kind}")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_that_are_data_are_taken_to_the_byte(tmp_path, kind):
    source = fill_with_data(tmp_path / "in", ["a", "b", "c"], GREY, kind)
    made = import_photos(source, tmp_path / "out", lambda _: None)
    data = fr.load(tmp_path / "out")
    assert (made.as_data, len(made.left_out)) == (30, 0)
    got = {image.tobytes(): label for image, label in zip(data.train.images, data.train.labels, strict=True)}
    got |= {image.tobytes(): label for image, label in zip(data.test.images, data.test.labels, strict=True)}
    assert got == {image.tobytes(): index % 3 for index, image in enumerate(GREY)}


def test_data_and_photos_may_lie_in_one_folder(tmp_path):
    source = fill_with_data(fill(tmp_path / "in", ["scarf", "glove"]), ["scarf", "glove"], GREY[:6])
    made = import_photos(source, tmp_path / "out", lambda _: None)
    assert (made.train + made.test, made.as_data, made.left_out) == (20, 6, ())
    data = fr.load(tmp_path / "out")
    held = {image.tobytes() for split in (data.train, data.test) for image in split.images}
    assert {image.tobytes() for image in GREY[:6]} <= held
    assert {prepare_photo(path).image.tobytes() for path in source.glob("*/?.png")} <= held


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "Testing")])
def test_a_layout_in_train_and_test_divides_the_dataset(tmp_path, names):
    fill_with_data(tmp_path / "in" / names[0], ["10", "2"], GREY[:20])
    fill_with_data(tmp_path / "in" / names[1], ["2", "7"], GREY[20:])
    fill_with_data(tmp_path / "in" / "val", ["2"], GREY[:1])
    lines = []
    made = import_photos(tmp_path / "in", tmp_path / "out", lines.append)
    data = fr.load(tmp_path / "out")
    assert data.class_names == ("2", "7", "10")
    assert (made.train, made.test) == (20, 10)
    assert {image.tobytes() for image in data.train.images} == {image.tobytes() for image in GREY[:20]}
    assert {image.tobytes() for image in data.test.images} == {image.tobytes() for image in GREY[20:]}
    assert sorted(set(data.test.labels)) == [0, 1]
    assert any("val: not read" in line for line in lines)
    assert "as their folders train and test divide them" in (tmp_path / "out" / "report.txt").read_text()


def test_a_class_may_be_called_test(tmp_path):
    source = fill_with_data(tmp_path / "in", ["test", "train"], GREY)
    assert import_photos(source, tmp_path / "out", lambda _: None).class_names == ("test", "train")


def test_gzipped_files_are_what_the_datasets_own_reader_reads(tmp_path):
    from fittingroom.cli.app import main

    source = fill_with_data(tmp_path / "in", ["a", "b"], GREY)
    assert main(["data", "import", str(source), "--out", str(tmp_path / "out"), "--gzip", "--quiet"]) == 0
    for part, kind in (("train", "train"), ("test", "t10k")):
        images, labels = load_mnist(str(tmp_path / "out"), kind)
        split = getattr(fr.load(tmp_path / "out"), part)
        np.testing.assert_array_equal(images, split.images.reshape(len(images), 784))
        np.testing.assert_array_equal(labels, split.labels)


def load_mnist(path, kind="train"):
    """The reader of Fashion-MNIST's own repository, utils/mnist_reader.py."""
    import gzip
    import os

    labels_path = os.path.join(path, f"{kind}-labels-idx1-ubyte.gz")  # noqa: PTH118
    images_path = os.path.join(path, f"{kind}-images-idx3-ubyte.gz")  # noqa: PTH118
    with gzip.open(labels_path, "rb") as lbpath:
        labels = np.frombuffer(lbpath.read(), dtype=np.uint8, offset=8)
    with gzip.open(images_path, "rb") as imgpath:
        images = np.frombuffer(imgpath.read(), dtype=np.uint8, offset=16).reshape(len(labels), 784)
    return images, labels
