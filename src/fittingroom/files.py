"""Files: written whole or not at all, and read with a limit and a check, since a run folder may come from anybody.

Writers raise `OSError` as the system does, with the name of the file that was asked for. Readers raise the kind of
error that the caller names, in one sentence: what was expected, what is there.
"""

from __future__ import annotations

import json
import math
import os
import stat
import sys
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.errors import DataError, FittingRoomError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from numpy.typing import NDArray

    Fields = Mapping[str, str]
    Raises = type[FittingRoomError]

PARTIAL = ".partial-"  # begins the name of a file that is being written; a killed process may leave one
TEXT_BYTES = 64 << 20  # the largest text that is read: 64 MiB
ARRAYS_BYTES = 2 << 30  # the largest file of arrays, and the most that its arrays may take: 2 GiB
ARRAYS = 1000  # in one archive
FLUSHABLE: Literal["rb", "r+b"] = "r+b" if os.name == "nt" else "rb"  # Windows flushes only what may be written
DEEPEST = 100  # objects and lists inside each other, in JSON


def atomic_write(path: Path, content: bytes | str | Callable[[Path], object]) -> None:
    """Write a file whole or not at all: under another name beside it, flushed to disk, then renamed; mode 0644.

    Args:
        path: of the file; its folder exists. A link in its place is replaced, not followed.
        content: bytes, text to be written in UTF-8, or a function that writes the file at the path it is given, which
            has the same ending.

    Raises:
        OSError: the disk is full or the folder cannot be written. What was there is as it was, and nothing is left.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL, suffix=path.suffix)
        temporary = Path(name)
        os.close(handle)
        temporary.chmod(0o644)  # before it is written: a function may choose another
        if callable(content):
            content(temporary)
        else:
            temporary.write_bytes(_encoded(content) if isinstance(content, str) else content)
        with temporary.open(FLUSHABLE) as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is not None:  # of a name that is gone by now
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def at_home(path: str | Path) -> Path:
    """Return a path with ``~`` as the user's home; as it stands, where this user has none and so nothing lies there."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no HOME, and a user whom the system does not know, as in many containers
        return Path(path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object as JSON to be read by people too, whole or not at all.

    Raises:
        OSError: as `atomic_write`.
    """
    atomic_write(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def append_json_line(path: Path, value: Mapping[str, Any]) -> None:
    """Add an object as one line of JSON; the file is made where there is none.

    A last line that a kill or a full disk cut short is taken away first, as `read_json_lines` passes over it: it would
    swallow this one.

    Raises:
        OSError: the file cannot be written, or is a pipe, a folder or a device.
    """
    line = _encoded(json.dumps(value, ensure_ascii=False) + "\n")
    found = file_kind(path)
    if found not in ("a file", "no such file"):
        raise OSError(None, f"expected a file to write into, found {found}", str(path))
    with path.open("a+b") as file:
        _end_last_line(file)
        file.write(line)


def mend_last_line(path: Path) -> None:
    """Take away a last line of JSON that a kill or a full disk cut short, before something else adds lines.

    Args:
        path: of a file of JSON lines; nothing is done where there is none.

    Raises:
        OSError: the file cannot be written.
    """
    if file_kind(path) == "a file":
        with path.open("a+b") as file:
            _end_last_line(file)


def _end_last_line(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    start = max(0, size - TEXT_BYTES)
    file.seek(start)
    tail = file.read()
    last = tail.rfind(b"\n") + 1
    if _is_torn(tail[last:]):
        file.truncate(start + last)
    else:
        file.write(b"\n")


def _is_torn(line: bytes) -> bool:
    """Say whether a line without an end is the beginning of an object, and not a whole one or something else."""
    return line.startswith(b"{") and _parsed(line) is None


def _encoded(text: str) -> bytes:
    """Return text in UTF-8; bytes of a file's name that are no text become an escape, which in JSON stands for them."""
    return text.encode("utf-8", "backslashreplace")


def read_bytes(path: Path, limit: int = TEXT_BYTES, raises: Raises = DataError) -> bytes:
    """Return what is in a file; a pipe is not waited for, and no more is read than the limit.

    Args:
        path: of the file.
        limit: the most bytes that it may have.
        raises: the kind of error.

    Raises:
        FittingRoomError: of that kind: no file, one that cannot be read, or a larger one.
    """
    found = file_kind(path)
    if found != "a file":
        raise raises(f"{path}: expected a file, found {found}.")
    try:
        with path.open("rb") as file:
            is_larger = os.fstat(file.fileno()).st_size > limit
            content = b"" if is_larger else file.read(limit + 1)  # a size may be wrong: in /proc it is 0
    except OSError as error:
        raise raises(f"{path}: expected a file that can be read, received: {error.strerror}.") from error
    if is_larger or len(content) > limit:
        raise raises(f"{path}: expected at most {limit / 1e6:,.0f} MB, found more.")
    return content


def file_kind(path: Path) -> str:
    """Return in words what is at a path, which is not opened: "a file", "a folder", "a pipe", "no such file"."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "no such file"
    except (OSError, ValueError) as error:  # a locked folder on the way, links in a circle, a NUL in the name
        return f"what cannot be reached ({getattr(error, 'strerror', None) or error})"
    kinds = {stat.S_ISREG: "a file", stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((words for is_kind, words in kinds.items() if is_kind(mode)), "a device")


def check_sizes(folder: Path, limits: Mapping[str, int], raises: Raises = DataError) -> None:
    """Raise where a file that is to be read is none, or too large; those that are not there are left out.

    Args:
        folder: of the files.
        limits: bytes by name; of an ``.npz`` file they hold for what it unpacks into, too.
        raises: the kind of error.

    Raises:
        FittingRoomError: of that kind: names the file.
    """
    for name, limit in limits.items():
        path = folder / name
        found = file_kind(path)
        if found == "no such file":
            continue
        if found != "a file":
            raise raises(f"{path}: expected a file, found {found}.")
        size = path.stat().st_size
        if size > limit:
            raise raises(f"{path}: expected at most {limit / 1e6:,.0f} MB, found {size / 1e6:,.0f} MB.")
        if path.suffix == ".npz":
            array_names(path, raises, limit)


def read_text(path: Path, limit: int = TEXT_BYTES, raises: Raises = DataError) -> str:
    """Return a file of text in UTF-8.

    Raises:
        FittingRoomError: of the kind asked for: as `read_bytes`, or other bytes.
    """
    content = read_bytes(path, limit, raises)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise raises(f"{path}: expected text in UTF-8, byte {error.start:,} is none.") from error


def read_toml(path: Path, fields: Fields | None = None, raises: Raises = DataError) -> dict[str, Any]:
    """Return the values of a TOML file.

    Args:
        path: of the file.
        fields: what must be there, as in `checked_fields`.
        raises: the kind of error.

    Raises:
        FittingRoomError: of that kind: as `read_text`, or the text is not TOML, or a field does not fit.
    """
    text = read_text(path, raises=raises)
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise raises(f"{path}: expected TOML, received: {_in_words(error)}.") from error
    return checked_fields(values, fields or {}, str(path), raises)


def read_json(path: Path, fields: Fields | None = None, raises: Raises = DataError) -> dict[str, Any]:
    """Return the object in a JSON file.

    Args:
        path: of the file.
        fields: what must be there, as in `checked_fields`.
        raises: the kind of error.

    Raises:
        FittingRoomError: of that kind: as `read_bytes`, or the content is no JSON object, or a field does not fit.
    """
    return parse_object(read_bytes(path, raises=raises), fields or {}, str(path), raises)


def read_json_lines(
    path: Path, fields: Fields | None = None, raises: Raises = DataError, after: int = 0
) -> list[dict[str, Any]]:
    """Return the objects of a file with one a line, in order; none where there is no file.

    The last line is passed over where it is cut short, as a kill or a full disk leaves it; so is an empty line.

    Args:
        path: of the file.
        fields: what must be in each, as in `checked_fields`.
        raises: the kind of error.
        after: how many lines to leave out from the beginning.

    Raises:
        FittingRoomError: of that kind: as `read_bytes`, or a line is no JSON object or a field of it does not fit.
    """
    if file_kind(path) == "no such file":
        return []
    lines = read_bytes(path, raises=raises).split(b"\n")  # a line of JSON may hold other ends of lines within its texts
    if _is_torn(lines[-1]):
        lines.pop()
    return [
        parse_object(line, fields or {}, f"{path}, line {number}", raises)
        for number, line in enumerate(lines, 1)
        if number > after and line.strip()
    ]


def parse_object(
    text: bytes | str, fields: Fields, where: str, raises: Raises = DataError, *, all_numbers: bool = False
) -> dict[str, Any]:
    """Return the object that a JSON text is.

    Args:
        text: of the object.
        fields: what must be in it, as in `checked_fields`.
        where: it comes from, for the message.
        raises: the kind of error.
        all_numbers: read NaN and Infinity too, which Python writes and JSON has not, instead of null in their place.

    Raises:
        FittingRoomError: of that kind.

    Example:
        >>> parse_object('{"n": 3, "loss": NaN}', {"n": "int"}, "a.json")
        {'n': 3, 'loss': None}
        >>> parse_object("[]", {}, "a.json")
        Traceback (most recent call last):
        fittingroom.errors.DataError: a.json: expected a JSON object, found a list.
    """
    try:
        value = json.loads(text) if all_numbers else json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise raises(f"{where}: expected a JSON object, received: {_in_words(error)}.") from error
    if not isinstance(value, dict):
        raise raises(f"{where}: expected a JSON object, found {_WORDS.get(type(value), 'a number')}.")
    if _is_deep(value):
        raise raises(f"{where}: expected a JSON object, found one with more than {DEEPEST} values inside each other.")
    return checked_fields(value, fields, where, raises)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


_WORDS: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null", dict: "an object"}


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _in_words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "too many values inside each other"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start:,} is no UTF-8"
    return str(error).rstrip(".")[:200]


def _is_deep(value: Any) -> bool:
    """Say whether objects and lists lie too deep in each other to be written again, without going down oneself."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inside: list[Iterable[Any]] = [each.values() if isinstance(each, dict) else each for each in level]
        level = [each for values in inside for each in values if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _each(value: Any, fits: Callable[[Any], bool], count: int | None = None) -> bool:
    return isinstance(value, list) and count in (None, len(value)) and all(map(fits, value))


KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {  # of a field: in words, and whether a value is one
    "int": ("a whole number", _is_whole),
    "float": ("a number", _is_number),
    "str": ("a text", _is_text),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "dict": ("an object", lambda value: isinstance(value, dict)),
    "list": ("a list", lambda value: isinstance(value, list)),
    "list[str]": ("a list of texts", lambda value: _each(value, _is_text)),
    "tuple[float, ...]": ("a list of numbers", lambda value: _each(value, _is_number)),
    "tuple[float, float]": ("two numbers", lambda value: _each(value, _is_number, 2)),
    "tuple[int, int]": ("two whole numbers", lambda value: _each(value, _is_whole, 2)),
}


def checked_fields(value: dict[str, Any], fields: Fields, where: str, raises: Raises = DataError) -> dict[str, Any]:
    """Return an object whose fields are of the kinds that they must be.

    Args:
        value: an object of JSON or TOML.
        fields: a kind of `KINDS` for each name, as an annotation has it; with ``| None`` it may be null or missing.
        where: it comes from, for the message.
        raises: the kind of error.

    Raises:
        FittingRoomError: of that kind: names the first field that does not fit.

    Example:
        >>> checked_fields({"n": "3"}, {"n": "int"}, "a.json")
        Traceback (most recent call last):
        fittingroom.errors.DataError: a.json: expected a JSON object with 'n' as a whole number, found '3' there.
    """
    for name, kind in fields.items():
        words, fits = KINDS[kind.removesuffix(" | None")]
        found = value.get(name)
        if (found is None and kind.endswith(" | None")) or fits(found):
            continue
        what = _WORDS[type(found)] if isinstance(found, list | dict) else repr(found)[:60]
        what = "nothing" if found is None else what
        raise raises(f"{where}: expected a JSON object with '{name}' as {words}, found {what} there.")
    return value


def array_names(path: Path, raises: Raises = DataError, limit: int | None = None) -> Sequence[str]:
    """Return the names of the arrays in an ``.npz`` file; only its table of contents is read.

    Args:
        path: of the file.
        raises: the kind of error.
        limit: the most bytes that its arrays may take; None for ``ARRAYS_BYTES``.

    Raises:
        FittingRoomError: of the kind asked for: no such file, not NumPy's, or larger than what is read.
    """
    import zipfile

    _check_arrays_file(path, raises)
    try:
        with path.open("rb") as file:
            _check_contents_size(file)
            with zipfile.ZipFile(file) as archive:
                inside = archive.infolist()
    except Exception as error:  # zipfile raises many kinds
        raise raises(f"{path}: expected arrays that NumPy wrote, as .npz; this is not.") from error
    most = ARRAYS_BYTES if limit is None else limit
    if len(inside) > ARRAYS or sum(each.file_size for each in inside) > most:
        raise raises(f"{path}: expected at most {most / 1e6:,.0f} MB of arrays, it claims to hold more.")
    return [each.filename.removesuffix(".npy") for each in inside]


def read_arrays(path: Path, raises: Raises = DataError) -> dict[str, NDArray[Any]] | NDArray[Any]:
    """Return the arrays of an ``.npz`` file by name, or the array of an ``.npy`` file; never Python objects.

    Args:
        path: of the file; its content tells which it is.
        raises: the kind of error.

    Raises:
        FittingRoomError: of that kind: no such file, not NumPy's, damaged, or larger than what is read.
    """
    import numpy as np

    _check_arrays_file(path, raises)
    try:
        with path.open("rb") as file:  # np.load would leave a damaged file open
            is_archive = file.read(2) == b"PK"
            file.seek(0)
            if is_archive:
                array_names(path, raises)
            loaded: Any = np.load(file, allow_pickle=False)
            return {name: np.asarray(loaded[name]) for name in loaded.files} if is_archive else np.asarray(loaded)
    except FittingRoomError:
        raise
    except Exception as error:  # NumPy raises many kinds for what is damaged: ValueError, MemoryError, TokenError ...
        raise raises(f"{path}: expected arrays that NumPy wrote, without Python objects; this is not.") from error


def _check_arrays_file(path: Path, raises: Raises) -> None:
    found = file_kind(path)
    if found == "a file" and path.stat().st_size > ARRAYS_BYTES:
        found = f"one of {path.stat().st_size / 1e6:,.0f} MB, which is more than {ARRAYS_BYTES / 1e6:,.0f}"
    if found != "a file":
        raise raises(f"{path}: expected a file of arrays, found {found}.")


def _check_contents_size(file: BinaryIO) -> None:
    """Raise where an archive's table of contents, which is read whole, is not as small as NumPy writes it."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 42))
    tail = file.read()
    record = tail[-22:]  # signature, the table's size at 12, a comment's length at 20; a 64-bit record stands before
    size = int.from_bytes(record[12:16], "little")
    if record[:4] != b"PK\x05\x06" or any(record[20:]) or tail[:4] == b"PK\x06\x07" or size > 1 << 20:
        raise ValueError("no archive of NumPy's")
    file.seek(0)


@contextmanager
def held_alone(lock: Path, doing: str) -> Iterator[None]:
    """Hold a folder's lock file for as long as the block lasts, or the process lives; then it is removed.

    Args:
        lock: the file, in the folder that is held.
        doing: what another process is at that holds it already, for the `RunError`.
    """
    import filelock

    try:
        held = filelock.FileLock(lock).acquire(timeout=0)
    except filelock.Timeout:
        raise RunError(f"{lock.parent}: another process is {doing}. Wait for it, or stop it.") from None
    try:
        with held:
            yield
    finally:
        lock.unlink(missing_ok=True)
