"""Contenders in turns, each run a fresh process; medians and spreads."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.errors import FittingRoomError
from fittingroom.speed.contenders import JOBS, WHOLE_BARS, WHOLE_OURS
from fittingroom.speed.lineup import epoch_contenders, whole_contenders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fittingroom.speed.lineup import Contender, Places


MEGABYTE = 1_000_000


def race_table(job: str, results: Mapping[str, Result]) -> str:
    """Return one job's results as Markdown.

    Args:
        job: a key of `JOBS`.
        results: by contender; "ours" among them.
    """
    ours = results["ours"]
    rows = [
        f"| {name} | {result.median:.3f} | {min(result.seconds):.3f} to {max(result.seconds):.3f} "
        f"| {len(result.seconds)} | {ours.median / result.median:.2f} |"
        for name, result in results.items()
    ]
    bars = [
        (f"epoch / {bar.rival}", bar.at_most, ours.median / results[bar.rival].median)
        for bar in JOBS[job].bars
        if bar.rival in results
    ]
    head = "| contender | median s an epoch | from, to | epochs | ours / it |\n| --- | --- | --- | --- | --- |\n"
    return f"### {job}\n\n{head}" + "\n".join(rows) + "\n\n" + _bars(bars)


def whole_table(results: Mapping[str, Result]) -> str:
    """Return what whole processes took, as Markdown.

    Args:
        results: by contender; `WHOLE_OURS` among them.
    """
    ours = results[WHOLE_OURS]
    rows = [
        f"| {name} | {result.median:.2f} | {min(result.seconds):.2f} to {max(result.seconds):.2f} "
        f"| {result.median_peak / MEGABYTE:.0f} | {len(result.seconds)} | {ours.median / result.median:.2f} "
        f"| {ours.median_peak / result.median_peak:.2f} |"
        for name, result in results.items()
    ]
    bars = [
        (f"{bar.what} / {bar.rival}", bar.at_most, _ratio(bar.what, ours, results[bar.rival]))
        for bar in WHOLE_BARS
        if bar.rival in results
    ]
    head = (
        "| process | median s | from, to | peak MB | processes | train / it, time | train / it, memory |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return "### The walk-through as a whole, from a cold process\n\n" + head + "\n".join(rows) + "\n\n" + _bars(bars)


def _ratio(what: str, ours: Result, rival: Result) -> float:
    return ours.median_peak / rival.median_peak if what == "peak memory" else ours.median / rival.median


def _bars(bars: Iterable[tuple[str, float, float]]) -> str:
    head = "| bar | at most | reached | |\n| --- | --- | --- | --- |\n"
    rows = [
        f"| {what} | {at_most:.2f} | {ratio:.2f} | {'holds' if ratio <= at_most else '**missed**'} |"
        for what, at_most, ratio in bars
    ]
    return head + "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Result:
    """What one contender took.

    Attributes:
        contender: its name.
        seconds: of each epoch after a process's first, or of each whole process.
        peak_bytes: of each whole process; empty where epochs are timed.
    """

    contender: str
    seconds: tuple[float, ...]
    peak_bytes: tuple[int, ...] = ()

    @property
    def median(self) -> float:
        """Median seconds."""
        return statistics.median(self.seconds)

    @property
    def median_peak(self) -> float:
        """Median of the peaks, in bytes."""
        return float(statistics.median(self.peak_bytes))


def race(job: str, rounds: int, places: Places, log: Callable[[str], None]) -> dict[str, Result]:
    """Let every contender train the job's network, in turns.

    A process's first epoch, in which some trace or compile, is left out.

    Args:
        job: a key of `JOBS`.
        rounds: how often each has its turn.
        places: where peers and environments are.
        log: takes a line a turn.

    Raises:
        FittingRoomError: a contender failed; its last line is in the message.
    """
    seconds: dict[str, list[float]] = {}
    for turn, contender in _turns(epoch_contenders(job, places), rounds):
        taken = seconds.setdefault(contender.name, [])
        taken += _answer(contender, contender.command)[1:]
        log(f"{job}, round {turn}/{rounds}: {contender.name} {statistics.median(taken):.3f} s an epoch")
    return {name: Result(name, tuple(values)) for name, values in seconds.items()}


def race_whole(rounds: int, places: Places, log: Callable[[str], None]) -> dict[str, Result]:
    """Let every contender do the walk-through as a whole, from a cold process, in turns.

    Args:
        rounds: how often each has its turn.
        places: where scripts and environments are.
        log: takes a line a turn.

    Raises:
        FittingRoomError: a contender failed; its last line is in the message.
    """
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "runs"
        for turn, contender in _turns(whole_contenders(places, out), rounds):
            answer = _answer(contender, [sys.executable, "-m", "fittingroom.speed.process", *contender.command])
            shutil.rmtree(out, ignore_errors=True)
            seconds.setdefault(contender.name, []).append(answer["seconds"])
            peaks.setdefault(contender.name, []).append(answer["peak_bytes"])
            log(f"whole, round {turn}/{rounds}: {contender.name} {answer['seconds']:.2f} s")
    return {name: Result(name, tuple(seconds[name]), tuple(peaks[name])) for name in seconds}


def _turns(contenders: Sequence[Contender], rounds: int) -> list[tuple[int, Contender]]:
    """Return who runs when: a round after the other, in each everyone who still has turns."""
    return [
        (turn, contender)
        for turn in range(1, rounds + 1)
        for contender in contenders
        if contender.turns is None or turn <= contender.turns
    ]


def _answer(contender: Contender, command: Sequence[str]) -> Any:
    environment: Mapping[str, str] = contender.environment
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        raise FittingRoomError(f"Contender '{contender.name}' failed with exit code {done.returncode}: {last}")
    return json.loads(done.stdout.splitlines()[-1])
