"""`fittingroom bench`: measure speed on this machine."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter

from fittingroom.cli.options import Quiet
from fittingroom.cli.output import emit, log_unless


def speed(
    *,
    rounds: Annotated[int, Parameter(help="Turns of each contender.")] = 3,
    peers: Annotated[Path, Parameter(help="Folder with peer scripts, peer_NAME.py.")] = Path("benchmarks"),
    environments: Annotated[Path, Parameter(help="Folder that `make bench-peers` made.")] = Path(".peers"),
    quiet: Quiet = False,
) -> None:
    """Measure an epoch of this trainer beside its rivals, and the walk-through as a whole beside plain Keras scripts.

    The contenders take turns, each in a process of its own; the tables give medians, spread and ratios. Those on JAX
    and TensorFlow take part where `make bench-peers` has made their environments.
    """
    from fittingroom.backend import choose_device
    from fittingroom.environment import versions
    from fittingroom.speed.jobs import JOBS
    from fittingroom.speed.keras_home import fill
    from fittingroom.speed.lineup import Places, versions_elsewhere
    from fittingroom.speed.race import race, race_whole
    from fittingroom.speed.table import race_table, whole_table

    log = log_unless(quiet)
    with TemporaryDirectory() as folder:
        places = Places(peers, environments, fill(Path(folder)))
        device, numbers = choose_device(), versions(("torch", "keras")) | versions_elsewhere(places)
        made_with = ", ".join(f"{package} {number}" for package, number in numbers.items())
        emit(f"# Speed: this trainer beside its rivals\n\n{device.title}, {device.threads} threads; {made_with}\n")
        for job in JOBS:
            emit(race_table(job, race(job, rounds, places, log)))
        emit(whole_table(race_whole(rounds, places, log)))
