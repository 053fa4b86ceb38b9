"""One training in several processes, the ranks that ``torchrun`` starts: shares of a batch, sums, one voice.

Every rank holds the whole model and sees the same order of images. Of each batch it computes its share; the gradients
are summed by one all-reduce a step and divided by the batch, so that every rank makes the same update. The first rank
alone writes, looks at the held-out images and prints. What is sent is PyTorch's business (`torch.distributed`): gloo on
processors, NCCL on GPUs.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from fittingroom.backend import package_digest, versions
from fittingroom.errors import FittingRoomError, TrainingError, UsageError
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import torch
    from torch import Tensor

T = TypeVar("T")

SECONDS_VARIABLE = "FITTINGROOM_RANK_SECONDS"
USUAL_SECONDS = 1800  # that a rank waits for another, PyTorch's own default: the first may look at many images
SPOKEN = "fittingroom/spoken"
HEARD_SECONDS = 5  # that the keeper of the store waits for the others to have heard
EXAMPLE = "torchrun --nproc-per-node 2 -m fittingroom train"
SAME = "Give every rank the same data, code and versions."


class NotReachedError(UsageError):
    """A rank has not found the others."""


class ToldByFirst(TrainingError):  # noqa: N818  (it is told already)
    """What all ranks have found together, on those that leave the telling to the first."""


def standing() -> tuple[int, int]:
    """Return this process's rank, counted from 0, and how many there are; ``(0, 1)`` where nothing started ranks.

    Raises:
        UsageError: the variables that ``torchrun`` sets are there and make no sense.
    """
    texts = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if None in texts:
        return 0, 1
    rank, size = (int(text) if text and text.isdecimal() else -1 for text in texts)
    if not 0 <= rank < size:
        raise UsageError(
            f"Expected RANK from 0 and WORLD_SIZE above it, as torchrun sets them, received {texts[0]!r} and "
            f"{texts[1]!r}. Start it with {EXAMPLE}, or unset both."
        )
    return rank, size


def is_first() -> bool:
    """Say whether this process is the one that writes and prints: the first rank, or the only process."""
    return standing()[0] == 0


def refuse_ranks(what: str) -> None:
    """Raise where several ranks were started for what one process does.

    Args:
        what: is done, for the message.

    Raises:
        UsageError: there are several.
    """
    size = standing()[1]
    if size > 1:
        raise UsageError(
            f"Expected one process for {what}, received {size} ranks of torchrun: they are for one training. Run it "
            "without torchrun."
        )


class Ranks:
    """This process among those of one training.

    Args:
        rank: counted from 0.
        size: how many ranks there are.
        store: through which they have found each other; None where the user's own script has seen to that.

    Attributes:
        rank: this one's.
        size: how many there are.
    """

    def __init__(self, rank: int, size: int, store: Any = None) -> None:
        self.rank, self.size, self._store = rank, size, store

    @property
    def is_first(self) -> bool:
        """Whether this rank writes, looks and prints."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Return which of a batch's images are this rank's: shares differ by one at most, and may be empty.

        Args:
            count: images in the batch.

        Example:
            >>> [Ranks(rank, 3).share(8) for rank in range(3)]
            [slice(0, 2, None), slice(2, 5, None), slice(5, 8, None)]
        """
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def share_sizes(self, count: int) -> set[int]:
        """Return how large the ranks' shares of a batch are.

        Args:
            count: images in the batch.
        """
        return {count * (rank + 1) // self.size - count * rank // self.size for rank in range(self.size)}

    def own_labels(self, labels: Tensor, batch_size: int) -> Tensor:
        """Return, of labels in the order of an epoch, those of this rank's shares.

        Args:
            labels: ``(n,)``, from the beginning of a batch on.
            batch_size: of all ranks together.
        """
        import torch

        parts = labels.split(batch_size)  # type: ignore[no-untyped-call]
        return torch.cat([part[self.share(len(part))] for part in parts])

    def sum_gradients(self, gradients: Tensor, part: int, whole: int) -> None:
        """Make of the ranks' mean gradients that of the whole batch, in place: the one all-reduce of a step.

        Args:
            gradients: float ``(p,)``, of the mean loss over this rank's share.
            part: images in this rank's share; where it is 0, the gradients are taken for zeros.
            whole: images in the batch.
        """
        import torch.distributed as dist

        if part:
            gradients.mul_(part / whole)
        else:
            gradients.zero_()
        with self._in_touch():
            dist.all_reduce(gradients)

    def totals(self, *numbers: float) -> list[float]:
        """Return sums over the ranks, in float64.

        Args:
            numbers: this rank's.
        """
        import torch
        import torch.distributed as dist

        sums = torch.tensor(numbers, dtype=torch.float64)
        with self._in_touch():
            dist.all_reduce(sums)
        return [float(number) for number in sums]

    def any(self, flag: bool) -> bool:
        """Say whether any rank says yes."""
        return self.totals(float(flag))[0] > 0

    def gathered(self, value: T) -> list[T]:
        """Return what every rank has, in their order.

        Args:
            value: this rank's: plain values.
        """
        import torch.distributed as dist

        values: list[Any] = [None] * self.size
        with self._in_touch():
            dist.all_gather_object(values, value)
        return values

    def from_first(self, work: Callable[[], T]) -> T:
        """Do work on the first rank alone, and return on all what came of it.

        Args:
            work: what it gives or raises of our own errors, all ranks get.

        Raises:
            FittingRoomError: as the work raises it on the first rank.
        """
        import torch.distributed as dist

        told: list[Any] = [None, None]
        failed: FittingRoomError | None = None
        if self.is_first:
            try:
                told[0] = work()
            except FittingRoomError as error:
                failed = error
                told[1] = (type(error), str(error))
        with self._in_touch():
            dist.broadcast_object_list(told)
        if failed is not None:
            raise failed
        if told[1] is not None:
            kind, words = told[1]
            raise kind(words)
        result: T = told[0]
        return result

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Give every rank the first one's values, in place."""
        import torch.distributed as dist

        for tensor in tensors:
            with self._in_touch():
                if tensor.is_contiguous():
                    dist.broadcast(tensor, 0)
                else:
                    whole = tensor.contiguous()
                    dist.broadcast(whole, 0)
                    tensor.copy_(whole)

    def average(self, buffers: Iterable[Tensor]) -> None:
        """Give every rank the mean of all, in place: of batch normalisation's moving averages, which each has its own.

        Whole numbers, such as how many batches were seen, are the first rank's.
        """
        import torch.distributed as dist

        for buffer in buffers:
            if not buffer.is_floating_point():
                self.spread([buffer])
                continue
            with self._in_touch():
                whole = buffer.contiguous().clone()
                dist.all_reduce(whole)
                buffer.copy_(whole.div_(self.size))

    def agree(self, facts: Mapping[str, Any]) -> None:
        """See, before the first step, that all ranks are about to do the same.

        Args:
            facts: plain values by what they are called in the message; see also `facts_here`.

        Raises:
            UsageError: two ranks differ; which, and in what, the first one tells.
        """
        found = self.gathered(dict(facts))
        for name, value in found[0].items():
            for rank, theirs in enumerate(found):
                if theirs.get(name) != value:
                    raise self.agreed(
                        UsageError(
                            f"Expected every rank with the same {name}, found {_short(value)} on rank 0 and "
                            f"{_short(theirs.get(name))} on rank {rank} of {self.size}. {SAME}"
                        )
                    )

    def agreed(self, error: FittingRoomError) -> FittingRoomError:
        """Return an error that every rank raises at the same place, as this one is to raise it: the first one tells."""
        if self.is_first:
            return error
        told = ToldByFirst(str(error))
        told.exit_code = error.exit_code
        return told

    def seed_own_layers(self, seed: int, epoch: int) -> None:
        """Let layers such as dropout draw other numbers on every rank but the first, which goes on with its own.

        Args:
            seed: of the training.
            epoch: counted from 1.
        """
        import numpy as np
        import torch

        if not self.is_first:
            word = np.random.SeedSequence([seed, epoch, self.rank]).generate_state(1)
            torch.manual_seed(int(word[0]))

    def use_device(self, device: torch.device) -> None:
        """Have each rank of a machine train on a GPU of its own.

        Raises:
            UsageError: there are fewer GPUs than ranks on this machine.
        """
        import torch

        if device.type == "cpu":
            return
        here = int(os.environ.get("LOCAL_WORLD_SIZE", self.size))
        count = torch.cuda.device_count() if device.type == "cuda" else 1
        if count < here:
            raise UsageError(
                f"Expected a GPU for each of {counted(here, 'rank')} of this machine, found {count}. Start "
                f"--nproc-per-node {count}, or train on the processor with --device cpu."
            )
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", self.rank)))

    @contextmanager
    def _in_touch(self) -> Iterator[None]:
        """Say in a sentence that another rank is gone: its process has ended, or its machine does not answer."""
        from fittingroom.training.heap import ran_out

        try:
            yield
        except RuntimeError as error:
            if ran_out(error):
                raise
            raise TrainingError(
                f"Rank {self.rank} of {self.size} (counted from 0) has lost another one: its process was killed, or "
                "its machine does not answer. The last checkpoint is kept: train --resume RUN goes on, with any number "
                "of ranks."
            ) from error

    def may_speak(self) -> bool:
        """Say whether this rank is the first to tell of an error: one sentence is enough."""
        if self._store is None:
            return self.is_first
        number = _within(HEARD_SECONDS, lambda: self._store.add(SPOKEN, 1))
        return number in (None, 1)  # without an answer its keeper is gone: better said twice than never

    def leave(self) -> None:
        """End the ties to the others; where this process keeps the store, after they have heard that one has spoken."""
        import torch.distributed as dist

        _within(HEARD_SECONDS, dist.destroy_process_group)  # the others may be gone
        is_keeper = self.is_first and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
        with suppress(Exception):
            spoken = self._store.add(SPOKEN, 0) if is_keeper else 0
            for _ in range(HEARD_SECONDS * 20):
                if not 0 < spoken < self.size:
                    break
                time.sleep(0.05)
                spoken = self._store.add(SPOKEN, 0)


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what a call gives; None where it fails or takes longer, as one to a machine that is gone does."""
    found: list[Any] = []

    def carry_out() -> None:
        with suppress(Exception):
            found.append(work())

    thread = threading.Thread(target=carry_out, daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None


def facts_here() -> dict[str, Any]:
    """Return what must be the same where every rank runs: the package's source, and versions."""
    known = versions(("fittingroom", "torch", "keras", "numpy"))
    return {"source of fittingroom": package_digest(), **{f"version of {name}": one for name, one in known.items()}}


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


_joined: list[Ranks] = []  # at most one: a process is in one training at a time


def join() -> Ranks | None:
    """Find the other ranks, and return this one's place among them; None where this is the only process.

    Raises:
        UsageError: ``torchrun``'s variables make no sense, or the others do not come.
    """
    rank, size = standing()
    if size == 1:
        return None
    if not _joined:
        _joined.append(_connected(rank, size))
    return _joined[0]


def may_speak(error: BaseException) -> bool:
    """Say whether this process is to print an error: always, unless another rank tells of it.

    Args:
        error: that ends this process.
    """
    if isinstance(error, ToldByFirst):
        return False
    return not _joined or _joined[0].may_speak()


def has_joined() -> bool:
    """Say whether this process has found the other ranks."""
    return bool(_joined)


def _connected(rank: int, size: int) -> Ranks:
    import torch
    import torch.distributed as dist

    if not dist.is_available():
        raise UsageError("Expected a PyTorch with torch.distributed for several ranks, found one without.")
    if dist.is_initialized():
        return Ranks(dist.get_rank(), dist.get_world_size())
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        raise UsageError(f"Expected {' and '.join(missing)} beside RANK and WORLD_SIZE. Start it with {EXAMPLE}.")
    has_nccl = torch.cuda.is_available() and dist.is_nccl_available()
    limit = timedelta(seconds=_seconds())
    try:
        store, _, _ = next(dist.rendezvous("env://", timeout=limit))  # type: ignore[attr-defined]
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if has_nccl else "gloo", store=store, rank=rank, world_size=size, timeout=limit
        )
    except (RuntimeError, OSError, ValueError) as error:
        raise NotReachedError(
            f"Rank {rank} of {size} expected the others at {os.environ['MASTER_ADDR']} port "
            f"{os.environ['MASTER_PORT']}, and could not reach them: {str(error).splitlines()[0][:200]}. Is each of "
            f"the {counted(size, 'rank')} started, and may its machine be reached?"
        ) from error
    ranks = Ranks(rank, size, store)
    atexit.register(ranks.leave)
    return ranks


def _seconds() -> float:
    text = os.environ.get(SECONDS_VARIABLE, str(USUAL_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e7:
        raise UsageError(f"{SECONDS_VARIABLE}: expected a number of seconds, received {text!r}.")
    return seconds
