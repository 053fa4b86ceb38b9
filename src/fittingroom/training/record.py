"""What an epoch's steps gave, kept as tensors and read once in a while rather than at every step."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Record:
    """Losses and outputs of the steps of one epoch, in order.

    Attributes:
        labels: of the epoch's images in the order in which they are seen, int64 ``(n,)``.
        losses: one tensor without axes a step.
        outputs: one tensor ``(batch, c)`` a step.
        images: how many images those steps have seen.
    """

    labels: Tensor
    losses: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    images: int = 0
    _loss_sum: float = 0.0
    _summed: int = 0
    _right: int = 0
    _counted: int = 0

    def add(self, loss: Tensor, outputs: Tensor) -> None:
        """Keep what a step gave."""
        self.losses.append(loss)
        self.outputs.append(outputs)
        self.images += len(outputs)

    def first_not_finite(self, since: int) -> int | None:
        """Return the index of the first step, from ``since`` on, whose loss is not a finite number; None if all are."""
        if since >= len(self.losses):
            return None
        bad = torch.stack(self.losses[since:]).isfinite().logical_not().nonzero()
        return since + int(bad[0]) if len(bad) else None

    def loss(self) -> float:
        """Return the mean loss over the images seen, each batch weighted by its size."""
        fresh = self.losses[self._summed :]
        if fresh:
            sizes = [len(outputs) for outputs in self.outputs[self._summed :]]
            # one after the other in Python's floats: the sum is the same however often it is asked for on the way
            for loss, size in zip(torch.stack(fresh).tolist(), sizes, strict=True):
                self._loss_sum += loss * size
            self._summed = len(self.losses)
        return self._loss_sum / max(1, self.images)

    def accuracy(self) -> float:
        """Return the share of the images seen whose largest output was their label's."""
        fresh = self.outputs[self._counted :]
        if fresh:
            start = self.images - sum(len(outputs) for outputs in fresh)
            chosen = torch.cat(fresh).argmax(dim=1)
            self._right += int((chosen == self.labels[start : self.images]).sum())
            self._counted = len(self.outputs)
        return self._right / max(1, self.images)

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors, for a checkpoint in the middle of an epoch."""
        if not self.losses:
            return {}
        sizes = torch.tensor([len(outputs) for outputs in self.outputs])
        return {"losses": torch.stack(self.losses), "outputs": torch.cat(self.outputs), "sizes": sizes}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what ``state`` returned."""
        if state:
            self.losses = list(state["losses"].unbind())
            sizes = state["sizes"].tolist()
            self.outputs = list(state["outputs"].split(sizes))  # type: ignore[no-untyped-call]
            self.images = len(state["outputs"])
