"""Files: whole or not at all, a torn last line forgiven, and one sentence for what is not what it should be."""

import errno
import io
import json
import os
import stat
import zipfile

import numpy as np
import pytest

from fittingroom import files
from fittingroom.errors import DataError, RunError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


CONTENTS = {
    "bytes": (b"new", b"new"),
    "text": ("neü\n", "neü\n".encode()),
    "a function": (lambda path: path.write_bytes(b"new"), b"new"),
    "a name that is no text": ("a\udcff", b"a\\udcff"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_file_is_written_whole_with_mode_0644_and_replaces_what_was_there(tmp_path, kind):
    given, expected = CONTENTS[kind]
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    path.chmod(0o600)
    files.atomic_write(path, given)
    assert path.read_bytes() == expected
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert names(tmp_path) == ["a.bin"]


def test_a_function_is_given_a_path_beside_the_file_with_its_ending(tmp_path):
    given = []
    files.atomic_write(tmp_path / "a.npz", lambda path: (given.append(path), np.savez(path, x=np.arange(3))))
    assert given[0].suffix == ".npz"
    assert given[0].parent == tmp_path
    assert np.load(tmp_path / "a.npz")["x"].tolist() == [0, 1, 2]


def half(path):
    path.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def interrupted(path):
    path.write_bytes(b"half")
    raise KeyboardInterrupt


@pytest.mark.parametrize(("write", "error"), [(half, OSError), (interrupted, KeyboardInterrupt)])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, write, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error):
        files.atomic_write(path, write)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("place", ["no-folder/a.txt", "taken"])
def test_the_error_names_the_file_that_was_asked_for_and_not_the_temporary_one(tmp_path, place):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory") as raised:
        files.atomic_write(tmp_path / place, "x")
    assert raised.value.filename == str(tmp_path / place)
    assert names(tmp_path) == ["taken"]


def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path):
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    files.atomic_write(tmp_path / "a", "new")
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert (tmp_path / "a").read_text() == "new"


def test_lines_come_back_in_order_whatever_ends_of_lines_their_texts_hold(tmp_path):
    lines = [{"a": "one\ntwo"}, {"a": "\u2028 \x85 \r"}, {"a": 3}]
    for line in lines:
        files.append_json_line(tmp_path / "a.jsonl", line)
    assert files.read_json_lines(tmp_path / "a.jsonl") == lines
    assert files.read_json_lines(tmp_path / "a.jsonl", after=2) == lines[2:]
    assert files.read_json_lines(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("cut", range(1, len('{"a": "ä", "b": [1.5]}'.encode())))
def test_a_line_cut_short_anywhere_is_passed_over_and_does_not_swallow_the_next(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n": 1}\n' + '{"a": "ä", "b": [1.5]}'.encode()[:cut])
    assert files.read_json_lines(path) == [{"n": 1}]
    files.append_json_line(path, {"n": 2})
    assert files.read_json_lines(path) == [{"n": 1}, {"n": 2}]


def test_a_whole_last_line_without_its_end_is_kept(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"n": 1}\n\n{"n": 2}')
    assert files.read_json_lines(path) == [{"n": 1}, {"n": 2}]
    files.append_json_line(path, {"n": 3})
    assert files.read_json_lines(path) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_half_line_that_is_not_the_last_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n{"n": \n{"n": 3}\n')
    with pytest.raises(RunError, match=r"a\.jsonl, line 2: expected a JSON object"):
        files.read_json_lines(tmp_path / "a.jsonl", raises=RunError)


def test_nothing_that_is_no_line_of_ours_is_taken_away(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"\xff\x00 not ours")
    files.append_json_line(tmp_path / "a.jsonl", {"n": 1})
    assert (tmp_path / "a.jsonl").read_bytes() == b'\xff\x00 not ours\n{"n": 1}\n'


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/full")])
def test_a_line_is_not_written_into_what_is_no_file(tmp_path, make):
    make(tmp_path / "a.jsonl")
    with pytest.raises(OSError, match="expected a file to write into, found a"):
        files.append_json_line(tmp_path / "a.jsonl", {"n": 1})


def sparse(path):
    with path.open("wb") as file:
        file.truncate(3 << 30)


PLACES = {
    "expected a file, found no such file": lambda path: None,
    "found a folder": os.mkdir,
    "found a pipe": os.mkfifo,
    "found a device": lambda path: path.symlink_to("/dev/zero"),
    "what cannot be reached": lambda path: path.symlink_to(path),
    "expected at most 67 MB, found more": sparse,
    "expected text in UTF-8, byte 1 is none": lambda path: path.write_bytes(b"a\xff"),
}


@pytest.mark.parametrize("words", PLACES)
def test_what_cannot_be_read_is_one_sentence_and_is_not_waited_for(tmp_path, words):
    path = tmp_path / "a.txt"
    PLACES[words](path)
    with pytest.raises(RunError, match=rf"a\.txt: .*{words}"):
        files.read_text(path, raises=RunError)


JSON = {
    "[]": "found a list",
    "3": "found a number",
    "null": "found null",
    "": "Expecting value",
    '{"n": 1} x': "Extra data",
    "[" * 200_000: "too many values inside each other",
    '{"n": ' + "[" * 150 + "]" * 150 + "}": "more than 100 values inside each other",
    '{"n": ' + "9" * 5000 + "}": "Exceeds the limit",
    '{"n": 1e999}': "'n' as a number, found nothing there",
    '{"n": true}': "'n' as a number, found True there",
    '{"n": [1]}': "'n' as a number, found a list there",
    '{"n": NaN}': "'n' as a number, found nothing there",
    "{}": "'n' as a number, found nothing there",
}


@pytest.mark.parametrize("text", JSON, ids=lambda text: text[:20])
def test_json_that_is_not_what_it_should_be_is_one_sentence(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=rf"a\.json: expected a JSON object.*{JSON[text]}"):
        files.read_json(tmp_path / "a.json", {"n": "float"})


FITTING = [
    ("int", 3, 3.0),
    ("int", -1, True),
    ("int", 2**62, 2**63),
    ("float", 3, "3"),
    ("float", 0.5, 10**400),
    ("str", "", 3),
    ("bool", False, 0),
    ("dict", {}, []),
    ("list", [], {}),
    ("list[str]", ["a"], ["a", 1]),
    ("tuple[float, ...]", [1, 2.5], [1, None]),
    ("tuple[float, float]", [0, 1], [0, 1, 2]),
    ("tuple[int, int]", [28, 28], [28, 28.5]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), FITTING)
def test_a_field_is_of_its_kind_and_may_be_missing_only_where_that_is_said(kind, good, bad):
    assert files.checked_fields({"x": good}, {"x": kind}, "here") == {"x": good}
    for wrong in ({"x": bad}, {"x": None}, {}):
        with pytest.raises(DataError, match="here: expected a JSON object with 'x' as"):
            files.checked_fields(wrong, {"x": kind}, "here")
    for missing in ({"x": None}, {}):
        assert files.checked_fields(missing, {"x": f"{kind} | None"}, "here") == missing


def test_every_kind_is_tested():
    assert {kind for kind, _, _ in FITTING} == set(files.KINDS)


def test_json_is_written_so_that_it_is_read_back_and_by_people_too(tmp_path):
    files.write_json(tmp_path / "a.json", {"n": "ü\udcff", "list": [1]})
    assert files.read_json(tmp_path / "a.json") == {"n": "ü\udcff", "list": [1]}
    assert "ü" in (tmp_path / "a.json").read_text("utf-8")


@pytest.mark.parametrize("text", ["a = ", "a = " + "[" * 100_000, "\x00"])
def test_toml_that_is_none_is_one_sentence(tmp_path, text):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(RunError, match=r"a\.toml: expected TOML"):
        files.read_toml(tmp_path / "a.toml", raises=RunError)


def test_arrays_come_back_by_name_and_one_alone_as_itself(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(3), name=np.array("y"))
    np.save(tmp_path / "b.npy", np.eye(2))
    read = files.read_arrays(tmp_path / "a.npz")
    assert read["x"].tolist() == [0, 1, 2]
    assert sorted(files.array_names(tmp_path / "a.npz")) == sorted(read) == ["name", "x"]
    assert files.read_arrays(tmp_path / "b.npy").tolist() == [[1, 0], [0, 1]]


def lying_header(path):
    with zipfile.ZipFile(path, "w") as archive:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**14,)})
        archive.writestr("x.npy", head.getvalue() + b"\0" * 80)


def with_comment(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"")
        archive.comment = b"a" * 100


def with_objects(path):
    np.savez(path, x=np.array([{}], object), allow_pickle=True)


def cut_short(path):
    np.savez(path, x=np.arange(1000))
    path.write_bytes(path.read_bytes()[:-30])


def flipped(path):
    np.savez_compressed(path, x=np.random.default_rng(0).random(1000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


NO_ARRAYS = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("{}"),
    "only the first bytes": lambda path: path.write_bytes(b"PK\x03\x04"),
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "enormous": sparse,
    "a header that lies": lying_header,
    "another tool's archive": with_comment,
    "Python objects": with_objects,
    "cut short": cut_short,
    "a byte turned over": flipped,
}


@pytest.mark.parametrize("name", NO_ARRAYS)
def test_what_is_no_file_of_arrays_is_one_sentence(tmp_path, name):
    path = tmp_path / "a.npz"
    NO_ARRAYS[name](path)
    with pytest.raises(RunError, match=r"a\.npz: expected (a file of )?arrays"):
        files.read_arrays(path, RunError)


def test_an_archive_that_would_unpack_to_more_than_the_limit_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1_000_000))
    monkeypatch.setattr(files, "ARRAYS_BYTES", 1_000_000)
    assert (tmp_path / "a.npz").stat().st_size < 1_000_000
    with pytest.raises(DataError, match="expected at most 1 MB of arrays, it claims to hold more"):
        files.read_arrays(tmp_path / "a.npz")


def test_an_objects_line_is_plain_json_that_other_tools_read(tmp_path):
    files.append_json_line(tmp_path / "a.jsonl", {"name": "Zoë"})
    assert json.loads((tmp_path / "a.jsonl").read_text("utf-8")) == {"name": "Zoë"}
