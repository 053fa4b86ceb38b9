import io
import random

import numpy as np
import pytest

from fittingroom.errors import DataError
from fittingroom.workflows.predictions_file import read_predictions

LABELS = np.arange(40) % 4


def written(**changes):
    with io.BytesIO() as file:
        np.savez_compressed(file, **({"probabilities": np.full((40, 4), 0.25), "labels": LABELS} | changes))
        return file.getvalue()


def test_what_a_file_does_not_say_stays_unknown(tmp_path):
    (tmp_path / "p.npz").write_bytes(written())
    found = read_predictions(tmp_path / "p.npz")
    assert (found.class_names, found.dataset, found.fingerprint, found.split) == (("0", "1", "2", "3"), "", "", "")


def test_a_runs_predictions_are_read_with_all_that_they_say(tmp_path):
    (tmp_path / "p.npz").write_bytes(
        written(class_names=np.array(list("abcd")), split=np.array("test"), fingerprint=np.array("4d8e31d2057f6f93"))
    )
    found = read_predictions(tmp_path / "p.npz")
    assert (found.class_names, found.dataset, found.split) == (("a", "b", "c", "d"), "fashion-mnist", "test")


def test_a_damaged_file_is_told_or_read_and_nothing_else(tmp_path):
    generator, whole, path = random.Random(0), written(), tmp_path / "p.npz"
    told = 0
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 6)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path.write_bytes(damaged[: generator.randrange(len(damaged))] if generator.random() < 0.2 else damaged)
        try:
            read_predictions(path)
        except DataError:
            told += 1
    assert told > 150


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "p.npz").mkdir()
    with pytest.raises(DataError, match="expected a file of arrays, found a folder"):
        read_predictions(tmp_path / "p.npz")
