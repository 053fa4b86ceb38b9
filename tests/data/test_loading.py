from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fittingroom.data as data
from fittingroom.data import cache_folder, get, load, load_data, locate, verify
from fittingroom.data.cache import array_path
from fittingroom.data.catalog import FILE_NAMES
from fittingroom.errors import DataError, DataNotFoundError, UsageError
from helpers import tiny_dataset


@pytest.fixture
def cached(tiny, tmp_path):
    """Tiny is in our cache, and nowhere else."""
    folder = tiny_dataset.write_files(tmp_path / "once")
    get("tiny", data_dir=folder)
    for path in folder.iterdir():
        path.unlink()
    return cache_folder("tiny")


def check_is_tiny(dataset):
    received = (dataset.train.images, dataset.train.labels, dataset.test.images, dataset.test.labels)
    for got, expected in zip(received, tiny_dataset.ARRAYS, strict=True):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == np.uint8
        assert got.flags.writeable
    assert (dataset.name, dataset.fingerprint) == ("tiny", tiny_dataset.TINY.fingerprint)
    assert dataset.class_names == ("hat", "sock", "scarf")


def test_a_known_dataset_loads_from_the_cache_and_says_so(cached, no_network, lines):
    dataset = load("tiny", log=lines.append)
    check_is_tiny(dataset)
    assert lines == [f"Tiny: from {dataset.source}."]
    assert dataset.source.startswith(f"the cache {cached} (first from the folder ")


def test_the_second_load_reads_no_gzip_and_hashes_nothing(tiny, tmp_path, monkeypatch, no_network):
    tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny")
    check_is_tiny(load("tiny"))

    def refuse(*arguments, **options):
        raise AssertionError("not to be called")

    for name in ("gzip.GzipFile", "fittingroom.data.idx.read_raw", "fittingroom.data.cache.rehash"):
        monkeypatch.setattr(name, refuse)
    check_is_tiny(load("tiny"))


def test_writing_to_the_arrays_changes_no_file(cached):
    load("tiny").train.images[:] = 0
    check_is_tiny(load("tiny"))
    assert all(check.ok for check in verify("tiny"))


def test_load_data_gives_the_four_arrays(cached):
    (train_images, train_labels), (test_images, test_labels) = load_data("tiny")
    assert train_images.shape == (30, 4, 5)
    assert (len(train_labels), len(test_images), len(test_labels)) == (30, 12, 12)


def test_the_class_names_are_those_of_the_article():
    assert data.class_names[0] == "T-shirt/top"
    assert data.class_names[9] == "Ankle boot"
    assert len(data.class_names) == 10


def test_a_close_name_is_suggested():
    with pytest.raises(UsageError, match=r"Unknown dataset 'fashon-mnist'. Did you mean 'fashion-mnist'\?"):
        load("fashon-mnist")


@pytest.mark.parametrize("path", ["./tiny", "../workplace/tiny", "tiny/"])
def test_a_path_means_a_folder_even_where_its_name_is_known(tiny, path):
    tiny_dataset.write_files(Path("tiny"), tiny_dataset.OTHER_ARRAYS)
    assert load(path).name == "other"


def test_a_path_object_means_a_folder(tiny):
    tiny_dataset.write_files(Path("tiny"), tiny_dataset.OTHER_ARRAYS)
    assert load(Path("tiny")).name == "other"


def test_a_known_name_means_the_dataset_even_beside_a_folder_of_that_name(cached):
    tiny_dataset.write_files(Path("tiny"), tiny_dataset.OTHER_ARRAYS)
    check_is_tiny(load("tiny"))


def test_a_bare_name_of_a_folder_means_that_folder():
    tiny_dataset.write_files(Path("hats"), tiny_dataset.make_arrays(seed=5))
    assert load("hats").name == "hats"


def test_a_tilde_is_the_home_folder(tmp_path):
    tiny_dataset.write_files(tmp_path / "home" / "hats", tiny_dataset.make_arrays(seed=5))
    assert load("~/hats").name == "hats"


def test_the_source_is_told(tiny_folder, lines):
    dataset = load(str(tiny_folder), log=lines.append)
    assert dataset.source == f"the folder {tiny_folder}"
    assert lines == [f"Reading the folder {tiny_folder}."]


# --- the folder that the user names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "tiny"])
def test_a_data_folder_holds_the_files_or_a_subfolder_of_the_datasets_name(tiny, tmp_path, no_network, below):
    tiny_dataset.write_files(tmp_path / "usb" / below)
    check_is_tiny(load("tiny", data_dir=tmp_path / "usb"))
    assert not cache_folder("tiny").exists()


def test_the_variable_names_a_data_folder(tiny_folder, monkeypatch, no_network, lines):
    monkeypatch.setenv("FITTINGROOM_DATA", str(tiny_folder))
    check_is_tiny(load("tiny", log=lines.append))
    assert lines == [f"Tiny: reading {tiny_folder}, as you asked."]


def test_the_argument_wins_over_the_variable(tiny_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("FITTINGROOM_DATA", str(tmp_path / "nowhere"))
    check_is_tiny(load("tiny", data_dir=tiny_folder))


def test_the_data_folder_comes_before_the_cache_and_a_wrong_file_in_it_is_an_error(cached, tmp_path):
    folder = tiny_dataset.write_files(tmp_path / "wrong", tiny_dataset.OTHER_ARRAYS)
    with pytest.raises(
        DataError, match=r"train-images.* expected .* of Tiny .* received .* of Other \(by its SHA-256\)"
    ):
        load("tiny", data_dir=folder)


def test_a_data_folder_that_is_not_there_is_an_error_and_nothing_else_is_tried(cached, tmp_path, no_network):
    with pytest.raises(DataNotFoundError, match="nowhere: expected a folder"):
        load("tiny", data_dir=tmp_path / "nowhere")


def test_a_data_folder_that_lacks_a_file_names_it(tiny_folder, no_network):
    (tiny_folder / f"{FILE_NAMES[2]}.gz").unlink()
    with pytest.raises(DataNotFoundError, match=r"without t10k-images-idx3-ubyte\[.gz\]. Put it there"):
        load("tiny", data_dir=tiny_folder)


def test_a_truncated_file_in_a_data_folder_is_an_error_and_stays(tiny_folder, no_network):
    path = tiny_folder / f"{FILE_NAMES[0]}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz: .*cut short"):
        load("tiny", data_dir=tiny_folder)
    assert path.exists()


def test_a_data_folder_beside_a_path_is_refused(tiny_folder, tmp_path):
    with pytest.raises(UsageError, match="received both"):
        load(tiny_folder, data_dir=tmp_path)


# --- get, locate, verify --------------------------------------------------------------------------------------------


def test_get_copies_a_data_folder_into_the_cache(tiny_folder, no_network, lines):
    folder = get("tiny", data_dir=tiny_folder, log=lines.append)
    assert folder == cache_folder("tiny")
    check_is_tiny(load("tiny"))
    assert lines == [f"Tiny: copying {tiny_folder} into the cache {folder}."]


def test_get_fetches_once(tiny_mirror, with_mirrors):
    with_mirrors(tiny_mirror.url)
    get("tiny")
    get("tiny")
    assert len(tiny_mirror.asked) == 4


def test_locate_finds_nothing_where_load_would_have_to_fetch(tiny, no_network):
    assert locate("tiny") is None


def test_locate_names_the_cache(cached, no_network):
    assert locate("tiny") == cached


def test_locate_names_the_folder_of_another_library_that_has_all_four(tiny, tmp_path, no_network):
    half = tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny")
    (half / f"{FILE_NAMES[0]}.gz").unlink()
    whole = tiny_dataset.write_files(tmp_path / "home/data/Tiny/raw")
    assert locate("tiny") == whole


def test_locate_names_the_subfolder_of_a_data_folder(tiny, tmp_path):
    tiny_dataset.write_files(tmp_path / "usb" / "tiny")
    assert locate("tiny", data_dir=tmp_path / "usb") == tmp_path / "usb" / "tiny"


def test_locate_names_a_folder_that_is_a_dataset(tiny_folder):
    assert locate(tiny_folder) == tiny_folder


def test_verify_finds_every_file_of_a_sound_cache_sound(cached):
    checks = verify("tiny")
    assert [check.name for check in checks] == list(FILE_NAMES)
    assert [check.sha256 for check in checks] == [file.sha256 for file in tiny_dataset.TINY.files]
    assert all(check.ok for check in checks)


def test_verify_finds_what_the_stamp_hides_and_the_next_load_replaces_it(cached, tmp_path, no_network):
    path = array_path(cached, tiny_dataset.TINY.files[0])
    before, raw = path.stat(), bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    first, *others = verify("tiny")
    assert not first.ok
    assert "received other bytes" in first.problem
    assert all(check.ok for check in others)
    tiny_dataset.write_files(tmp_path / "home/.keras/datasets/tiny")
    check_is_tiny(load("tiny"))


def test_verify_names_a_file_that_the_cache_lacks(cached):
    array_path(cached, tiny_dataset.TINY.files[3]).unlink()
    *_, last = verify("tiny")
    assert last.problem.endswith("The next load fetches it anew.")
    assert last.sha256 is None


def test_verify_says_how_to_get_what_is_not_there(tiny):
    with pytest.raises(DataNotFoundError, match=r"Tiny is not in .*Get it with: fittingroom data get tiny"):
        verify("tiny")


def test_verify_names_the_other_dataset_in_a_data_folder(tiny, tmp_path):
    folder = tiny_dataset.write_files(tmp_path / "x", tiny_dataset.OTHER_ARRAYS)
    checks = verify("tiny", data_dir=folder)
    assert not any(check.ok for check in checks)
    assert "of Other (by its SHA-256)" in checks[0].problem


def test_verify_looks_at_each_file_of_a_folder(tiny_folder):
    (tiny_folder / f"{FILE_NAMES[0]}.gz").write_bytes(b"<html>")
    first, *others = verify(tiny_folder)
    assert (first.ok, first.sha256) == (False, None)
    assert "web page" in first.problem
    assert all(check.ok for check in others)


# --- the whole ------------------------------------------------------------------------------------------------------


def test_the_original_digits_load_by_name_from_their_folder(real_mnist):
    digits = load("mnist", data_dir=real_mnist)
    assert digits.train.images.shape == (60000, 28, 28)
    assert digits.fingerprint == "e9914cff2ade526d"


def test_importing_the_data_door_brings_in_nothing_heavy():
    script = "import sys, fittingroom.data; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {"keras", "torch", "pooch", "requests", "matplotlib", "filelock"}.isdisjoint(loaded)


def test_all_public_names_are_there():
    assert all(hasattr(data, name) for name in data.__all__)
