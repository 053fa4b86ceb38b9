from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fittingroom.data.catalog import DATASETS
from fittingroom.data.idx import encode
from fittingroom.data.verified import read_verified
from fittingroom.errors import DataError
from helpers import tiny_dataset

FILE = tiny_dataset.TINY.files[0]
RAW = encode(tiny_dataset.ARRAYS[0])


@pytest.mark.parametrize("level", [1, 9])
def test_a_file_is_taken_by_its_decompressed_bytes_however_it_is_compressed(tmp_path, level):
    (tmp_path / "a").write_bytes(gzip.compress(RAW, level))
    np.testing.assert_array_equal(read_verified(tmp_path / "a", FILE), tiny_dataset.ARRAYS[0])


@given(position=st.integers(0, 8 * len(RAW) - 1), gzipped=st.booleans())
def test_any_flipped_bit_is_caught(tmp_path_factory, position, gzipped):
    broken = bytearray(RAW)
    broken[position // 8] ^= 1 << position % 8
    path = tmp_path_factory.mktemp("flip") / "a"
    path.write_bytes(gzip.compress(broken) if gzipped else broken)
    with pytest.raises(DataError, match="a: "):
        read_verified(path, FILE)


def test_another_known_file_is_recognised_by_its_hash_and_named(tiny, tmp_path):
    folder = tiny_dataset.write_files(tmp_path / "other", tiny_dataset.OTHER_ARRAYS)
    path = folder / "train-images-idx3-ubyte.gz"
    with pytest.raises(DataError, match=r"expected train-images.* of Tiny .* received train-images.* of Other \(by"):
        read_verified(path, tiny.files[0])


def test_unknown_bytes_are_told_by_their_hash(tiny, tmp_path):
    folder = tiny_dataset.write_files(tmp_path / "x", tiny_dataset.make_arrays(seed=7))
    with pytest.raises(DataError, match=r"received other bytes \(SHA-256 [0-9a-f]{16}\.\.\.\)"):
        read_verified(folder / "train-images-idx3-ubyte.gz", tiny.files[0])


def test_the_original_digits_are_refused_where_fashion_mnist_is_expected(real_mnist):
    path = real_mnist / "t10k-images-idx3-ubyte.gz"
    with pytest.raises(DataError, match=r"expected .* of Fashion-MNIST .* received .* of MNIST \(by its SHA-256\)"):
        read_verified(path, DATASETS["fashion-mnist"].files[2])
