"""Files that need not fit into memory: the same answers as from memory, and a sentence where one changes meanwhile."""

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import fittingroom as fr
import fittingroom.mapped_arrays as mapped_arrays
import fittingroom.training.loop as loop
from fittingroom.cli.app import main
from fittingroom.data import FILE_NAMES, load, verify, write_idx
from fittingroom.data.idx import encode_header
from fittingroom.data.large_files import open_large
from fittingroom.errors import DataError, Interrupted, RunError, UsageError
from fittingroom.mapped_arrays import RowReader, is_large, pieces
from fittingroom.training import resume, train_model
from fittingroom.training.recipe import Recipe
from helpers.kill_run import network, noise, recipe

IMAGES = FILE_NAMES[0]


@pytest.fixture
def all_are_large(monkeypatch, tmp_path):
    monkeypatch.setattr(mapped_arrays, "LARGE_BYTES", 1)
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["by the system's call", "by touching"])
def either_way(request, monkeypatch):
    if request.param == "by touching":
        monkeypatch.setattr(mapped_arrays, "_copier", lambda: None)
    elif mapped_arrays._copier() is None:
        pytest.skip("no process_vm_readv on this system")


def write_folder(folder, gzipped=False):
    """The noise of the kill tests, as training and as test images."""
    folder.mkdir()
    for name, array in zip(FILE_NAMES, [*noise(), *noise()], strict=True):
        write_idx(folder / f"{name}{'.gz' if gzipped else ''}", array)
    return folder


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_large_folder_is_what_it_is_in_memory_and_stays_in_its_file(tmp_path, monkeypatch, gzipped):
    folder = write_folder(tmp_path / "data", gzipped)
    small = load(folder)
    monkeypatch.setattr(mapped_arrays, "LARGE_BYTES", 1)
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))
    large = load(folder)
    assert is_large(large.train.images)
    assert not is_large(small.train.images)
    assert large.fingerprint == small.fingerprint == load(folder).fingerprint
    np.testing.assert_array_equal(large.train.images, small.train.images)
    np.testing.assert_array_equal(large.test.labels, small.test.labels)


def test_a_file_is_hashed_and_unpacked_once_until_it_changes(tmp_path, all_are_large):
    folder = write_folder(tmp_path / "data", gzipped=True)
    path, said = folder / f"{IMAGES}.gz", []
    first = open_large(path, said.append)
    assert open_large(path, said.append).sha256 == first.sha256
    assert len(said) == 1
    assert said[0].startswith("Unpacking")
    write_idx(path, 255 - noise()[0])
    changed = open_large(path, said.append)
    assert len(said) == 2
    assert changed.sha256 != first.sha256
    np.testing.assert_array_equal(changed.array, 255 - noise()[0])
    unpacked = list((tmp_path / "cache" / "large").glob("*.idx"))
    assert len(unpacked) == 1, "the one before is replaced"
    unpacked[0].write_bytes(unpacked[0].read_bytes()[:-5])
    np.testing.assert_array_equal(open_large(path, said.append).array, 255 - noise()[0])


def test_no_room_for_unpacking_is_said_before_a_byte_is_written(tmp_path, all_are_large, monkeypatch):
    folder = write_folder(tmp_path / "data", gzipped=True)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(
        DataError, match=r"GB free in .* to unpack it into, found 0.0 GB free.*FITTINGROOM_CACHE.*gunzip"
    ):
        load(folder)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.suffix == ".idx"]


def test_a_disk_that_fills_up_while_unpacking_is_one_sentence_and_leaves_nothing(tmp_path, all_are_large, monkeypatch):
    folder = write_folder(tmp_path / "data", gzipped=True)

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="the disk was full on the way"):
        load(folder)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.suffix == ".idx"]


@pytest.mark.parametrize("change", ["cut", "longer"])
@pytest.mark.parametrize("gzipped", [False, True])
def test_a_damaged_large_file_is_refused_with_its_name(tmp_path, all_are_large, change, gzipped):
    folder = write_folder(tmp_path / "data")
    path = folder / IMAGES
    raw = path.read_bytes()
    raw = raw[:-9] if change == "cut" else raw + b"more"
    if gzipped:
        path.unlink()
        path = folder / f"{IMAGES}.gz"
        raw = gzip.compress(raw)
    path.write_bytes(raw)
    with pytest.raises(DataError, match=rf"{path.name}: .*expected 13,840 bytes"):
        load(folder)
    assert not verify(folder)[0].ok
    with pytest.raises(DataError, match=path.name):
        load(folder)


def test_verify_reads_a_large_file_whatever_is_remembered_of_it(tmp_path, all_are_large):
    folder = write_folder(tmp_path / "data")
    path = folder / IMAGES
    before = verify(folder)
    load(folder)
    times = path.stat()
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a failing disk would leave it
    assert verify(folder)[0].sha256 != before[0].sha256
    assert verify(folder)[1].sha256 == before[1].sha256


def test_rows_are_read_in_any_order_and_number(tmp_path, either_way):
    images = np.random.default_rng(0).integers(0, 256, (2500, 5, 3), np.uint8)
    write_idx(tmp_path / "images", images)
    rows = np.random.default_rng(1).permutation(2500)
    mapped = open_large(tmp_path / "images").array
    np.testing.assert_array_equal(RowReader(mapped).read(rows), images[rows])
    assert RowReader(mapped).read(rows[:0]).shape == (0, 5, 3)
    np.testing.assert_array_equal(RowReader(images).read(rows), images[rows])


def test_pieces_are_all_images_or_the_rows_asked_for(tmp_path, all_are_large):
    write_idx(tmp_path / "images", noise()[0])
    mapped, rows = open_large(tmp_path / "images").array, np.array([5, 2, 90])
    for images in (mapped, noise()[0]):
        np.testing.assert_array_equal(np.concatenate(list(pieces(images, 7))), noise()[0])
        np.testing.assert_array_equal(np.concatenate(list(pieces(images, 2, rows))), noise()[0][rows])


@pytest.mark.parametrize("change", ["shorter", "other bytes", "gone"])
def test_a_file_that_changes_while_it_is_trained_on_is_one_sentence_and_the_checkpoint_is_kept(
    tmp_path, all_are_large, either_way, change
):
    data = load(write_folder(tmp_path / "data"))
    path = tmp_path / "data" / IMAGES

    def on_progress(progress):
        if (progress.epoch, progress.images) == (2, 40):
            if change == "gone":
                path.unlink()
            else:
                with path.open("r+b") as file:
                    file.truncate(5000) if change == "shorter" else file.write(b"\0\0\x08")

    with pytest.raises(DataError, match=rf"{IMAGES}: (the file was changed while it was read|expected the file)"):
        train_model(network(), data, recipe(), seed=3, out=tmp_path / "run", on_progress=on_progress)
    assert (tmp_path / "run" / "checkpoint" / "state.safetensors").exists()
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert len(lines) == 2, "so short an epoch was read ahead to its end"


def test_a_file_that_becomes_shorter_between_the_look_and_the_copy_does_not_end_the_process(tmp_path, monkeypatch):
    if mapped_arrays._copier() is None:
        pytest.skip("no process_vm_readv on this system")
    images = np.zeros((3000, 28, 28), np.uint8)
    write_idx(tmp_path / "images", images)
    reader = RowReader(open_large(tmp_path / "images").array)
    with (tmp_path / "images").open("r+b") as file:
        file.truncate(5000)
    monkeypatch.setattr(reader, "_now", lambda: reader._seen)  # as if it had been whole just then
    with pytest.raises(DataError, match="the file was changed while it was read"):
        reader.read(np.arange(3000))


def weights_and_history(model, state_or_run):
    history = state_or_run.history
    return [np.asarray(weight).tobytes() for weight in model.get_weights()], [
        {**line, "seconds": 0} for line in history
    ]


def trained(data, out, **options):
    model = network()
    run = train_model(model, data, recipe(), seed=3, validation=16, out=out, **options)
    return weights_and_history(model, run)


def test_training_from_a_file_is_training_from_memory_to_the_bit_also_interrupted(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "data")
    whole = trained(load(folder), tmp_path / "memory")
    monkeypatch.setattr(mapped_arrays, "LARGE_BYTES", 1)
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))
    large = load(folder)
    assert trained(large, tmp_path / "file") == whole

    def stop(progress):
        if (progress.epoch, progress.images) == (2, 60):
            signal.raise_signal(signal.SIGINT)

    for most_kept in (loop.MOST_KEPT, 0):  # with an epoch's outputs kept, and with their sums alone
        monkeypatch.setattr(loop, "MOST_KEPT", most_kept)
        out = tmp_path / f"run-{most_kept}"
        with pytest.raises(Interrupted):
            trained(large, out, on_progress=stop)
        run = resume(out, large)
        assert [{**line, "seconds": 0} for line in run.history] == whole[1]
        import keras

        model = keras.saving.load_model(out / "model.keras")
        assert [weight.tobytes() for weight in model.get_weights()] == whole[0]


def test_evaluate_and_predict_of_a_large_file_are_those_of_memory(tmp_path, monkeypatch, toy_folder):
    toy = load(toy_folder)
    run = fr.train("walkthrough", toy, epochs=1, onnx=True, out=tmp_path / "run")
    verdict, answers = fr.evaluate(run, toy), fr.predict(run, toy.test.images)
    monkeypatch.setattr(mapped_arrays, "LARGE_BYTES", 1)
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))
    large = load(toy_folder)
    assert fr.evaluate(run, large) == verdict
    np.testing.assert_array_equal(fr.predict(run, large.test.images), answers)
    onnx = fr.predict(tmp_path / "run" / "model.onnx", large.test.images)
    np.testing.assert_array_equal(onnx, fr.predict(tmp_path / "run" / "model.onnx", toy.test.images))
    test_images = toy_folder / FILE_NAMES[2]
    raw = test_images.read_bytes()
    try:
        test_images.write_bytes(raw[:5000])
        with pytest.raises(DataError, match="changed while it was read"):
            fr.predict(run, large.test.images)
    finally:
        test_images.write_bytes(raw)


def test_whatever_looks_at_a_run_on_a_large_file_says_what_it_says_from_memory(
    tmp_path, monkeypatch, toy_folder, capsys
):
    toy = load(toy_folder)
    run = fr.train("walkthrough", toy, epochs=1, onnx=False, validation=100, out=tmp_path / "run")
    other = fr.train("walkthrough", toy, epochs=1, onnx=False, validation=100, seed=1, out=tmp_path / "other")
    noise_alone = {"corruptions": ("noise",)}

    def looked_at(data):
        verdict = fr.evaluate(run, data, coverage=0.9)
        seen, held = fr.interpret(run, data), fr.interpret(run, data, split="validation")
        return (
            verdict,
            fr.evaluate_corruptions(run, data, **noise_alone),
            fr.explore(data)["splits"],
            [each.index for each in seen.mistakes(4, neighbours=0)],
            held.probabilities.tobytes(),
            {index: image.tobytes() for index, image in data.train.pictures([5, 3]).items()},
        )

    whole = looked_at(toy)
    fr.evaluate(other, toy)
    compare = ["compare", str(run.folder), str(other.folder), "--show", "2"]
    assert main(compare) == 0
    said = capsys.readouterr().out
    monkeypatch.setattr(mapped_arrays, "LARGE_BYTES", 1)
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "cache"))
    large = load(toy_folder)
    assert looked_at(large) == whole
    assert main(compare) == 0
    assert capsys.readouterr().out == said
    assert fr.report(run).is_file()


def test_training_images_of_a_large_file_are_not_copied_to_be_looked_at(
    tmp_path, all_are_large, toy_folder, monkeypatch
):
    data = load(toy_folder)
    run = fr.train("walkthrough", data, epochs=1, onnx=False, validation=100, out=tmp_path / "run")
    with pytest.raises(RunError, match=r"in a large file\. Look at those that it held out: --split validation"):
        fr.interpret(run, data, split="train")
    monkeypatch.setattr("fittingroom.pages.interpretation.MOST_SIMILAR", 50)
    said = []
    seen = fr.interpret(run, data, split="validation", log=said.append)
    assert said == [f"Similar images are looked for among 50 of the {len(data.train)} training images, spread evenly."]
    assert len(seen.train) == 50
    assert np.intersect1d(seen.train.indices, seen.split.indices).size == 0
    assert all(len(one.neighbours) == 3 for one in seen.mistakes(2, neighbours=3))
    assert data.train.take(np.arange(len(data.train))).images is data.train.images


def test_an_audit_of_a_large_file_is_refused_before_anything_is_trained(tmp_path, all_are_large, toy_folder):
    pytest.importorskip("cleanlab")
    with pytest.raises(UsageError, match=r"that fit into memory, received .* in a large file.*Audit a part: "):
        fr.audit_dataset(toy_folder, out=tmp_path / "audit")
    assert not (tmp_path / "audit").exists()


def test_answers_that_no_file_could_hold_are_refused_before_any_is_computed(tmp_path, toy, monkeypatch):
    monkeypatch.setattr("fittingroom.workflows.evaluation.MOST_ANSWERS_BYTES", 400)
    with pytest.raises(UsageError, match=r"received 200 test images of 10 classes.*data\.test\.images\[:10\]"):
        fr.evaluate("fashion-mnist/90", toy)


def test_colour_is_refused_with_the_reason_and_an_axis_of_one_is_taken(tmp_path, all_are_large):
    folder = write_folder(tmp_path / "data")
    colour = np.random.default_rng(0).integers(0, 256, (96, 12, 12, 3), np.uint8)
    write_idx(folder / IMAGES, colour)
    with pytest.raises(DataError, match=r"expected grey pictures .*, received colour \(1, 12, 12, 3\)"):
        load(folder)
    write_idx(folder / IMAGES, colour[..., :1].repeat(3, axis=3))
    with pytest.raises(DataError, match=r"expected grey pictures .*, received \(96, 12, 12, 3\)"):
        load(folder)
    write_idx(folder / IMAGES, colour[..., :1])
    images = load(folder).train.images
    assert images.shape == (96, 12, 12)
    assert is_large(images)


def test_rewriting_a_large_folder_points_to_convert(tmp_path, all_are_large, capsys):
    folder = write_folder(tmp_path / "data")
    assert main(["data", "import", str(folder), "--out", str(tmp_path / "new"), "--labels-from", "1"]) == 2
    assert f"fittingroom data convert {folder} {tmp_path / 'new'} --labels-from 1" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.soak
@pytest.mark.slow
def test_a_thousand_classes_and_pictures_of_96_pixels_train_and_are_judged(tmp_path, all_are_large):
    folder = tmp_path / "data"
    folder.mkdir()
    labels = np.concatenate([np.arange(1000), np.arange(200)]).astype(np.int16)
    generator = np.random.default_rng(0)
    for part in (0, 2):
        write_idx(folder / FILE_NAMES[part], generator.integers(0, 256, (1200, 96, 96), np.uint8))
        write_idx(folder / FILE_NAMES[part + 1], labels)
    data = load(folder)
    assert data.classes == 1000
    run = fr.train("walkthrough", data, recipe=Recipe(epochs=1), onnx=False, out=tmp_path / "run")
    assert run.environment["classes"] == 1000
    assert fr.evaluate(run, data).n == 1200


@pytest.mark.soak
def test_a_training_on_a_really_large_file_that_was_killed_ends_as_one_that_was_not(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    generator, count = np.random.default_rng(0), 350_000
    with (folder / IMAGES).open("wb") as file:
        file.write(encode_header(np.dtype(np.uint8), (count, 28, 28)))
        for _ in range(35):
            file.write(generator.bytes(10_000 * 784))
    write_idx(folder / FILE_NAMES[1], generator.integers(0, 10, count, np.uint8))
    write_idx(folder / FILE_NAMES[2], generator.integers(0, 256, (100, 28, 28), np.uint8))
    write_idx(folder / FILE_NAMES[3], np.arange(100, dtype=np.uint8) % 10)
    command = [sys.executable, "-m", "fittingroom", "train"]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "FITTINGROOM_CACHE": str(tmp_path / "cache")}
    new = [
        "--dataset",
        str(folder),
        "--epochs",
        "2",
        "--batch-size",
        "500",
        "--validation",
        "1000",
        "--no-onnx",
        "--out",
    ]
    subprocess.run([*command, *new, str(tmp_path / "whole")], env=environ, check=True, capture_output=True)
    with subprocess.Popen([*command, *new, str(tmp_path / "run")], env=environ, stderr=subprocess.DEVNULL) as process:
        while not (tmp_path / "run" / "history.jsonl").exists():  # which is written after the first checkpoint
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    resumed = [*command, "--resume", str(tmp_path / "run"), "--no-onnx"]
    subprocess.run(resumed, env=environ, check=True, capture_output=True)
    ends = []
    for name in ("whole", "run"):
        import keras

        model = keras.saving.load_model(tmp_path / name / "model.keras")
        lines = [json.loads(line) for line in (tmp_path / name / "history.jsonl").read_text().splitlines()]
        ends.append(([weight.tobytes() for weight in model.get_weights()], [{**line, "seconds": 0} for line in lines]))
    assert ends[0] == ends[1]
