"""`fittingroom bench`: measure speed on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fittingroom.cli.options import Quiet
from fittingroom.cli.output import emit, speaker


def speed(
    *,
    rounds: Annotated[int, Parameter(help="Turns of each contender.")] = 5,
    peers: Annotated[Path, Parameter(help="Folder with peer scripts, peer_NAME.py.")] = Path("benchmarks"),
    quiet: Quiet = False,
) -> None:
    """Measure an epoch of this trainer beside model.fit, a plain PyTorch loop and the matrix products alone.

    The contenders take turns, each in a process of its own; the table gives medians, spread and ratios.
    """
    from fittingroom.backend import choose_device
    from fittingroom.environment import versions
    from fittingroom.speed.jobs import JOBS
    from fittingroom.speed.race import find_peers, race
    from fittingroom.speed.table import race_table

    device, numbers = choose_device(), versions()
    say = speaker(quiet)
    emit(f"{device.title}, {device.threads} threads; torch {numbers['torch']}, keras {numbers['keras']}\n")
    for job in JOBS:
        emit(race_table(job, race(job, rounds, find_peers(peers), say)))
