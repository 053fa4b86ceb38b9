from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fittingroom.data.cache as cache
from fittingroom.data.cache import alone, array_path, cache_folder, invalidate, read, rehash, store
from fittingroom.data.folder import foreign_places
from fittingroom.errors import DataError
from helpers import tiny_dataset

FILE, ARRAY = tiny_dataset.TINY.files[0], tiny_dataset.ARRAYS[0]


@pytest.fixture
def folder(tmp_path):
    """A cache folder that holds one file."""
    folder = tmp_path / "folder"
    folder.mkdir()
    store(folder, FILE, ARRAY, "a test")
    return folder


def refuse(*arguments, **options):
    raise AssertionError("not to be called")


def test_what_is_stored_is_read_with_its_source(folder):
    kept = read(folder, FILE)
    np.testing.assert_array_equal(kept.array, ARRAY)
    assert kept.source == "a test"


def test_a_stamped_file_is_neither_hashed_nor_unzipped_nor_read_whole(folder, monkeypatch):
    monkeypatch.setattr(cache, "rehash", refuse)
    monkeypatch.setattr(gzip, "GzipFile", refuse)
    kept = read(folder, FILE)
    assert isinstance(kept.array.base, np.memmap)
    assert type(kept.array) is np.ndarray


def test_writing_to_the_array_changes_neither_the_file_nor_the_next_read(folder):
    before = array_path(folder, FILE).read_bytes()
    first = read(folder, FILE).array
    first[:] = 0
    assert array_path(folder, FILE).read_bytes() == before
    np.testing.assert_array_equal(read(folder, FILE).array, ARRAY)


def test_an_array_that_was_handed_out_stays_as_it_is_when_its_file_is_replaced(folder):
    first = read(folder, FILE).array
    store(folder, FILE, tiny_dataset.OTHER_ARRAYS[0], "another")
    np.testing.assert_array_equal(first, ARRAY)


def test_nothing_is_read_from_an_empty_cache(tmp_path):
    assert read(tmp_path / "nowhere", FILE) is None


def test_a_file_that_was_touched_is_hashed_again_and_stamped_anew(folder, monkeypatch):
    os.utime(array_path(folder, FILE), ns=(1, 1))
    assert read(folder, FILE).source == "a test"
    monkeypatch.setattr(cache, "rehash", refuse)
    assert read(folder, FILE) is not None


def test_a_file_that_was_changed_is_not_read(folder):
    path = array_path(folder, FILE)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    assert read(folder, FILE) is None


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_file_that_was_cut_short_is_not_read(folder, keep):
    path = array_path(folder, FILE)
    path.write_bytes(path.read_bytes()[:keep])
    assert read(folder, FILE) is None


@pytest.mark.parametrize("words", ["", "{", "[]", "null", "{}", '{"sha256": 3}'])
def test_a_broken_stamp_costs_one_hash_and_no_more(folder, words):
    stamp = folder / f"{FILE.name}.json"
    stamp.write_text(words)
    np.testing.assert_array_equal(read(folder, FILE).array, ARRAY)
    assert json.loads(stamp.read_text())["sha256"] == FILE.sha256


def test_the_stamp_of_another_content_is_not_trusted(folder):
    store(folder, FILE, tiny_dataset.OTHER_ARRAYS[0], "a mistake")
    invalidate(folder, FILE)
    assert read(folder, FILE) is None


def test_a_changed_file_with_its_old_time_and_size_is_found_after_its_stamp_is_forgotten(folder):
    path = array_path(folder, FILE)
    before, raw = path.stat(), bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read(folder, FILE) is not None
    invalidate(folder, FILE)
    assert read(folder, FILE) is None


def test_the_full_hash_is_that_of_the_idx_file(folder):
    assert rehash(folder, FILE) == FILE.sha256


def test_a_full_disk_is_one_sentence_and_leaves_nothing(folder, monkeypatch):
    def fill(path, array, **options):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(folder.iterdir())
    monkeypatch.setattr(cache.np, "save", fill)
    with pytest.raises(DataError, match=r"train-images.*npy: could not be written, .*No space left.* Free 200 MB"):
        store(folder, FILE, ARRAY, "a test")
    assert sorted(folder.iterdir()) == before
    np.testing.assert_array_equal(read(folder, FILE).array, ARRAY)


def test_a_cache_that_cannot_be_made_is_one_sentence_with_the_remedy(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataError, match=r"file/tiny: could not be written, received 'Not a directory'"),
        alone(tmp_path / "file" / "tiny", print),
    ):
        pass


def test_a_cache_without_write_access_names_the_variable(tmp_path, monkeypatch):
    def refuse_access(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse_access)
    with pytest.raises(DataError, match=r"'Permission denied'.*FITTINGROOM_CACHE"), alone(tmp_path / "c", print):
        pass


def test_a_stamp_that_cannot_be_written_does_not_keep_the_data_back(folder, monkeypatch):
    def refuse_access(*arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    invalidate(folder, FILE)
    monkeypatch.setattr(cache, "_write_stamp", refuse_access)
    np.testing.assert_array_equal(read(folder, FILE).array, ARRAY)


def test_what_a_killed_process_left_is_swept_and_the_working_folder_is_gone_afterwards(folder):
    left = folder / ".partial-killed"
    left.mkdir()
    (left / "half.npy").write_bytes(b"half")
    with alone(folder, print) as work:
        assert not left.exists()
        assert work.parent == folder
    assert not list(folder.glob(".partial-*"))


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from helpers import tiny_dataset
import fittingroom.data.cache as cache

def half(path, array, **options):
    path.write_bytes(b"\\x93NUMPY")
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
with cache.alone(folder, print):
    cache.np.save = half
    cache.store(folder, tiny_dataset.TINY.files[0], tiny_dataset.ARRAYS[0], "a killed process")
"""


def test_a_process_killed_while_writing_leaves_no_half_file_and_no_lock(tmp_path):
    folder = tmp_path / "killed"
    script = KILLED.format(tests=str(Path(__file__).parent.parent))
    ended = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert read(folder, FILE) is None
    with alone(folder, refuse):
        store(folder, FILE, ARRAY, "the next process")
    assert read(folder, FILE).source == "the next process"
    assert not list(folder.glob(".partial-*"))


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("FITTINGROOM_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder("tiny") == tmp_path / "elsewhere" / "tiny"


def test_without_the_variable_the_cache_is_the_platforms(monkeypatch, tmp_path):
    monkeypatch.delenv("FITTINGROOM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("tiny").parent.name == "fittingroom"
    assert cache_folder("tiny").is_relative_to(tmp_path)


def test_a_user_without_a_home_gets_a_folder_of_the_temporary_ones(tmp_path, monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    for name in ("HOME", "XDG_CACHE_HOME", cache.CACHE_VARIABLE, "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    assert cache_folder("mnist") == tmp_path / "fittingroom-cache" / "mnist"
    assert all(not place.folder.exists() for place in foreign_places(tiny_dataset.TINY))


@pytest.fixture
def usual_cache(tmp_path, monkeypatch):
    """The folder of a user's own cache, where the one for temporary files is elsewhere."""
    for name in (cache.CACHE_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "home" / name))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    return tmp_path / "home" / "fittingroom"


def test_a_home_that_is_no_folder_gives_a_folder_of_the_temporary_ones(usual_cache, tmp_path):
    usual_cache.parent.write_text("no folder", encoding="utf-8")
    assert cache_folder("mnist") == tmp_path / "temporary" / "fittingroom-cache" / "mnist"


def test_a_home_that_cannot_be_written_is_used_for_what_it_holds_and_for_nothing_else(
    usual_cache, tmp_path, monkeypatch
):
    (usual_cache / "mnist").mkdir(parents=True)
    assert cache_folder("tiny") == usual_cache / "tiny"
    monkeypatch.setattr(cache.os, "access", lambda path, mode: False)
    assert cache_folder("mnist") == usual_cache / "mnist"
    assert cache_folder("tiny") == tmp_path / "temporary" / "fittingroom-cache" / "tiny"
