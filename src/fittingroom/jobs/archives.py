"""A folder as bytes and back, where workers share no disk: an archive of plain files, whole or not at all."""

from __future__ import annotations

import io
import os
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from fittingroom.errors import RunError
from fittingroom.files import PARTIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTES = 4 << 30  # the most that an archive may unpack to: 4 GiB


def pack(folder: Path) -> bytes:
    """Return a folder's plain files as a ZIP archive; links, and files that are being written, are left out.

    Args:
        folder: that is there.
    """
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _plain_files(folder):
            archive.write(path, path.relative_to(folder).as_posix())
    return held.getvalue()


def _plain_files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            if not name.startswith(PARTIAL) and stat.S_ISREG(path.lstat().st_mode):
                yield path


def unpack(content: bytes, folder: Path) -> None:
    """Put an archive in the place of a folder, whole or not at all.

    Args:
        content: of an archive, as `pack` makes it.
        folder: to be replaced where it is there.

    Raises:
        RunError: it is no such archive, or one that would write outside the folder.
        OSError: the disk is full or the folder cannot be written; what was there is as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(mkdtemp(prefix=PARTIAL, dir=folder.parent))
    try:
        new = place / "new"
        new.mkdir()
        _extract(content, new)
        if folder.exists():
            folder.rename(place / "old")
        new.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _extract(content: bytes, folder: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(_leads_outside(member) for member in members) or sum(each.file_size for each in members) > BYTES:
                raise RunError(
                    f"{folder}: expected an archive of a folder's plain files; this one is none. It is left."
                )
            archive.extractall(folder)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise RunError(f"{folder}: expected an archive of a folder, cannot read it: {error}.") from None


def _leads_outside(member: zipfile.ZipInfo) -> bool:
    path, kind = PurePosixPath(member.filename), stat.S_IFMT(member.external_attr >> 16)
    is_plain = kind in (0, stat.S_IFREG)
    return not is_plain or path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename
