"""Where a known dataset is fetched from, in order; what is verified goes into our cache.

A source yields the files it can give; those that nobody gave yet are asked of the next. The order is `SOURCES`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import fittingroom.data.debian as debian  # not from the package, which imports this module
from fittingroom.arrays import Array
from fittingroom.data.cache import alone, cache_folder, read, read_all, store
from fittingroom.data.download import UnreachableError, download
from fittingroom.data.folder import Place, candidates, foreign_places
from fittingroom.data.idx import UnwritableError
from fittingroom.data.verified import read_verified
from fittingroom.errors import DataError, DataNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.data.cache import CachedFile
    from fittingroom.data.catalog import KnownDataset, KnownFile
    from fittingroom.progress import Log

OFFLINE_VARIABLE = "FITTINGROOM_OFFLINE"


class FetchRequest(NamedTuple):
    """What a source is asked for.

    Attributes:
        known: the dataset.
        missing: the files that nobody gave yet.
        folder: of the dataset in the cache.
        work: an empty folder on the cache's disk, removed at the end.
        log: told of each step.
        fault: told why something was not taken; it is said, and kept for the last message.
    """

    known: KnownDataset
    missing: tuple[KnownFile, ...]
    folder: Path
    work: Path
    log: Log
    fault: Log


class FetchedFile(NamedTuple):
    """A verified file.

    Attributes:
        file: which one.
        array: what it holds.
        source: where it came from, in words.
    """

    file: KnownFile
    array: Array
    source: str


Source: TypeAlias = Callable[[FetchRequest], Iterator[FetchedFile]]


def is_offline() -> bool:
    """Whether ``FITTINGROOM_OFFLINE`` is set, to anything but nothing or 0."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def fill_cache(known: KnownDataset, log: Log) -> tuple[CachedFile, ...]:
    """Bring every file of a dataset into our cache, from the first source that has it, and return them from there.

    Args:
        known: the dataset.
        log: told of each step.

    Raises:
        DataNotFoundError: no source has all the files; the message says where to put them by hand.
        DataError: the cache cannot be written.
    """
    folder = cache_folder(known.name)
    faults: list[str] = []

    def fault(line: str) -> None:
        faults.append(line)
        log(line)

    with alone(folder, log) as work:
        missing = {file.name: file for file in known.files if read(folder, file) is None}
        for source in SOURCES:
            if missing:
                for fetched in source(FetchRequest(known, tuple(missing.values()), folder, work, log, fault)):
                    _keep(folder, fetched, log)
                    del missing[fetched.file.name]
        kept = read_all(known)
    if kept is None:
        raise DataNotFoundError(_not_found(known, tuple(missing), folder, faults))
    return kept


def keep(known: KnownDataset, arrays: Sequence[Array], source: str, log: Log) -> None:
    """Put a dataset's verified arrays into our cache.

    Args:
        known: the dataset.
        arrays: in the order of its files, verified.
        source: where they came from, in words.
        log: told when another process has to be waited for.

    Raises:
        DataError: the cache cannot be written.
    """
    folder = cache_folder(known.name)
    with alone(folder, log):
        for file, array in zip(known.files, arrays, strict=True):
            store(folder, file, array, source)


def _keep(folder: Path, fetched: FetchedFile, log: Log) -> None:
    store(folder, fetched.file, fetched.array, fetched.source)
    if fetched.source != _by_hand(folder).words:  # the cache's own folder was asked first, so what lies there is bad
        for bad in candidates(folder, fetched.file.name):
            log(f"Replacing {bad}.")
            bad.unlink()


def _by_hand(folder: Path) -> Place:
    return Place(f"the folder {folder}, where it was put by hand", folder)


def from_disk(request: FetchRequest) -> Iterator[FetchedFile]:
    """Yield what lies in the cache's folder by hand, or was put on this disk by other libraries.

    Args:
        request: what is asked for.
    """
    yield from _from_places((_by_hand(request.folder), *foreign_places(request.known)), request)


def from_mirrors(request: FetchRequest) -> Iterator[FetchedFile]:
    """Yield what the https mirrors have; one that cannot be reached is left at once, for all files.

    Args:
        request: what is asked for.
    """
    missing = list(request.missing)
    for mirror in () if is_offline() else request.known.mirrors:
        try:
            for file in tuple(missing):
                array = _from_mirror(mirror, file, request)
                if array is not None:
                    missing.remove(file)
                    yield FetchedFile(file, array, mirror)
        except UnreachableError as error:
            request.fault(f"{error} Leaving {mirror}")


def _from_mirror(mirror: str, file: KnownFile, request: FetchRequest) -> Array | None:
    name = f"{file.name}.gz"
    try:
        check = partial(read_verified, file=file, where=mirror + name)
        return download(mirror + name, request.work / name, check, file.size_bytes, request.log)
    except (UnreachableError, UnwritableError):
        raise
    except DataError as error:
        request.fault(str(error))
        return None


def from_debian(request: FetchRequest) -> Iterator[FetchedFile]:
    """Yield what Debian's own package holds, where there is one and this is a Debian-like system.

    Args:
        request: what is asked for.
    """
    package = request.known.debian
    if package is None or is_offline():
        return
    if not debian.is_possible():
        request.fault("No apt-get and dpkg-deb on this machine, so Debian's package cannot be had.")
        return
    try:
        root = debian.unpack(package.name, request.work, request.log)
    except UnwritableError:
        raise
    except DataError as error:
        request.fault(str(error))
        return
    yield from _from_places((Place(f"Debian's package {package.name}", root / package.folder),), request)


def _from_places(places: tuple[Place, ...], request: FetchRequest) -> Iterator[FetchedFile]:
    missing = list(request.missing)
    for place in places:
        for file in tuple(missing):
            array = _from_place(place, file, request)
            if array is not None:
                missing.remove(file)
                yield FetchedFile(file, array, place.words)


def _from_place(place: Place, file: KnownFile, request: FetchRequest) -> Array | None:
    try:
        for path in candidates(place.folder, file.name):
            try:
                array = read_verified(path, file)
            except DataError as error:
                request.fault(f"Not taken: {error}")
            else:
                request.log(f"Taking {path.name} from {place.words}.")
                return array
    except DataError as error:
        request.fault(f"Not searched: {error}")
    return None


def _not_found(known: KnownDataset, missing: tuple[str, ...], folder: Path, faults: list[str]) -> str:
    names = ", ".join(f"{name}.gz" for name in missing)
    offline = f" {OFFLINE_VARIABLE} is set, so the network was not asked." if is_offline() else ""
    return (
        f"{known.title}: no source has {names}.{offline} Put {'them' if len(missing) > 1 else 'it'}, gzipped or not, "
        f"into {folder} and try again." + (f" What was tried: {' '.join(faults)}" if faults else "")
    )


SOURCES: tuple[Source, ...] = (from_disk, from_mirrors, from_debian)
