"""Snapshots: the weights on the way through a training, small, to be looked at afterwards and never gone on from.

They are taken before the first step, after steps 1, 2, 4, 8 and so on, and after the last: a network changes most at
its beginning, and so their number grows with the logarithm of a training's length. Matrices and kernels are kept in
half precision. What is kept is what would be kept of the training if it ended there: the average, where the recipe
asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fittingroom.errors import RunError, TrainingError
from fittingroom.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

FOLDER = "snapshots"  # in a run's
FORMAT = "fittingroom/snapshot/1"
MOST_BYTES = 512 << 20  # of one that is read


def is_due(step: int) -> bool:
    """Say whether there is to be a snapshot after a step, counted from 1; 0 is before the first.

    Example:
        >>> [step for step in range(20) if is_due(step)]
        [0, 1, 2, 4, 8, 16]
    """
    return step & (step - 1) == 0 if step else True


def write_snapshot(run: Path, step: int, epoch: float, weights: Sequence[Tensor]) -> None:
    """Keep the weights after a step; one of the same step is replaced.

    Args:
        run: its folder; the snapshots' is made in it.
        step: how many steps have been taken.
        epoch: how many epochs these are, with a fraction.
        weights: parameters and then buffers, living ones, on any device.

    Raises:
        TrainingError: the disk is full or the folder cannot be written.
    """
    from safetensors.torch import save

    kept = {f"{number:04d}": _small(weight) for number, weight in enumerate(weights)}
    content = save(kept, metadata={"format": FORMAT, "step": str(step), "epoch": f"{epoch:.6g}"})
    folder = run / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        atomic_write(folder / f"step-{step:08d}.safetensors", content)
    except OSError as error:
        raise TrainingError(
            f"{folder}: the snapshot of the weights cannot be written: {error.strerror}. Make room and go on with "
            "--resume, or train anew without --snapshots."
        ) from error


def _small(weight: Tensor) -> Tensor:
    """Return a copy on the processor, in half precision but for vectors and counts, which are small already."""
    copy = weight.detach().cpu().contiguous().clone()
    return copy.half() if copy.ndim > 1 and copy.is_floating_point() else copy


def snapshot_files(run: Path) -> list[Path]:
    """Return the files of a run's snapshots, the earliest first; none where it has none.

    Args:
        run: its folder.
    """
    return sorted((run / FOLDER).glob("step-*.safetensors"))


def read_snapshot(path: Path) -> tuple[int, float, list[Tensor]]:
    """Read a snapshot.

    Returns:
        How many steps had been taken, how many epochs these are, and the weights in their order.

    Raises:
        RunError: it is not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > MOST_BYTES:
            raise RunError(f"{path}: expected a snapshot of at most 512 MiB, found a larger file.")
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            weights = [file.get_tensor(name) for name in sorted(file.keys())]
        if facts.get("format") != FORMAT:
            raise RunError(f"{path}: expected format {FORMAT}, found {facts.get('format')}.")
        return int(facts["step"]), float(facts["epoch"]), weights
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise RunError(f"{path}: expected a snapshot of a run's weights, cannot read it: {error}.") from None


def weights_at(model: Any, image_shape: tuple[int, int], pixels: str) -> list[Tensor]:
    """Return the living weights of a network, in the order in which snapshots keep them.

    Args:
        model: as it is trained, without a front.
        image_shape: ``(h, w)``.
        pixels: of the recipe.
    """
    from fittingroom.training.step import adapt

    functional = adapt(model, image_shape, pixels=pixels)
    return [*functional.parameters, *functional.buffers]


def replayed(places: Sequence[Tensor], files: Sequence[Path]) -> Iterator[tuple[int, float]]:
    """Put each snapshot's weights into a network in turn, and yield its step and its epoch.

    Args:
        places: the network's weights, from `weights_at`; they are as they were after the last.
        files: from `snapshot_files`.

    Raises:
        RunError: a snapshot is of another network, or cannot be read.
    """
    own = [place.detach().clone() for place in places]
    try:
        for path in files:
            step, epoch, weights = read_snapshot(path)
            if [weight.shape for weight in weights] != [place.shape for place in places]:
                raise RunError(f"{path}: this snapshot is of another network than the run's.")
            _put(places, weights)
            yield step, epoch
    finally:
        _put(places, own)


def _put(places: Sequence[Tensor], weights: Sequence[Tensor]) -> None:
    import torch

    with torch.no_grad():
        for place, weight in zip(places, weights, strict=True):
            place.copy_(weight)
