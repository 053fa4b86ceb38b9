"""`Dataset` and `Split`: what loading gives, and how a validation set is held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from fittingroom.arrays import Array, Images, Labels, check_labels, check_same_length, check_whole
from fittingroom.data.edits import Edits, read_edits
from fittingroom.errors import DataError, UsageError
from fittingroom.mapped_arrays import is_large, rows_of
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images with their labels, and where each stood in the original file.

    Attributes:
        name: "train", "test" or "validation".
        images: uint8 in 0..255, shape ``(n, h, w)``.
        labels: whole numbers from 0, shape ``(n,)``; uint8 where they fit.
        indices: int64, shape ``(n,)``; position in the file that the split comes from.

    Raises:
        DataError: on construction, where a shape or dtype is another, or the counts differ.
    """

    name: str
    images: Images
    labels: Labels
    indices: Int64[Array, " n"]

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 3:
            raise DataError(
                f"{self.name} images: expected uint8 (n, height, width), received {self.images.dtype} "
                f"{self.images.shape}. fr.train, fr.predict and fr.evaluate take more forms: pass (images, labels)."
            )
        check_labels(self.labels, where=f"{self.name} labels")
        check_same_length(self.images, self.labels, self.name)
        check_same_length(self.images, self.indices, f"{self.name} indices")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Split({self.name!r}, images {self.images.shape})"

    def take(self, positions: Int64[Array, " k"], name: str | None = None) -> Split:
        """Return some of the images, copied, in the order asked for; all of a large file stay where they are.

        Args:
            positions: in this split, shape ``(k,)``.
            name: of the result; this split's where it is None.
        """
        are_all = is_large(self.images) and np.array_equal(positions, np.arange(len(self)))
        images = self.images if are_all else rows_of(self.images, positions)
        return Split(name or self.name, images, self.labels[positions], self.indices[positions])

    def positions(self, indices: Int64[Array, " k"]) -> Int64[Array, " j"]:
        """Return where images stand in this split, by their positions in the file; those that it lacks are left out.

        Args:
            indices: positions in the file, shape ``(k,)``.

        Returns:
            Positions in this split, in the order asked for, shape ``(j,)``.
        """
        order = np.argsort(self.indices, kind="stable")
        places = np.searchsorted(self.indices, indices, sorter=order)
        found = order[np.minimum(places, len(order) - 1)] if len(order) else np.zeros(len(indices), np.int64)
        is_there = self.indices[found] == indices if len(order) else np.zeros(len(indices), bool)
        return np.asarray(found[is_there], np.int64)

    def pictures(self, indices: Iterable[int]) -> dict[int, Array]:
        """Return copies of single images ``(h, w)`` by their positions in the file; those that it lacks are left out.

        Args:
            indices: positions in the file.
        """
        wanted = np.array(sorted(set(indices)), np.int64)
        places = self.positions(wanted)
        return dict(zip(self.indices[places].tolist(), rows_of(self.images, places), strict=True))


@dataclass(frozen=True, eq=False)
class Dataset:
    """A train and a test split, and what is known of them.

    Attributes:
        name: the known dataset's, whatever folder it came from; else the folder's.
        train: the training split.
        test: the test split.
        class_names: by label.
        fingerprint: 16 hex digits that name the content of the four files.
        source: where it came from, in words.
        edits: what was changed in the train split since the files were read, see `edited`; None for nothing.
    """

    name: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    fingerprint: str
    source: str
    edits: Edits | None = None

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of an image, in pixels."""
        height, width = self.train.images.shape[1:]
        return height, width

    def edited(self, edits: str | Path | Edits) -> Dataset:
        """Return the dataset with a person's decisions about training images carried out; test images never change.

        Args:
            edits: a file as `fittingroom audit` writes it and a person completed it, or such edits already read.

        Raises:
            DataError: the file belongs to other data, or a line of it cannot be followed.
            UsageError: this dataset is edited already, or nothing would be left.

        Example:
            >>> import fittingroom as fr
            >>> cleaner = fr.load("fashion-mnist").edited("audit/edits.csv")  # doctest: +SKIP
        """
        done = edits if isinstance(edits, Edits) else read_edits(edits, self)
        if self.edits is not None:
            raise UsageError(f"{self.name} is edited already, by {self.edits.name}. Put both into one file.")
        labels = self.train.labels.copy()
        for place in np.flatnonzero(np.isin(self.train.indices, list(done.relabelled))):
            labels[place] = done.relabelled[int(self.train.indices[place])]
        stays = ~np.isin(self.train.indices, done.excluded)
        if not stays.any():
            raise UsageError(f"{done.name} excludes every training image of {self.name}. Keep some.")
        train = replace(self.train, labels=labels)
        return replace(self, train=train if stays.all() else train.take(np.flatnonzero(stays)), edits=done)


def hold_out(split: Split, count: int, *, seed: int = 0) -> tuple[Split, Split]:
    """Divide a split in two, every class in proportion, the same way for the same seed.

    Args:
        split: what to divide, of n images.
        count: how many images to hold out, 1 to n - 1.
        seed: of the draw. Keep it at 0 whatever a run's own seed, so that runs are judged on the same images.

    Returns:
        What remains, under the split's name, and what is held out, named "validation"; both in the original order.

    Raises:
        UsageError: the count leaves one of the two empty.

    Example:
        >>> labels = np.array([0, 0, 0, 0, 1, 1], dtype=np.uint8)
        >>> split = Split("train", np.zeros((6, 2, 2), np.uint8), labels, np.arange(6))
        >>> rest, validation = hold_out(split, 3)
        >>> rest.labels, validation.labels
        (array([0, 0, 1], dtype=uint8), array([0, 0, 1], dtype=uint8))
    """
    rest, held = divided(split.labels, count, seed=seed)
    return split.take(rest), split.take(held, "validation")


def divided(labels: Labels, count: int, *, seed: int = 0) -> tuple[Int64[Array, " r"], Int64[Array, " v"]]:
    """Return which images remain and which are held out, as `hold_out` divides them, by their positions.

    Args:
        labels: ``(n,)``.
        count: likewise.
        seed: likewise.

    Raises:
        UsageError: the count leaves one of the two empty.
    """
    if not 0 < check_whole(count, "images to hold out", None, None) < len(labels):
        raise UsageError(
            f"Expected to hold out 1 to {len(labels) - 1} of {counted(len(labels), 'image')}, received {count}."
        )
    drawn = draw_stratified(labels, count, np.random.default_rng(check_whole(seed, "seed")))
    held = np.zeros(len(labels), bool)
    held[drawn] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def draw_stratified(labels: Array, count: int, generator: np.random.Generator) -> Array:
    """Return the positions of some labels, every class in proportion.

    Args:
        labels: ``(n,)``.
        count: how many to draw, 1 to n - 1.
        generator: draws them.

    Returns:
        int64 ``(count,)``, class after class.
    """
    there, sizes = np.unique(labels, return_counts=True)  # labels may be far apart
    shares = _shares(sizes, count)
    return np.concatenate(
        [
            generator.permutation(np.flatnonzero(labels == label))[:share]
            for label, share in zip(there, shares, strict=True)
        ]
    )


def _shares(sizes: Array, count: int) -> Array:
    """Divide a count among classes in proportion to their sizes; the largest remainders get what is left."""
    exact, total = sizes.astype(np.int64) * count, int(sizes.sum())
    shares = exact // total
    first = np.argsort(-(exact % total), kind="stable")[: count - int(shares.sum())]
    shares[first] += 1
    return shares
