from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fittingroom.data.idx import TYPES, decode, encode, encode_header, header_length, parse_header
from fittingroom.errors import DataError

DTYPES = st.sampled_from([dtype.newbyteorder(order) for dtype in TYPES.values() for order in "<>"])
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6))
)


@given(array=ARRAYS)
def test_any_array_survives_the_round_trip_in_any_dtype_and_shape(array):
    back = decode(encode(array))
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()
    assert back.flags.writeable


@given(array=ARRAYS)
def test_decoding_and_encoding_gives_the_same_bytes(array):
    raw = encode(array)
    assert encode(decode(raw)) == raw


@given(array=ARRAYS, cut=st.integers(1, 8))
def test_a_file_that_is_too_short_or_too_long_is_refused(array, cut):
    raw = encode(array)
    with pytest.raises(DataError, match="expected"):
        decode(raw[:-cut])
    with pytest.raises(DataError, match=f"received {len(raw) + cut:,}"):
        decode(raw + bytes(cut))


@given(head=st.binary(min_size=4, max_size=300))
def test_random_bytes_never_crash_the_header_and_never_mean_two_things(head):
    try:
        header = parse_header(head)
    except DataError:
        return
    assert encode_header(header.dtype, header.shape) == head[: header.header_bytes]


def test_a_wrong_magic_names_what_was_expected_and_what_came():
    with pytest.raises(DataError, match=r"cat.idx: expected IDX magic 0x0000TTRR .* received 0x01020803"):
        header_length(bytes([1, 2, 8, 3]), "cat.idx")


def test_a_gzip_magic_asks_whether_the_file_is_still_gzipped():
    with pytest.raises(DataError, match=r"received 0x1f8b0800\. Is the file still gzipped"):
        header_length(bytes([0x1F, 0x8B, 8, 0]))


def test_a_zip_archive_is_named():
    with pytest.raises(DataError, match="zip archive"):
        header_length(b"PK\x03\x04")


@pytest.mark.parametrize("code", [0x00, 0x07, 0x0A, 0x0F, 0xFF])
def test_an_unknown_type_code_is_refused(code):
    with pytest.raises(DataError, match="expected IDX magic"):
        header_length(bytes([0, 0, code, 1]))


def test_as_many_axes_as_an_array_can_have_are_read():
    head = bytes([0, 0, 8, 64]) + bytes([0, 0, 0, 1]) * 64
    assert decode(head + b"\x07").shape == (1,) * 64


def test_more_axes_than_an_array_can_have_are_refused():
    with pytest.raises(DataError, match="expected IDX magic"):
        header_length(bytes([0, 0, 8, 65]))


def test_a_header_that_is_cut_short_is_refused():
    with pytest.raises(DataError, match="expected a header of 16 bytes, received 9"):
        parse_header(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0]))


@pytest.mark.parametrize("first", [b"\xff" * 4, b"\0" * 4])
def test_an_impossible_size_is_refused_even_beside_an_empty_axis(first):
    with pytest.raises(DataError, match="impossible shape"):
        parse_header(bytes([0, 0, 8, 4]) + first + b"\xff" * 12)


def test_a_size_that_only_the_bytes_of_an_item_make_impossible_is_refused():
    sizes = (1 << 31).to_bytes(4, "big") * 2
    with pytest.raises(DataError, match="impossible shape"):
        parse_header(bytes([0, 0, 0x0E, 2]) + sizes)
    assert parse_header(bytes([0, 0, 0x08, 2]) + sizes).shape == (1 << 31, 1 << 31)


def test_the_result_is_in_this_machines_byte_order():
    assert decode(bytes([0, 0, 0x0B, 1, 0, 0, 0, 1, 1, 2])).tolist() == [0x0102]


def test_uint8_is_not_copied():
    raw = np.frombuffer(bytearray(encode(np.arange(5, dtype=np.uint8))), np.uint8)
    assert np.shares_memory(decode(raw), raw)


@pytest.mark.parametrize("dtype", ["uint16", "int64", "bool", "complex64", "float16"])
def test_a_dtype_without_a_code_is_refused_with_those_that_have_one(dtype):
    with pytest.raises(DataError, match=f"IDX holds uint8, int8, int16, int32, float32, float64; received {dtype}"):
        encode(np.zeros(2, dtype))


def test_a_size_beyond_32_bits_is_refused():
    with pytest.raises(DataError, match=r"below 2\^32"):
        encode_header(np.dtype("uint8"), (2**32, 0))


@settings(max_examples=10)
@given(array=ARRAYS)
def test_the_header_knows_the_length_of_the_whole_file(array):
    raw = encode(array)
    assert parse_header(raw).total_bytes == len(raw)
