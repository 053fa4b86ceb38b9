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
from fittingroom.data.cache import alone, cache_folder, recall, recall_all, store
from fittingroom.data.download import UnreachableError, download
from fittingroom.data.files import UnwritableError
from fittingroom.data.places import Place, candidates, foreign_places
from fittingroom.data.verified import read_verified
from fittingroom.errors import DataError, DataNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from fittingroom.data.cache import Kept
    from fittingroom.data.catalog import KnownDataset, KnownFile
    from fittingroom.data.progress import Say

OFFLINE_VARIABLE = "FITTINGROOM_OFFLINE"


class Errand(NamedTuple):
    """What a source is asked for.

    Attributes:
        known: the dataset.
        missing: the files that nobody gave yet.
        folder: of the dataset in the cache.
        work: an empty folder on the cache's disk, removed at the end.
        say: told of each step.
        fault: told why something was not taken; it is said, and kept for the last message.
    """

    known: KnownDataset
    missing: tuple[KnownFile, ...]
    folder: Path
    work: Path
    say: Say
    fault: Say


class Given(NamedTuple):
    """A verified file.

    Attributes:
        file: which one.
        array: what it holds.
        source: where it came from, in words.
    """

    file: KnownFile
    array: Array
    source: str


Source: TypeAlias = Callable[[Errand], Iterator[Given]]


def is_offline() -> bool:
    """Whether ``FITTINGROOM_OFFLINE`` is set, to anything but nothing or 0."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def fill_cache(known: KnownDataset, say: Say) -> tuple[Kept, ...]:
    """Bring every file of a dataset into our cache, from the first source that has it, and return them from there.

    Args:
        known: the dataset.
        say: told of each step.

    Raises:
        DataNotFoundError: no source has all the files; the message says where to put them by hand.
        DataError: the cache cannot be written.
    """
    folder = cache_folder(known.name)
    faults: list[str] = []

    def fault(line: str) -> None:
        faults.append(line)
        say(line)

    with alone(folder, say) as work:
        missing = {file.name: file for file in known.files if recall(folder, file) is None}
        for source in SOURCES:
            if missing:
                for given in source(Errand(known, tuple(missing.values()), folder, work, say, fault)):
                    _keep(folder, given, say)
                    del missing[given.file.name]
        kept = recall_all(known)
    if kept is None:
        raise DataNotFoundError(_not_found(known, tuple(missing), folder, faults))
    return kept


def keep(known: KnownDataset, arrays: Sequence[Array], source: str, say: Say) -> None:
    """Put a dataset's verified arrays into our cache.

    Args:
        known: the dataset.
        arrays: in the order of its files, verified.
        source: where they came from, in words.
        say: told when another process has to be waited for.

    Raises:
        DataError: the cache cannot be written.
    """
    folder = cache_folder(known.name)
    with alone(folder, say):
        for file, array in zip(known.files, arrays, strict=True):
            store(folder, file, array, source)


def _keep(folder: Path, given: Given, say: Say) -> None:
    store(folder, given.file, given.array, given.source)
    if given.source != _by_hand(folder).words:  # the cache's own folder was asked first, so what lies there is bad
        for bad in candidates(folder, given.file.name):
            say(f"Replacing {bad}.")
            bad.unlink()


def _by_hand(folder: Path) -> Place:
    return Place(f"the folder {folder}, where it was put by hand", folder)


def from_disk(errand: Errand) -> Iterator[Given]:
    """Yield what lies in the cache's folder by hand, or was put on this disk by other libraries.

    Args:
        errand: what is asked for.
    """
    yield from _from_places((_by_hand(errand.folder), *foreign_places(errand.known)), errand)


def from_mirrors(errand: Errand) -> Iterator[Given]:
    """Yield what the https mirrors have; one that cannot be reached is left at once, for all files.

    Args:
        errand: what is asked for.
    """
    missing = list(errand.missing)
    for mirror in () if is_offline() else errand.known.mirrors:
        try:
            for file in tuple(missing):
                array = _from_mirror(mirror, file, errand)
                if array is not None:
                    missing.remove(file)
                    yield Given(file, array, mirror)
        except UnreachableError as error:
            errand.fault(f"{error} Leaving {mirror}")


def _from_mirror(mirror: str, file: KnownFile, errand: Errand) -> Array | None:
    name = f"{file.name}.gz"
    try:
        check = partial(read_verified, file=file, where=mirror + name)
        return download(mirror + name, errand.work / name, check, file.size_bytes, errand.say)
    except (UnreachableError, UnwritableError):
        raise
    except DataError as error:
        errand.fault(str(error))
        return None


def from_debian(errand: Errand) -> Iterator[Given]:
    """Yield what Debian's own package holds, where there is one and this is a Debian-like system.

    Args:
        errand: what is asked for.
    """
    package = errand.known.debian
    if package is None or is_offline():
        return
    if not debian.is_possible():
        errand.fault("No apt-get and dpkg-deb on this machine, so Debian's package cannot be had.")
        return
    try:
        root = debian.unpack(package.name, errand.work, errand.say)
    except UnwritableError:
        raise
    except DataError as error:
        errand.fault(str(error))
        return
    yield from _from_places((Place(f"Debian's package {package.name}", root / package.folder),), errand)


def _from_places(places: tuple[Place, ...], errand: Errand) -> Iterator[Given]:
    missing = list(errand.missing)
    for place in places:
        for file in tuple(missing):
            array = _from_place(place, file, errand)
            if array is not None:
                missing.remove(file)
                yield Given(file, array, place.words)


def _from_place(place: Place, file: KnownFile, errand: Errand) -> Array | None:
    try:
        for path in candidates(place.folder, file.name):
            try:
                array = read_verified(path, file)
            except DataError as error:
                errand.fault(f"Not taken: {error}")
            else:
                errand.say(f"Taking {path.name} from {place.words}.")
                return array
    except DataError as error:
        errand.fault(f"Not searched: {error}")
    return None


def _not_found(known: KnownDataset, missing: tuple[str, ...], folder: Path, faults: list[str]) -> str:
    names = ", ".join(f"{name}.gz" for name in missing)
    offline = f" {OFFLINE_VARIABLE} is set, so the network was not asked." if is_offline() else ""
    return (
        f"{known.title}: no source has {names}.{offline} Put {'them' if len(missing) > 1 else 'it'}, gzipped or not, "
        f"into {folder} and try again." + (f" What was tried: {' '.join(faults)}" if faults else "")
    )


SOURCES: tuple[Source, ...] = (from_disk, from_mirrors, from_debian)
