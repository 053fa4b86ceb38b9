"""Contenders in turns, each run a fresh process; medians, spreads and ratios."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fittingroom.errors import FittingRoomError
from fittingroom.speed.contenders import CONTENDERS
from fittingroom.speed.jobs import JOBS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

EPOCHS = 4  # of which the first, with its tracing and warming up, is left out


@dataclass(frozen=True)
class Result:
    """One contender's epochs on one job.

    Attributes:
        contender: its name.
        seconds: of each epoch after the first, over all rounds.
        processes: how many processes they come from.
    """

    contender: str
    seconds: tuple[float, ...]
    processes: int

    @property
    def median(self) -> float:
        """Median seconds of an epoch."""
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        """Fastest epoch, in seconds."""
        return min(self.seconds)


def find_peers(folder: Path) -> dict[str, Path]:
    """Return the peer scripts in a folder, ``peer_NAME.py``, by name with dashes; none where it is missing."""
    return {path.stem.removeprefix("peer_").replace("_", "-"): path for path in sorted(folder.glob("peer_*.py"))}


def race(job: str, rounds: int, peers: Mapping[str, Path], say: Callable[[str], None]) -> dict[str, Result]:
    """Let every contender train the job's network, in turns.

    Args:
        job: a key of `JOBS`.
        rounds: how often each has its turn.
        peers: scripts outside the package, by name: ``python SCRIPT JOB EPOCHS`` prints seconds as a JSON list.
        say: takes a line a turn.

    Raises:
        FittingRoomError: a contender failed; its last line is in the message.
    """
    commands: dict[str, list[str]] = {
        name: [sys.executable, "-m", "fittingroom.speed.contenders", name]
        for name in CONTENDERS
        if name in ("ours", *(bar.rival for bar in JOBS[job].bars))
    }
    commands |= {name: [sys.executable, str(path)] for name, path in peers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            seconds[name] += _turn([*command, job, str(EPOCHS)], name)[1:]
            say(f"{job}, round {turn + 1}/{rounds}: {name} {statistics.median(seconds[name]):.3f} s an epoch")
    return {name: Result(name, tuple(values), rounds) for name, values in seconds.items()}


def _turn(command: Sequence[str], name: str) -> list[float]:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"KERAS_BACKEND": "torch"}
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        raise FittingRoomError(f"Contender '{name}' failed with exit code {done.returncode}: {last}")
    values: list[float] = json.loads(done.stdout.splitlines()[-1])
    return values
