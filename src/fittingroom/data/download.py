"""One file over https: time-outs, three tries, progress, and an end to a server that sends too much.

The transfer is `pooch.HTTPDownloader`'s, certificates are always checked. What arrives lies in a working folder
until it is verified.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fittingroom.data.idx import CutShortError, writing
from fittingroom.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

    from fittingroom.arrays import Array
    from fittingroom.progress import Log

CHUNK_BYTES = 1 << 16
SLACK_BYTES = 1 << 20


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to ask.

    Attributes:
        connect_seconds: for the connection.
        read_seconds: between two pieces of the answer.
        tries: for one file at one mirror.
        pause_seconds: before the second try; twice as long before the third.
        progress_seconds: between two lines of progress.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 20.0
    tries: int = 3
    pause_seconds: float = 1.0
    progress_seconds: float = 3.0


PATIENCE = Patience()


class UnreachableError(DataError):
    """A mirror that is not worth asking for anything else."""


def download(url: str, path: Path, check: Callable[[Path], Array], max_bytes: int, log: Log) -> Array:
    """Fetch a file and return what the check makes of it.

    Args:
        url: of the file.
        path: where it is written, in a working folder; it is gone afterwards.
        check: returns the verified array in the file, or raises `DataError`.
        max_bytes: more than this is not taken.
        log: told of each try and of progress.

    Raises:
        UnreachableError: the server cannot be reached, or never finishes an answer: leave it at once.
        UnwritableError: the working folder cannot be written.
        DataError: this file is not to be had from there.
    """
    for attempt in range(1, PATIENCE.tries):
        try:
            return _attempt(url, path, check, max_bytes, log)
        except (CutShortError, _BrokenOffError) as error:
            log(f"  {error} (try {attempt} of {PATIENCE.tries})")
            time.sleep(attempt * PATIENCE.pause_seconds)
    try:
        return _attempt(url, path, check, max_bytes, log)
    except (CutShortError, _BrokenOffError) as error:
        raise UnreachableError(f"{error} (try {PATIENCE.tries} of {PATIENCE.tries})") from error


class _BrokenOffError(DataError):
    """A transfer that broke off, and may work the next time."""


def _attempt(url: str, path: Path, check: Callable[[Path], Array], max_bytes: int, log: Log) -> Array:
    log(f"Fetching {url}")
    try:
        with writing(path):
            _transfer(url, path, max_bytes, log)
        return check(path)
    finally:
        path.unlink(missing_ok=True)


def _transfer(url: str, path: Path, max_bytes: int, log: Log) -> None:
    import pooch
    import requests

    with ExitStack() as answers:

        def close_at_the_end(answer: requests.Response, **_: object) -> None:
            answers.callback(answer.close)  # pooch leaves it open where the transfer fails

        downloader = pooch.HTTPDownloader(
            progressbar=_Progress(url, path, max_bytes + SLACK_BYTES, log),
            chunk_size=CHUNK_BYTES,
            timeout=(PATIENCE.connect_seconds, PATIENCE.read_seconds),
            hooks={"response": close_at_the_end},
        )
        try:
            downloader(url, str(path), None)
        except requests.RequestException as error:
            raise _translate(error, url) from error


def _translate(error: requests.RequestException, url: str) -> DataError:
    """Sort a fault of the transfer: leave the mirror, leave this file, or try again."""
    import requests
    from urllib3.exceptions import MaxRetryError

    host = url.split("/")[2]
    if isinstance(error, requests.exceptions.SSLError):
        return UnreachableError(
            f"{host}: its certificate could not be verified. Behind a proxy, set REQUESTS_CA_BUNDLE to the proxy's "
            "certificate file; verification stays on."
        )
    if isinstance(error.args[0] if error.args else None, MaxRetryError):
        return UnreachableError(f"{host} cannot be reached ({_reason(error)}).")
    if error.response is None:
        return _BrokenOffError(f"{url}: the transfer broke off ({_reason(error)}).")
    status = error.response.status_code
    kind = _BrokenOffError if status >= 500 else DataError
    return kind(f"{url}: expected the file, received the answer {status}.")


def _reason(error: Exception) -> str:
    inner = error.args[0] if error.args else error
    return type(getattr(inner, "reason", None) or inner).__name__


class _Progress:
    """What pooch takes for a progress bar: one line now and then, and a limit."""

    total = 0

    def __init__(self, url: str, path: Path, max_bytes: int, log: Log) -> None:
        self._url, self._path, self._max_bytes, self._log = url, path, max_bytes, log
        self._next = time.monotonic() + PATIENCE.progress_seconds

    def update(self, _count: int) -> None:
        """Look at the file; pooch's own count takes every piece for a full one."""
        received = self._path.stat().st_size
        if received > self._max_bytes:
            raise DataError(f"{self._url}: expected at most {self._max_bytes:,} bytes, received more.")
        if time.monotonic() >= self._next:
            of = f" of {self.total / 1e6:.0f}" if self.total else ""
            self._log(f"  {received / 1e6:.0f}{of} MB")
            self._next = time.monotonic() + PATIENCE.progress_seconds

    def reset(self) -> None:
        """Be called by pooch at the end, before a last `update`."""

    def close(self) -> None:
        """Be called by pooch last."""
