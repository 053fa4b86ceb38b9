"""What the steps of an epoch gave: losses and outputs, or their sums, from which loss and accuracy are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fittingroom.training.losses import predicted_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from fittingroom.training.ranks import Ranks


class Record:
    """Losses and outputs of the steps of one epoch, in order; of all ranks together, where there are several.

    Args:
        labels: of the epoch's images in the order in which they are seen, int64 ``(n,)``; of this rank's shares.
        predicted: from outputs to labels; the largest output's if left out.
        first: the first step that is recorded here, where those before it are known by their sums alone.
        ranks: this process's place where several train together.
        sums_only: forget outputs once they are counted: of a long epoch there would be too many to keep.

    Attributes:
        labels: likewise.
        losses: one tensor without axes a step.
        outputs: one tensor ``(batch, c)`` a step, as far as they are kept.
        images: how many images those steps have seen, on all ranks together.
        measured: how many of those steps are in the owner's metrics already, where callbacks are told at batches.
    """

    def __init__(
        self,
        labels: Tensor,
        predicted: Callable[[Tensor], Tensor] | None = None,
        *,
        first: int = 0,
        ranks: Ranks | None = None,
        sums_only: bool = False,
    ) -> None:
        self.labels = labels
        self._predicted = predicted or predicted_labels(probabilities=False)
        self._first, self._ranks, self._sums_only = first, ranks, sums_only
        self.losses: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.images = 0
        self.measured = 0
        self._sizes: list[int] = []  # of the outputs of each step
        self._labelled = 0  # of the labels, those whose outputs are counted
        self._loss_sum, self._summed = 0.0, 0
        self._right, self._counted = 0.0, 0

    def add(self, loss: Tensor, outputs: Tensor, images: int | None = None) -> None:
        """Keep what a step gave.

        Args:
            loss: mean over the outputs.
            outputs: ``(k, c)``.
            images: in the batch, where these outputs are of a share of it.
        """
        self.losses.append(loss)
        self._sizes.append(len(outputs))
        if len(outputs):
            self.outputs.append(outputs)
        self.images += len(outputs) if images is None else images

    def first_not_finite(self, since: int) -> int | None:
        """Return the index of the first step, from ``since`` on, whose loss is not a finite number; None if all are."""
        fresh = self.losses[since - self._first :]
        if not fresh:
            return None
        bad = torch.stack(fresh).isfinite().logical_not().nonzero()
        return since + int(bad[0]) if len(bad) else None

    def loss_at(self, step: int) -> float:
        """Return the loss of a step."""
        return float(self.losses[step - self._first])

    def loss(self) -> float:
        """Return the mean loss over the images seen, each batch weighted by its size."""
        fresh = self.losses[self._summed :]
        if fresh:
            # one after the other in Python's floats: the sum is the same however often it is asked for on the way
            for loss, size in zip(torch.stack(fresh).tolist(), self._sizes[self._summed :], strict=True):
                self._loss_sum += loss * size if size else 0.0
            self._summed = len(self.losses)
        return self._total(self._loss_sum) / max(1, self.images)

    def accuracy(self) -> float:
        """Return the share of the images seen whose largest output was their label's."""
        fresh = self.outputs[self._counted :]
        if fresh:
            outputs = torch.cat(fresh)
            labels = self.labels[self._labelled : self._labelled + len(outputs)]
            self._right += int((self._predicted(outputs) == labels).sum())
            self._labelled += len(outputs)
            self._counted = len(self.outputs)
            if self._sums_only:
                self.outputs, self._counted = [], 0
        return self._total(self._right) / max(1, self.images)

    def _total(self, value: float) -> float:
        return value if self._ranks is None else self._ranks.totals(value)[0]

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors, for a checkpoint in the middle of an epoch; of several ranks their sums."""
        if self._ranks is not None or self._sums_only:
            return self.sums()
        if not self.losses:
            return {}
        sizes = torch.tensor(self._sizes)
        return {"losses": torch.stack(self.losses), "outputs": torch.cat(self.outputs), "sizes": sizes}

    def sums(self) -> dict[str, Tensor]:
        """Return the sum of the losses, how many were right, and of how many images."""
        self.loss()
        self.accuracy()
        sums = [self._total(self._loss_sum), self._total(self._right), self.images]
        return {"sums": torch.tensor(sums, dtype=torch.float64)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what ``state`` returned."""
        if "sums" in state:
            loss, right, images = state["sums"].tolist()
            self.images = int(images)
            if self._ranks is None or self._ranks.is_first:
                self._loss_sum, self._right = loss, right
        elif state:
            self.losses = list(state["losses"].unbind())
            self._sizes = state["sizes"].tolist()
            self.outputs = list(state["outputs"].split(self._sizes))  # type: ignore[no-untyped-call]
            self.images = len(state["outputs"])


def summed(state: dict[str, Tensor], labels: Tensor, predicted: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Return the sums of what a record kept step by step, for one that keeps sums alone.

    Args:
        state: of a record, of either kind.
        labels: of the epoch's images in the order in which they are seen.
        predicted: from outputs to labels.
    """
    if not state or "sums" in state:
        return state
    record = Record(labels, predicted)
    record.load(state)
    return record.sums()
