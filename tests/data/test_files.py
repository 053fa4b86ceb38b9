from __future__ import annotations

import errno
import gzip
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fittingroom.data.idx as files
from fittingroom.data.idx import TYPES, CutShortError, UnwritableError, encode, read_idx, read_raw, write_idx, writing
from fittingroom.errors import DataError

IMAGES = np.arange(600, dtype=np.uint8).reshape(30, 4, 5)
HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@pytest.mark.parametrize("name", ["a.gz", "a"])
def test_a_file_reads_back_as_it_was_written_gzipped_or_not(tmp_path, name):
    write_idx(tmp_path / name, IMAGES)
    back = read_idx(tmp_path / name)
    np.testing.assert_array_equal(back, IMAGES)
    assert back.flags.writeable
    assert ((tmp_path / name).read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    if name.endswith(".gz"):
        assert (tmp_path / name).read_bytes()[4:8] == bytes(4)  # no time: the same images are the same bytes


def test_compression_is_seen_from_the_bytes_whatever_the_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(encode(IMAGES))
    (tmp_path / "packed").write_bytes(gzip.compress(encode(IMAGES)))
    np.testing.assert_array_equal(read_idx(tmp_path / "plain.gz"), read_idx(tmp_path / "packed"))


@pytest.mark.parametrize("keep", [0, 1, 2, 5, 10, 15, 40, -1, -8, -20])
def test_a_truncated_gzip_is_cut_short_in_one_sentence(tmp_path, keep):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(encode(np.random.default_rng(0).integers(0, 256, (30, 4, 5), np.uint8)))[:keep])
    with pytest.raises(DataError, match=r"a.gz: .*Get the file again") as caught:
        read_idx(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_gzip_says_how_much_was_expected_and_received(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(encode(np.random.default_rng(0).integers(0, 256, (900, 4, 5), np.uint8)))[:9000])
    with pytest.raises(CutShortError, match=r"cut short, expected 18,016 bytes decompressed, received [\d,]+"):
        read_idx(path)


def test_a_truncated_plain_file_is_refused(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(encode(IMAGES)[:-1])
    with pytest.raises(CutShortError, match=r"expected 616 bytes .* received a file of 615 bytes"):
        read_idx(path)


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "a.gz").touch()
    with pytest.raises(CutShortError, match=r"a.gz: expected an IDX file, received an empty one"):
        read_idx(tmp_path / "a.gz")


@pytest.mark.parametrize("body", [HTML, b"\n <html></html>", gzip.compress(HTML, mtime=0), b"<?xml version='1.0'?>"])
def test_a_web_page_named_gz_is_recognised(tmp_path, body):
    (tmp_path / "a.gz").write_bytes(body)
    with pytest.raises(DataError, match=r"a.gz: expected an IDX file, received a web page \(HTML\)"):
        read_idx(tmp_path / "a.gz")


def test_a_damaged_gzip_is_told_by_its_checksum(tmp_path):
    packed = bytearray(gzip.compress(encode(IMAGES)))
    packed[-6] ^= 1
    (tmp_path / "a.gz").write_bytes(packed)
    with pytest.raises(DataError, match=r"a.gz: the gzip file is damaged"):
        read_idx(tmp_path / "a.gz")


def test_a_file_that_goes_on_too_long_is_refused(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(encode(IMAGES) + b"more"))
    with pytest.raises(DataError, match="expected 616 bytes decompressed, received more"):
        read_idx(tmp_path / "a.gz")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_impossible_size_is_refused_before_memory_is_allocated(tmp_path, monkeypatch, pack):
    (tmp_path / "a").write_bytes(pack(b"\0\0\x08\x01" + struct.pack(">I", 4_000_000_000) + bytes(100)))
    monkeypatch.setattr(files.np, "empty", None)
    with pytest.raises(DataError, match=r"expected 4,000,000,008 bytes .* which cannot hold them"):
        read_idx(tmp_path / "a")


def test_a_gzip_bomb_is_read_no_further_than_the_expected_size(tmp_path, monkeypatch):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 20_000_000) + bytes(20_000_000)))
    monkeypatch.setattr(files.np, "empty", None)
    with pytest.raises(DataError, match="expected 616 bytes decompressed, received a header for 20,000,008"):
        read_raw(tmp_path / "a.gz", expected_bytes=616)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"expected a readable file, received 'Is a directory'. A folder stands where"):
        read_idx(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere.gz: expected a readable file, received 'No such file"):
        read_idx(tmp_path / "nowhere.gz")


def test_an_unreadable_file_is_named_with_the_remedy(tmp_path, monkeypatch):
    def refuse(self, *arguments):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"a.gz: expected a readable file, received 'Permission denied'. Give yourself"):
        read_idx(tmp_path / "a.gz")


def test_too_little_memory_is_named(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise MemoryError("Unable to allocate 30 GiB")

    write_idx(tmp_path / "a", IMAGES)
    monkeypatch.setattr(files.np, "empty", refuse)
    with pytest.raises(DataError, match=r"more memory than there is .*30 GiB"):
        read_idx(tmp_path / "a")


def test_a_full_disk_is_named_with_the_remedy():
    with (
        pytest.raises(UnwritableError, match=r"a.npy: could not be written, .*No space.* Free 200 MB"),
        writing("a.npy"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


SMALL_ARRAYS = st.sampled_from(list(TYPES.values())).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=8))
)
FAULTS = {  # (whole file, position, noise): the broken file
    "flip": lambda whole, at, noise: whole[:at] + bytes([whole[at] ^ (1 << len(noise) % 8)]) + whole[at + 1 :],
    "overwrite": lambda whole, at, noise: whole[:at] + noise + whole[at + len(noise) :],
    "cut": lambda whole, at, noise: whole[:at],
    "gap": lambda whole, at, noise: whole[:at] + whole[at + len(noise) :],
    "insert": lambda whole, at, noise: whole[:at] + noise + whole[at:],
    "append": lambda whole, at, noise: whole + noise,
    "swap": lambda whole, at, noise: whole[at:] + whole[:at],
}
corruptions = given(
    array=SMALL_ARRAYS,
    pack=st.sampled_from([bytes, gzip.compress]),
    fault=st.sampled_from(list(FAULTS)),
    where=st.floats(0, 1, exclude_max=True),
    noise=st.binary(min_size=1, max_size=12),
)


def check_corruption(array, pack, fault, where, noise):
    """Either one clear error, or exactly the array that the bytes on disk say."""
    whole = pack(encode(array))
    broken = FAULTS[fault](whole, int(where * len(whole)), noise)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.gz")
        path.write_bytes(broken)
        try:
            received = read_idx(path)
        except DataError:
            return
    assert encode(received) == (broken if pack is bytes else encode(array))


@settings(max_examples=200, deadline=None)
@corruptions
def test_a_corrupted_file_is_refused_or_read_as_its_bytes_say(array, pack, fault, where, noise):
    check_corruption(array, pack, fault, where, noise)


@pytest.mark.soak
@settings(max_examples=2000, deadline=None)
@corruptions
def test_2000_corrupted_files_are_refused_or_read_as_their_bytes_say(array, pack, fault, where, noise):
    check_corruption(array, pack, fault, where, noise)
