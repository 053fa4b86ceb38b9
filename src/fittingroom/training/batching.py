"""The images and labels of a training, checked and on the device, and the batches that the model is fed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor

import fittingroom.training.augment as augment
from fittingroom.arrays import Array, check_labels
from fittingroom.mapped_arrays import RowReader, is_large
from fittingroom.models.front import pixel_scale, shaped
from fittingroom.training.imitate_photos import imitate_photos, labels_of_pairs
from fittingroom.training.losses import Targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from fittingroom.training.augment import Generators
    from fittingroom.training.recipe import Recipe


ROWS_AHEAD = 1024  # images that are read at once, whole batches of them
READS_AHEAD = 3


class ImagesInFile:
    """Images that stay in their file: read by batch, those that come next in a thread while the model works.

    Args:
        images: mapped, uint8 ``(n, h, w)``.
        rows: which of them are trained on, int64 ``(k,)``; None for all.
        device: where batches go.

    Attributes:
        device: likewise.
        shape: ``(k, h, w)``.
    """

    def __init__(self, images: Array, rows: Array | None, device: torch.device) -> None:
        self._reader, self._rows, self.device = RowReader(images), rows, device
        self.shape: tuple[int, ...] = (len(images) if rows is None else len(rows), *images.shape[1:])
        self._ready: Iterator[tuple[Tensor, Tensor]] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, rows: Tensor) -> Tensor:
        """Return images, uint8 ``(k, h, w)`` on the device: read already, where these rows were said to come next.

        Args:
            rows: int64 ``(k,)``.

        Raises:
            DataError: the file has changed.
        """
        if self._ready is not None:
            expected, images = next(self._ready, (None, None))
            if expected is not None and images is not None and torch.equal(expected, rows):
                return images.to(self.device)
        return self._read(rows).to(self.device)

    def _read(self, rows: Tensor) -> Tensor:
        wanted = rows.cpu().numpy()
        images = torch.empty((len(wanted), *self.shape[1:]), dtype=torch.uint8)
        self._reader.read(wanted if self._rows is None else self._rows[wanted], images.numpy())
        return images

    @contextmanager
    def ahead(self, batches: Iterable[Tensor]) -> Iterator[None]:
        """Read these batches in a thread, a little before they are taken, for as long as the block lasts.

        Args:
            batches: the rows of each, in the order in which they will be taken.
        """
        with ThreadPoolExecutor(1, "fittingroom-reads-ahead") as thread:
            self._ready = self._reading(thread, iter(batches))
            try:
                yield
            finally:
                self._ready = None
                thread.shutdown(wait=True, cancel_futures=True)

    def _reading(self, thread: ThreadPoolExecutor, batches: Iterator[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        underway: deque[tuple[list[Tensor], Future[Tensor]]] = deque()
        while True:
            while len(underway) < READS_AHEAD and (group := _next_group(batches)):
                underway.append((group, thread.submit(self._read, torch.cat(group))))
            if not underway:
                return
            group, read = underway.popleft()
            sizes = [len(rows) for rows in group]
            yield from zip(group, read.result().split(sizes), strict=True)  # type: ignore[no-untyped-call]


def _next_group(batches: Iterator[Tensor]) -> list[Tensor]:
    """Return the next batches, so many that they are worth a read."""
    first = next(batches, None)
    if first is None:
        return []
    return [first, *islice(batches, max(0, ROWS_AHEAD // max(1, len(first)) - 1))]


@dataclass(frozen=True)
class TrainingData:
    """Images and labels of a training.

    Attributes:
        images: uint8 ``(n, h, w)`` on the training device, or in their file.
        labels: int64 ``(n,)`` on the training device.
    """

    images: Tensor | ImagesInFile
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """Where training happens."""
        return self.labels.device

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of an image, in pixels."""
        height, width = self.images.shape[1:]
        return height, width

    def steps(self, batch_size: int) -> int:
        """Return how many batches an epoch has; the last may be smaller."""
        return -(-len(self) // batch_size)

    def order(self, seed: int, epoch: int) -> Tensor:
        """Return the order in which an epoch sees the images, int64 ``(n,)``: a function of seed and epoch alone."""
        words = np.random.SeedSequence([seed, epoch]).generate_state(2)
        generator = torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
        return torch.randperm(len(self), generator=generator).to(self.labels.device)


def batches(order: Tensor, batch_size: int, first: int) -> Iterator[Tensor]:
    """Yield the rows of each batch, from batch ``first`` on.

    Example:
        >>> [rows.tolist() for rows in batches(torch.arange(5), 2, 1)]
        [[2, 3], [4]]
    """
    yield from order.split(batch_size)[first:]  # type: ignore[no-untyped-call]


def on_device(
    images: Array, labels: Array, device: torch.device, classes: int, where: str, rows: Array | None = None
) -> TrainingData:
    """Return arrays as tensors on a device, after the labels were held against the model's classes.

    Args:
        images: uint8 ``(n, h, w)``; where they are mapped and large, they stay in their file.
        labels: whole numbers ``(n,)``, or as many as there are rows.
        device: where training happens.
        classes: how many outputs the model has.
        where: "training" or "validation", for messages.
        rows: which of the images are meant, int64 ``(k,)``; None for all.

    Raises:
        DataError: a label that the model has no output for.
    """
    check_labels(labels, max(classes, 2), f"{where} labels")
    numbers = torch.from_numpy(labels.astype(np.int64)).to(device)
    if is_large(images):
        return TrainingData(ImagesInFile(images, rows, device), numbers)
    pixels = np.ascontiguousarray(images if rows is None else images[rows])
    tensor = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
    return TrainingData(tensor.to(device), numbers)


Batcher = Callable[[Tensor, Tensor, int], tuple[Tensor, Targets]]
"""``feed(rows, labels, epoch)``: which images, int64 ``(n,)``, and their labels; gives inputs and targets."""


def make_batcher(
    images: Tensor | ImagesInFile,
    input_shape: tuple[int, ...],
    dtype: torch.dtype,
    recipe: Recipe,
    generators: Generators,
    share: Callable[[int], slice] | None = None,
) -> Batcher:
    """Return the function that turns row numbers into what a step needs.

    Args:
        images: uint8 ``(n, h, w)``, on the training device or in their file.
        input_shape: of one input of the model.
        dtype: of the model's weights.
        recipe: its augmentation and ``pixels``.
        generators: where random numbers are drawn from.
        share: where several processes train together, which images of a batch of so many are this one's; chance is
            drawn for all of them, so that each image is changed as one process alone would change it.
    """
    scale = pixel_scale(recipe.pixels)
    change = augment.compose(recipe, generators)
    pairs = labels_of_pairs(recipe.pairs)
    take = _taker(images)

    def gathered(rows: Tensor, labels: Tensor, epoch: int) -> Tensor:
        batch = take(rows)
        if recipe.imitate_photos:
            batch = imitate_photos(batch, labels, recipe.imitate_photos, pairs, generators.images)
        return batch if change is None else change(batch, epoch)

    def plain(rows: Tensor, labels: Tensor, epoch: int) -> tuple[Tensor, Targets]:
        return shaped(gathered(rows, labels, epoch).contiguous(), input_shape, dtype, scale), (labels,)

    def own_part(rows: Tensor, labels: Tensor, epoch: int) -> tuple[Tensor, Targets]:
        assert share is not None
        mine = share(len(rows))
        if not alters(recipe):
            return plain(rows[mine], labels[mine], epoch)
        batch = gathered(rows, labels, epoch)[mine]
        return shaped(batch.contiguous(), input_shape, dtype, scale), (labels[mine],)

    if not recipe.mixup and not recipe.cutmix:
        return plain if share is None else own_part

    def mixed(rows: Tensor, labels: Tensor, epoch: int) -> tuple[Tensor, Targets]:
        batch, part = _mixed(gathered(rows, labels, epoch).to(dtype), recipe, generators.batch)
        weight = torch.tensor(part, dtype=dtype, device=batch.device)
        other = labels.roll(1)
        if share is not None:
            mine = share(len(rows))
            batch, labels, other = batch[mine], labels[mine], other[mine]
        return shaped(batch.contiguous(), input_shape, dtype, scale), (labels, other, weight)

    return mixed


def alters(recipe: Recipe) -> bool:
    """Say whether a recipe changes images by chance, so that every process has to draw for the whole batch."""
    changes = (recipe.translate, recipe.cutout, recipe.imitate_photos, recipe.mixup, recipe.cutmix)
    return recipe.flip != "none" or any(changes)


def _taker(images: Tensor | ImagesInFile) -> Callable[[Tensor], Tensor]:
    if isinstance(images, ImagesInFile):
        return images.take
    height, width = images.shape[1:]
    flat = images.view(len(images), -1)
    return lambda rows: flat.index_select(0, rows).view(-1, height, width)


def _mixed(images: Tensor, recipe: Recipe, generator: Generator) -> tuple[Tensor, float]:
    """Mix every image with its neighbour in the batch; where both kinds are on, a coin decides."""
    other = images.roll(1, 0)
    paste = bool(recipe.cutmix) and (not recipe.mixup or bool(torch.rand((), generator=generator) < 0.5))
    if paste:
        return augment.cutmix(images, other, augment.beta_share(recipe.cutmix, generator), generator)
    share = augment.beta_share(recipe.mixup, generator)
    return augment.mixup(images, other, share), share
