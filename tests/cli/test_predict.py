"""`fittingroom predict`: data and photos, folders, sorting, explaining, and what cannot be read."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.inference.model_files import PHOTO_28_MODEL, PHOTO_MODEL
from fittingroom.inference.predictor import open_predictor
from fittingroom.photos.importing import folder_name
from fittingroom.workflows.picture_answers import name_pictures
from helpers.scenes import photo, shirt_mask


@pytest.fixture
def photos(tmp_path):
    """A folder with two photos, a text file that claims to be one, and notes."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(photo(shirt_mask())).save(folder / "b.jpg")
    Image.fromarray(photo(shirt_mask(), (220, 210, 90), (40, 40, 60))).save(folder / "a.png")
    (folder / "c.jpg").write_text("not a picture")
    (folder / "notes.txt").write_text("not even by name")
    return folder


def test_predict_names_pictures_as_they_are(run, trained, toy, tmp_path):
    Image.fromarray(toy.test.images[3]).save(tmp_path / "three.png")
    np.save(tmp_path / "two.npy", toy.test.images[4:6])
    rows = json.loads(run("predict", "--model", trained, tmp_path / "three.png", tmp_path / "two.npy", "--json").out)[
        "answers"
    ]
    assert [row["path"].rsplit("/", 1)[1] for row in rows] == ["three.png", "two.npy[0]", "two.npy[1]"]
    expected = fr.predict(trained, toy.test.images[3:6])
    for row, probabilities in zip(rows, expected, strict=True):
        assert list(row["probabilities"]) == list(toy.class_names)
        np.testing.assert_allclose(list(row["probabilities"].values()), probabilities, atol=1e-6)
        assert row["label"] == toy.class_names[probabilities.argmax()]
        assert row["as"] == "data"


def test_predict_answers_the_good_pictures_and_exits_with_1(run, trained, toy, tmp_path):
    Image.fromarray(toy.test.images[0]).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("not a picture")
    answer = run("predict", "--model", trained, tmp_path / "bad.png", tmp_path / "good.png")
    assert answer.code == 1
    assert "good.png" in answer.out
    assert "bad.png: expected a picture, received a file of another kind" in answer.err


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("missing.png", lambda path: None, "found no such file"),
        ("colour.png", lambda path: Image.new("RGB", (28, 28), "red").save(path), "received colour"),
        ("large.png", lambda path: Image.new("L", (30, 30)).save(path), "takes images of 28x28, received (30, 30)"),
        ("floats.npy", lambda path: np.save(path, np.full((28, 28), 0.3)), "expected uint8"),
        ("objects.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True), "without pickled objects"),
        ("folder.png", lambda path: path.mkdir(), "expected pictures in this folder"),
    ],
)
def test_predict_says_what_is_wrong_with_a_picture_and_exits_with_2(run, trained, tmp_path, name, write, words):
    write(tmp_path / name)
    answer = run("predict", "--as", "data", "--model", trained, tmp_path / name)
    assert answer.code == 2
    assert words in answer.err
    assert "Traceback" not in answer.err


def test_a_folder_is_answered_by_name_and_the_bad_file_is_told(run, trained, photos):
    answer = run("predict", "--model", trained, photos, "--json")
    rows = json.loads(answer.out)["answers"]
    assert answer.code == 1
    assert [row["path"].rsplit("/", 1)[1] for row in rows] == ["a.png", "b.jpg", "c.jpg"]
    assert "received a file of another kind" in rows[2]["error"]
    for row in rows[:2]:
        assert row["as"] == "photo"
        assert row["confidence"] == max(row["probabilities"].values()) == row["probabilities"][row["label"]]
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert row["seconds"] > 0


def test_auto_takes_grey_pictures_of_the_models_size_as_data(run, trained, toy, tmp_path):
    Image.fromarray(toy.test.images[3]).save(tmp_path / "grey.png")
    Image.fromarray(np.kron(toy.test.images[3], np.ones((3, 3), np.uint8))).save(tmp_path / "large.png")
    rows = json.loads(run("predict", "--model", trained, tmp_path / "grey.png", tmp_path / "large.png", "--json").out)[
        "answers"
    ]
    assert [row["as"] for row in rows] == ["data", "photo"]
    expected = fr.predict(trained, toy.test.images[3:4])[0]
    np.testing.assert_allclose(list(rows[0]["probabilities"].values()), expected, atol=1e-5)
    forced = run("predict", "--model", trained, "--as", "photo", tmp_path / "grey.png", "--json")
    assert json.loads(forced.out)["answers"][0]["as"] == "photo"


def test_data_that_is_not_data_is_refused_where_it_was_called_so(run, trained, photos):
    answer = run("predict", "--model", trained, "--as", "data", photos / "b.jpg")
    assert answer.code == 2
    assert "received colour" in answer.err


def test_sorting_copies_into_folders_and_never_overwrites(run, trained, photos, tmp_path):
    for _ in range(2):
        run("predict", "--model", trained, photos, "--sort-into", tmp_path / "sorted")
    copies = [path for path in (tmp_path / "sorted").rglob("*") if path.is_file()]
    assert sorted(path.name for path in copies) == ["a-2.png", "a.png", "b-2.jpg", "b.jpg"]
    assert all(path.read_bytes() == (photos / path.name.replace("-2", "")).read_bytes() for path in copies)
    rows = json.loads(run("predict", "--model", trained, photos / "b.jpg", "--json").out)["answers"]
    assert (tmp_path / "sorted" / folder_name(rows[0]["label"]) / "b.jpg").exists()


def test_explaining_draws_one_picture_a_photo(run, trained, photos, tmp_path):
    run("predict", "--model", trained, photos, "--explain", tmp_path / "why")
    pictures = sorted((tmp_path / "why").iterdir())
    assert [path.name for path in pictures] == ["a.png", "b.png"]
    with Image.open(pictures[0]) as picture:
        assert picture.size[0] > 1000


def test_each_half_of_a_pair_is_asked_about_where_it_is_wanted(run, trained, photos, tmp_path):
    pair = np.zeros((200, 240), bool)
    pair[30:170, 40:90] = pair[30:170, 150:200] = True
    Image.fromarray(photo(pair)).save(tmp_path / "pair.png")
    files = [tmp_path / "pair.png", photos / "b.jpg"]
    plain = json.loads(run("predict", "--model", trained, *files, "--json").out)["answers"]
    words = ["--halves", "--explain", tmp_path / "why", "--json"]
    halved = json.loads(run("predict", "--model", trained, *files, *words).out)["answers"]
    assert halved[0]["probabilities"] != plain[0]["probabilities"]
    assert halved[0]["none_of_these_score"] == plain[0]["none_of_these_score"]
    assert halved[1]["probabilities"] == plain[1]["probabilities"]
    assert fr.predict_photos(files, trained, halves=True)[0].probabilities == halved[0]["probabilities"]
    run("predict", "--model", trained, *files, "--explain", tmp_path / "plain")
    with Image.open(tmp_path / "why" / "pair.png") as why, Image.open(tmp_path / "plain" / "pair.png") as plain_why:
        assert why.size[0] > plain_why.size[0]


def test_pictures_of_nothing_are_told_one_by_one(run, trained, tmp_path):
    for name, value in (("black.png", 0), ("white.png", 255)):
        Image.new("RGB", (80, 60), (value,) * 3).save(tmp_path / name)
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    answer = run("predict", "--model", trained, tmp_path, "--json")
    assert answer.code == 2
    words = [row["error"] for row in json.loads(answer.out)["answers"]]
    assert words[0].endswith("black.png: no article found, the picture is of one colour (spread 0.0 of 255).")
    assert "at least 8 x 8" in words[1]
    assert "white.png: no article found" in words[2]


def test_a_folder_without_pictures_is_an_error(run, trained, tmp_path):
    (tmp_path / "sub").mkdir()
    answer = run("predict", "--model", trained, tmp_path)
    assert answer.code == 2
    assert "expected pictures in this folder, found none" in answer.err


def test_a_folder_without_pictures_does_not_keep_the_others_from_being_answered(run, trained, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    answer = run("predict", "--model", trained, tmp_path / "empty", photos / "b.jpg", "--json")
    assert answer.code == 1
    assert ["error" in row for row in json.loads(answer.out)["answers"]] == [True, False]


def test_the_shipped_models_are_the_default_and_tell_what_is_none_of_the_classes(run, photos, tmp_path):
    row, _, _ = json.loads(run("predict", photos, "--json").out)["answers"]
    assert list(row["probabilities"]) == list(fr.class_names)
    assert row["label"] == "T-shirt/top"
    assert row["none_of_these"] == (row["none_of_these_score"] > open_predictor(PHOTO_MODEL).threshold)
    assert row["model"] == PHOTO_MODEL
    generator = np.random.default_rng(0)
    np.save(tmp_path / "noise.npy", generator.integers(0, 256, (20, 28, 28), np.uint8))
    rows = json.loads(run("predict", tmp_path / "noise.npy", "--json").out)["answers"]
    assert sum(row["none_of_these"] for row in rows) >= 18
    assert all(
        row["none_of_these"] == (row["none_of_these_score"] > open_predictor(PHOTO_28_MODEL).threshold) for row in rows
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_an_unreadable_file_is_told(run, trained, photos):
    (photos / "b.jpg").chmod(0)
    answer = run("predict", "--model", trained, photos / "b.jpg")
    assert answer.code == 2
    assert "cannot be read" in answer.err


def test_a_model_of_another_image_size_cannot_name_photos(run, tmp_path, photos):
    from fittingroom.models.front import for_use

    for_use(fr.build(image_shape=(20, 20)), (20, 20)).save(tmp_path / "small.keras")
    answer = run("predict", "--model", tmp_path / "small.keras", photos / "b.jpg")
    assert answer.code == 2
    assert "prepared as 28x28, but model" in answer.err


def test_an_onnx_file_answers_as_its_run_does(run, trained, photos, tmp_path):
    pytest.importorskip("onnx")
    onnx_file = tmp_path / "m.onnx"
    onnx_file.write_bytes((trained / "model.onnx").read_bytes())
    own, bare, answered = (
        json.loads(run("predict", *words, photos / "b.jpg", "--json").out)["answers"][0]["probabilities"]
        for words in (["--model", trained, "--untempered"], ["--model", onnx_file], ["--model", trained])
    )
    assert own == pytest.approx(bare, abs=1e-5)  # outside its run nothing tells the file's temperature
    assert answered != pytest.approx(own, abs=1e-4)


def test_predict_loads_neither_keras_nor_torch_where_there_is_an_onnx_file(trained, photos):
    pytest.importorskip("onnx")
    code = (
        "import sys\nfrom fittingroom.cli.app import main\n"
        f"assert main(['predict', '--model', {str(trained)!r}, {str(photos / 'b.jpg')!r}, '--quiet']) == 0\n"
        "assert not {'keras', 'torch', 'matplotlib'} & set(sys.modules), 'too much was loaded'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_many_files_are_answered_without_keeping_their_pictures(trained, photos):
    predictor = open_predictor(trained)
    answers = name_pictures([photos / "a.png"] * 30, predictor)
    first = next(answers)
    assert first.prepared is not None
    assert sum(1 for _ in answers) == 29


def test_names_for_folders_hold_no_separators():
    assert folder_name("T-shirt/top") == "T-shirt-top"
    assert folder_name("..") == "-"
    assert folder_name('a\\b:c*"d') == "a-b-c-d"


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("pipe.jpg", os.mkfifo, "found a pipe"),
        ("circle.jpg", lambda path: path.symlink_to(path), "cannot be reached"),
        ("x" * 300 + ".jpg", lambda path: None, "cannot be reached"),
        ("none.npy", lambda path: np.save(path, np.zeros((0, 28, 28), np.uint8)), "received an array of none"),
    ],
)
def test_what_is_no_ordinary_file_is_told_at_once(run, trained, photos, tmp_path, name, make, words):
    make(tmp_path / name)
    answer = run("predict", "--model", trained, tmp_path / name, photos / "b.jpg")
    assert answer.code == 1
    assert words in answer.err
    assert "b.jpg" in answer.out


def test_an_address_is_told_apart_from_a_missing_file(run, trained):
    answer = run("predict", "--model", trained, "https://example.com/shirt.jpg")
    assert answer.code == 2
    assert "https://example.com/shirt.jpg: expected a file on this machine, received an address" in answer.err


@pytest.mark.parametrize("option", ["--explain", "--sort-into"])
def test_a_folder_that_cannot_be_written_is_told_before_any_picture_is_read(run, trained, photos, option):
    answer = run("predict", "--model", trained, photos, option, photos / "notes.txt")
    assert answer.code == 2
    assert answer.out == ""
    assert "notes.txt: expected a folder to write into" in answer.err


def test_a_copy_that_cannot_be_written_is_told_with_its_picture(run, trained, photos, tmp_path):
    (tmp_path / "sorted").mkdir()
    (row,) = json.loads(run("predict", "--model", trained, photos / "a.png", "--json").out)["answers"]
    (tmp_path / "sorted" / folder_name(row["label"])).write_text("in the way")
    answer = run("predict", "--model", trained, photos / "a.png", "--json", "--sort-into", tmp_path / "sorted")
    assert "could not be written" in json.loads(answer.out)["answers"][0]["error"]
    assert answer.code == 2


def test_what_is_not_sorted_or_explained_is_said(run, trained, toy, tmp_path):
    np.save(tmp_path / "two.npy", toy.test.images[:2])
    words = ["--sort-into", tmp_path / "sorted", "--explain", tmp_path / "why", "--json"]
    answer = run("predict", "--model", trained, tmp_path / "two.npy", *words)
    assert answer.code == 0
    for row in json.loads(answer.out)["answers"]:
        assert [note.split(":")[0] for note in row["warnings"]] == ["it is data, taken as it is", "not sorted"]


def test_names_of_files_that_are_no_text_are_shown_and_survive_json(trained, photos):
    odd = os.fsencode(photos) + b"/two\nlines\xff.jpg"
    with open(odd, "wb") as file:  # noqa: PTH123 - the name is bytes
        file.write((photos / "b.jpg").read_bytes())
    words = [sys.executable, "-m", "fittingroom", "predict", "--model", str(trained), odd]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    plain = subprocess.run(words, capture_output=True, text=True, check=True, env=strict)
    assert r"two\nlines\udcff.jpg" in plain.stdout
    told = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True, env=strict)
    assert os.fsencode(json.loads(told.stdout)["answers"][0]["path"]) == odd


def test_a_huge_photo_is_answered_without_a_warning(run, trained, tmp_path):
    Image.fromarray(photo(shirt_mask())).resize((9500, 9500)).save(tmp_path / "huge.jpg", quality=50)
    answer = run("predict", "--model", trained, tmp_path / "huge.jpg")
    assert answer.code == 0
    assert "Warning" not in answer.err


def test_progress_is_told_where_there_are_many_pictures(run, trained, toy, tmp_path):
    for number in range(101):
        Image.fromarray(toy.test.images[number]).save(tmp_path / f"{number}.png")
    assert "100 of 101 pictures" in run("predict", "--model", trained, tmp_path).err
    assert "101 pictures" not in run("predict", "--model", trained, tmp_path, "--quiet").err


def test_a_program_for_printers_is_not_run_for_data(run, trained, tmp_path):
    (tmp_path / "grey.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\nshowpage\n")
    answer = run("predict", "--model", trained, "--as", "data", tmp_path / "grey.png")
    assert answer.code == 2
    assert "cannot identify image file" in answer.err


@pytest.mark.parametrize("name", ["a$b$_^{.jpg", "日本語.jpg", "two\nlines.jpg"])
def test_explaining_takes_any_file_name_and_leaves_nothing_half_written(run, trained, photos, tmp_path, name):
    (photos / "b.jpg").rename(tmp_path / name)
    answer = run("predict", "--model", trained, tmp_path / name, "--explain", tmp_path / "why")
    assert answer.code == 0
    assert "Warning" not in answer.err
    assert [path.name for path in (tmp_path / "why").iterdir()] == [name.replace(".jpg", ".png")]


def test_one_photo_needs_no_list_and_a_folder_stands_for_its_pictures(trained, photos):
    expected = fr.predict_photos([photos / "b.jpg"], trained)[0].probabilities
    picture = np.asarray(Image.open(photos / "b.jpg"))
    for one in (str(photos / "b.jpg"), photos / "b.jpg", Image.fromarray(picture), picture, picture[None]):
        answers = fr.predict_photos(one, trained)
        assert [answer.probabilities for answer in answers] == [expected]
    assert [answer.path for answer in fr.predict_photos(photos, trained)] == [
        str(photos / f"{x}") for x in ("a.png", "b.jpg", "c.jpg")
    ]


def piped(content, *words):
    return subprocess.run(
        [sys.executable, "-m", "fittingroom", "predict", *map(str, words)], input=content, capture_output=True
    )


@pytest.mark.parametrize("kind", ["photo", "data", "npy"])
def test_a_picture_on_standard_input_is_answered_as_its_file(run, trained, toy, photos, tmp_path, kind):
    path = {"photo": photos / "b.jpg", "data": tmp_path / "x.png", "npy": tmp_path / "x.npy"}[kind]
    if kind == "data":
        Image.fromarray(toy.test.images[0]).save(path)
    if kind == "npy":
        np.save(path, toy.test.images[:2])
    expected = json.loads(run("predict", path, "--model", trained, "--json").out)["answers"]
    told = piped(path.read_bytes(), "-", "--model", trained, "--json")
    rows = json.loads(told.stdout)["answers"]
    assert [row["path"] for row in rows] == [row["path"].replace(str(path), "-") for row in expected]
    assert [row["probabilities"] for row in rows] == [row["probabilities"] for row in expected]


def test_what_is_no_picture_on_standard_input_is_told(trained, photos):
    assert b"Expected a picture on standard input" in piped(b"", "-").stderr
    told = piped(b"no picture", "-", photos / "b.jpg", "--model", trained)
    assert told.returncode == 1
    assert b"fittingroom: -: expected a picture, received a file of another kind" in told.stderr


def test_floats_that_are_exactly_k_255_are_taken_back_and_said(run, trained, toy, tmp_path):
    np.save(tmp_path / "x.npy", toy.test.images[0] / 255)
    row = json.loads(run("predict", tmp_path / "x.npy", "--model", trained, "--json").out)["answers"][0]
    np.testing.assert_allclose(
        list(row["probabilities"].values()), fr.predict(trained, toy.test.images[:1])[0], atol=1e-5
    )
    assert "exactly k/255" in row["warnings"][0]


def test_a_light_background_on_data_is_warned_of_where_the_model_knows_dark_ones(run, trained, toy, tmp_path):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 8:20] = 200
    for name, pixels in (("dark.png", image), ("light.png", 255 - image)):
        Image.fromarray(pixels).save(tmp_path / name)
    dark, light = json.loads(run("predict", tmp_path / "dark.png", tmp_path / "light.png", "--json").out)["answers"]
    assert (dark["as"], dark["warnings"]) == ("data", [])
    assert "its background is light" in light["warnings"][0]
    own = json.loads(run("predict", tmp_path / "light.png", "--model", trained, "--json").out)["answers"]
    assert own[0]["warnings"] == []  # a model of one's own data may know light ones


def test_a_missing_package_is_said_once_and_not_for_each_photo(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    for number in range(5):
        Image.new("RGB", (300, 300), (40 * number, 90, 30)).save(tmp_path / f"{number}.jpg")
    answer = run("predict", tmp_path)
    assert answer.code == 2
    (line,) = answer.err.splitlines()
    assert line.startswith("fittingroom: 5 pictures: Photos need OpenCV. Install it: ")
    assert "pip install " in line
    assert len(json.loads(run("predict", tmp_path, "--json").out)["answers"]) == 5


def test_a_coverage_is_refused_for_photos_and_where_no_run_is_named(run, trained, photos, toy, tmp_path):
    np.save(tmp_path / "one.npy", toy.test.images[:1])
    answer = run("predict", tmp_path / "one.npy", photos / "a.png", "--model", trained, "--coverage", 0.9)
    assert answer.code == 1
    assert "a.png: it is taken as a photo, and the coverage is stated for pictures like the dataset's" in answer.err
    assert "Of pictures like the dataset's, 90 % have the true class among those named." in answer.err
    assert "one.npy" in answer.out
    for more, words in (
        (["--coverage", 0.9], "name the run, --model runs/my-run"),
        (["--coverage", 1.5, "--model", trained], "--coverage: expected a fraction between 0 and 1"),
        (["--per-class", "--model", trained], "--per-class says how --coverage is meant"),
        (["--coverage", 0.9, "--model", "fashion-mnist/90"], "Expected a run for a stated coverage"),
    ):
        answer = run("predict", tmp_path / "one.npy", *more)
        assert (answer.code, answer.out) == (2, "")
        assert words in answer.err
