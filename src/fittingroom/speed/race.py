"""Contenders in turns, each run a fresh process; medians and spreads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from fittingroom.errors import FittingRoomError
from fittingroom.speed.contenders import JOBS, WHOLE_BARS, WHOLE_OURS, WHOLE_RIVAL
from fittingroom.speed.lineup import epoch_contenders, whole_contenders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fittingroom.speed.lineup import Contender, Places


MEGABYTE = 1_000_000


def race_table(job: str, seconds: Mapping[str, Sequence[float]]) -> str:
    """Return one job's results as Markdown.

    Args:
        job: a key of `JOBS`.
        seconds: of each epoch after a process's first, by contender; the job's own among them.
    """
    ours = median(seconds[JOBS[job].contender])
    rows = [
        f"| {name} | {median(taken):.3f} | {min(taken):.3f} to {max(taken):.3f} "
        f"| {len(taken)} | {ours / median(taken):.2f} |"
        for name, taken in seconds.items()
    ]
    bars = [
        (f"epoch / {rival}", at_most, ours / median(seconds[rival]))
        for rival, at_most in JOBS[job].bars.items()
        if rival in seconds
    ]
    head = "| contender | median s an epoch | from, to | epochs | ours / it |\n| --- | --- | --- | --- | --- |\n"
    return f"### {job}\n\n{head}" + "\n".join(rows) + "\n\n" + _bars(bars)


def whole_table(seconds: Mapping[str, Sequence[float]], peak_bytes: Mapping[str, Sequence[int]]) -> str:
    """Return what whole processes took, as Markdown.

    Args:
        seconds: of each process, by contender; `WHOLE_OURS` among them.
        peak_bytes: of memory, likewise.
    """
    time, peak = ({name: median(values) for name, values in each.items()} for each in (seconds, peak_bytes))
    ratios = {name: (time[WHOLE_OURS] / time[name], peak[WHOLE_OURS] / peak[name]) for name in seconds}
    rows = [
        f"| {name} | {time[name]:.2f} | {min(taken):.2f} to {max(taken):.2f} | {peak[name] / MEGABYTE:.0f} "
        f"| {len(taken)} | {ratios[name][0]:.2f} | {ratios[name][1]:.2f} |"
        for name, taken in seconds.items()
    ]
    reached = zip(WHOLE_BARS.items(), ratios.get(WHOLE_RIVAL, ()), strict=False)
    bars = [(f"{what} / {WHOLE_RIVAL}", at_most, ratio) for (what, at_most), ratio in reached]
    head = (
        "| process | median s | from, to | peak MB | processes | train / it, time | train / it, memory |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return "### The walk-through as a whole, from a cold process\n\n" + head + "\n".join(rows) + "\n\n" + _bars(bars)


def _bars(bars: Iterable[tuple[str, float, float]]) -> str:
    head = "| bar | at most | reached | |\n| --- | --- | --- | --- |\n"
    rows = [
        f"| {what} | {at_most:.2f} | {ratio:.2f} | {'holds' if ratio <= at_most else '**missed**'} |"
        for what, at_most, ratio in bars
    ]
    return head + "\n".join(rows) + "\n"


def race(job: str, rounds: int, places: Places, log: Callable[[str], None]) -> dict[str, list[float]]:
    """Let every contender train the job's network, in turns.

    A process's first epoch, in which some trace or compile, is left out.

    Args:
        job: a key of `JOBS`.
        rounds: how often each has its turn.
        places: where peers and environments are.
        log: takes a line a turn.

    Returns:
        The seconds of each epoch, by contender.

    Raises:
        FittingRoomError: a contender failed; its last line is in the message.
    """
    seconds: dict[str, list[float]] = {}
    for turn, contender in _turns(epoch_contenders(job, places), rounds):
        taken = seconds.setdefault(contender.name, [])
        taken += _answer(contender, contender.command)[1:]
        log(f"{job}, round {turn}/{rounds}: {contender.name} {median(taken):.3f} s an epoch")
    return seconds


def race_whole(
    rounds: int, places: Places, log: Callable[[str], None]
) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
    """Let every contender do the walk-through as a whole, from a cold process, in turns.

    Args:
        rounds: how often each has its turn.
        places: where scripts and environments are.
        log: takes a line a turn.

    Returns:
        The seconds and the peak of memory in bytes of each process, by contender.

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
    return seconds, peaks


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
