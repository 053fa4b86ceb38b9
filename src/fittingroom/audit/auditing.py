"""The audit itself: from a dataset and out-of-sample answers to everything that is wrong or odd in it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Images
from fittingroom.audit.duplicates import (
    GREY,
    LIMIT,
    SHARE,
    NearPair,
    groups_of,
    has_pixels,
    near_in_features,
    near_pairs,
)
from fittingroom.audit.folds import check_learned
from fittingroom.audit.label_errors import Overlap, overlaps_of, suspects
from fittingroom.audit.odd_ones import REASONS, neighbour_distances, odd_ones
from fittingroom.data.catalog import DATASETS
from fittingroom.data.mnist_kin import KIN
from fittingroom.judging import wilson_interval
from fittingroom.models.feature_extractor import nearest
from fittingroom.progress import Log, no_log
from fittingroom.words import counted, in_percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fittingroom.audit.folds import Answers
    from fittingroom.data import Dataset, Split

SCHEMA = "fittingroom/audit/1"
NEAREST = 20  # training images that are asked what a suspect is
SPEAKING = 3  # of them shown for the given label, and against it
FOUND_IN = ("pixels", "features")


@dataclass(frozen=True)
class Item:
    """An image of the dataset.

    Attributes:
        split: "train" or "test".
        index: position in the split's file.
        label: that it has.
    """

    split: str
    index: int
    label: int


@dataclass(frozen=True)
class LabelSuspect:
    """A label that is probably wrong, and what speaks for it and against it.

    Attributes:
        item: the image, with the label that it was given.
        suggested: the label that networks which have not seen it predict.
        score: quality of the given label, 0 to 1; the lower the more suspect.
        given_probability: of the given label, by these networks.
        suggested_probability: of the suggested one.
        speaking_for: the nearest training images with the given label, the nearest first.
        speaking_against: those with the suggested label.
        agreeing: how many of the nearest training images have the given label.
        asked: how many these nearest ones are.
    """

    item: Item
    suggested: int
    score: float
    given_probability: float
    suggested_probability: float
    speaking_for: tuple[Item, ...]
    speaking_against: tuple[Item, ...]
    agreeing: int
    asked: int


@dataclass(frozen=True)
class DuplicateGroup:
    """Pictures that are nearly the same.

    Attributes:
        items: two or more.
        distance: the largest of the pairs that hold the group together, 0 for equal pictures; in features as a share
            of the usual distance to the neighbours.
        mirrored: whether one of these pairs is mirrored.
        two_labels: whether its labels differ.
        leak: whether training and test images are in it.
        found_in: "pixels"; or "features", where only a network sees that they are nearly the same.
    """

    items: tuple[Item, ...]
    distance: float
    mirrored: bool
    two_labels: bool
    leak: bool
    found_in: str = "pixels"


@dataclass(frozen=True)
class OddItem:
    """A picture that is unlike the others.

    Attributes:
        item: the image.
        kind: a key of `odd_ones.REASONS`.
        score: how far, where the kind is "far"; else 1.
    """

    item: Item
    kind: str
    score: float


@dataclass(frozen=True)
class SplitAudit:
    """What the labels of one split are worth.

    Attributes:
        split: "train", "validation" or "test".
        n: images asked about.
        accuracy: how often the networks agree with the label.
        accuracy_interval: 95 %.
        suspects: the worst first, one in a hundred at most.
        overlaps: pairs of classes that are not kept apart, the largest first.
    """

    split: str
    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    suspects: tuple[LabelSuspect, ...]
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True)
class Leaks:
    """What the test images that training holds are worth.

    Attributes:
        n: test images of which a near-duplicate is among the training images.
        with_accuracy: of the networks on all test images; None where they were not asked.
        without_accuracy: on the others.
        on_leaks_accuracy: on these alone; None where there are none.
    """

    n: int
    with_accuracy: float | None
    without_accuracy: float | None
    on_leaks_accuracy: float | None

    @property
    def points(self) -> float | None:
        """What they add to the accuracy on all test images, in percentage points; None where that is not known."""
        if self.with_accuracy is None or self.without_accuracy is None:
            return None
        return 100 * (self.with_accuracy - self.without_accuracy)


@dataclass(frozen=True)
class Audit:
    """Everything that an audit found; the values of ``audit.json``.

    Attributes:
        dataset: its name.
        fingerprint: of its files.
        edits: what was changed in it before, as `data.edits.Edits.facts` has it; None for nothing.
        class_names: by label.
        made_by: which networks answered.
        splits: what the labels are worth, the training images' first.
        groups: near-duplicates, those found in pixels first, then the nearest.
        pairs: how many pairs, in pixels, hold them together.
        feature_pairs: how many do in features; None where the network sees too many pictures as the same to tell.
        limit: the largest distance of a pair in pixels.
        grey_limit: of faint pictures, the largest difference of a pair in grey levels, root mean square.
        feature_limit: the largest distance of a pair in features, as a share of the usual one to the neighbours.
        leaks: test images that training holds, by near-duplicates in pixels.
        wider_leaks: likewise by those in pixels or in features.
        odd: pictures unlike the others.
        looks: at the test images' labels: time (UTC), asked_by, dataset, fingerprint, n, accuracy.
        notes: sentences that a reader should know first.
        seconds: spent in the call that made this, by stage; folds that were there already took none.
        trainings: what each network took: fold, seconds, epochs, images (trained on), accuracy (on those held out).
        peak_bytes: the most memory that the process held; 0 where the system does not tell.
        folder: that holds it; None where it was not written.
    """

    dataset: str
    fingerprint: str
    edits: dict[str, Any] | None
    class_names: tuple[str, ...]
    made_by: str
    splits: tuple[SplitAudit, ...]
    groups: tuple[DuplicateGroup, ...]
    pairs: int
    feature_pairs: int | None
    limit: float
    grey_limit: float
    feature_limit: float
    leaks: Leaks
    wider_leaks: Leaks
    odd: tuple[OddItem, ...]
    looks: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    trainings: tuple[dict[str, Any], ...] = ()
    peak_bytes: int = 0
    folder: Path | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain JSON values."""
        values = {key: value for key, value in asdict(self).items() if key != "folder"}
        return {"schema": SCHEMA, **values, "totals": self.totals}

    @property
    def totals(self) -> dict[str, int | float | None]:
        """What follows from the rest: how many of each, seconds of all trainings, what leaks are worth in points."""
        kinds = Counter(odd.kind for odd in self.odd)
        return {
            "suspects": len(self.suspects),
            "groups": len(self.groups),
            **{f"groups in {where}": sum(one.found_in == where for one in self.groups) for where in FOUND_IN},
            "groups with two labels": sum(group.two_labels for group in self.groups),
            "test images that only features find in training": self.wider_leaks.n - self.leaks.n,
            "leaks worth": self.leaks.points,
            "wider leaks worth": self.wider_leaks.points,
            "odd": len(self.odd),
            **{f"odd, {kind}": number for kind, number in kinds.items()},
            "test looks": len(self.looks),
            "trainings": len(self.trainings),
            "training seconds": sum(one["seconds"] for one in self.trainings),
            "peak gigabytes": self.peak_bytes / 1e9,
        }

    @property
    def suspects(self) -> tuple[LabelSuspect, ...]:
        """The suspects of all splits, the training images' first."""
        return tuple(one for split in self.splits for one in split.suspects)


def audited(data: Dataset, answers: Answers, *, split: str = "train", log: Log = no_log) -> Audit:
    """Return everything that is wrong or odd in a dataset.

    Args:
        data: the dataset.
        answers: of networks that have not seen the images.
        split: what the training images asked about are called: "train", or "validation" of a run.
        log: told of each stage.
    """
    clock = Clock()
    of_train = data.train.take(answers.positions)
    with clock("labels"):
        log("Looking for wrong labels.")
        splits = [_labels(of_train, split, answers.train, answers.features[answers.positions], data, answers.features)]
        if answers.test is not None and len(data.test):
            features = answers.features[len(data.train) :]
            splits.append(_labels(data.test, "test", answers.test, features, data, answers.features))
    images = np.concatenate([data.train.images, data.test.images])
    with clock("duplicates"):
        log("Looking for near-duplicates.")
        pairs = near_pairs(images, mirrored=may_be_mirrored(data))
        groups = _groups(data, pairs, "pixels")
    with clock("duplicates in features"):
        log("Looking for near-duplicates in features.")
        usual = neighbour_distances(answers.features)
        alike = _alike(images, answers.features, usual)
        groups += _beyond(_groups(data, alike or [], "features"), groups)
    with clock("odd ones"):
        log("Looking for odd pictures.")
        odd = tuple(OddItem(_item(data, one.position), one.kind, one.score) for one in odd_ones(images, usual))
    return Audit(
        dataset=data.name,
        fingerprint=data.fingerprint,
        edits=data.edits.facts() if data.edits is not None else None,
        class_names=data.class_names,
        made_by=answers.made_by,
        splits=tuple(splits),
        groups=groups,
        pairs=len(pairs),
        feature_pairs=None if alike is None else len(alike),
        limit=LIMIT,
        grey_limit=GREY,
        feature_limit=SHARE,
        leaks=_leaks(data, [group for group in groups if group.found_in == "pixels"], answers.test),
        wider_leaks=_leaks(data, groups, answers.test),
        odd=odd,
        notes=_notes(data, of_train),
        seconds=clock.seconds,
        trainings=answers.trainings,
    )


def may_be_mirrored(data: Dataset) -> bool:
    """Say whether an image in a mirror is of the same class; yes where nobody knows the dataset."""
    known = DATASETS.get(data.name) or KIN.get(data.name)
    return known is None or known.flips_valid


class Clock:
    """Seconds spent, by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str) -> AbstractContextManager[None]:
        """Count the seconds of a block for a stage."""
        from contextlib import contextmanager

        @contextmanager
        def counting() -> Iterator[None]:
            begun = time.perf_counter()
            yield
            self.seconds[stage] = round(time.perf_counter() - begun, 2)

        return counting()


def _labels(split: Split, name: str, answers: Array, own: Array, data: Dataset, features: Array) -> SplitAudit:
    accuracy = float(np.mean(answers.argmax(axis=1) == split.labels))
    if name != "test":  # the same networks: of a few test images all may be of one class
        check_learned(split.labels, answers, f"{name} images")
    right = round(accuracy * len(split))
    found = []
    for one in suspects(split.labels, answers):
        speaking, agreeing, asked = _speaking(
            own[one.position], one.given, one.suggested, data, features, split, one.position
        )
        item = Item("test" if split.name == "test" else "train", int(split.indices[one.position]), one.given)
        given, suggested = answers[one.position, [one.given, one.suggested]].tolist()
        found.append(LabelSuspect(item, one.suggested, one.score, given, suggested, *speaking, agreeing, asked))
    return SplitAudit(
        name,
        len(split),
        accuracy,
        wilson_interval(right, len(split)),
        tuple(found),
        tuple(overlaps_of(split.labels, answers)),
    )


def _speaking(
    point: Array, given: int, suggested: int, data: Dataset, features: Array, split: Split, position: int
) -> tuple[tuple[tuple[Item, ...], tuple[Item, ...]], int, int]:
    """Return the nearest training images with the given and with the suggested label, and how many agree."""
    train = data.train
    own = train.positions(split.indices[[position]]) if split.name != "test" else np.zeros(0, np.int64)
    rows = [row for row in nearest(features[: len(train)], point, NEAREST + len(own)).tolist() if row not in own]
    rows = rows[:NEAREST]
    by_label = []
    for label in (given, suggested):
        among = np.setdiff1d(np.flatnonzero(train.labels == label), own)
        near = among[nearest(features[among], point, SPEAKING)]
        by_label.append(tuple(_item(data, int(row)) for row in near))
    return (by_label[0], by_label[1]), sum(int(train.labels[row]) == given for row in rows), len(rows)


def _item(data: Dataset, row: int) -> Item:
    """Return the image at a place in the training images with the test images after them."""
    split, place = (data.train, row) if row < len(data.train) else (data.test, row - len(data.train))
    return Item("train" if split is data.train else "test", int(split.indices[place]), int(split.labels[place]))


def _alike(images: Images, features: Array, usual: Array) -> list[NearPair] | None:
    """Return the pairs that a network sees as nearly the same, but for black pictures, which are told of otherwise."""
    bright = np.flatnonzero(has_pixels(images))
    found = near_in_features(features[bright], usual[bright])
    if found is None:
        return None
    return [replace(pair, first=int(bright[pair.first]), second=int(bright[pair.second])) for pair in found]


def _beyond(groups: tuple[DuplicateGroup, ...], known: tuple[DuplicateGroup, ...]) -> tuple[DuplicateGroup, ...]:
    """Return the groups that are not within a known one."""
    within = {item: number for number, group in enumerate(known) for item in group.items}
    return tuple(
        group for group in groups if len(places := {within.get(item) for item in group.items}) > 1 or None in places
    )


def _groups(data: Dataset, pairs: list[NearPair], found_in: str) -> tuple[DuplicateGroup, ...]:
    by_member: dict[int, list[NearPair]] = {}
    for pair in pairs:
        by_member.setdefault(pair.first, []).append(pair)
    found = []
    for members in groups_of(pairs):
        items = tuple(_item(data, row) for row in members)
        inside = [pair for row in members for pair in by_member.get(row, [])]
        found.append(
            DuplicateGroup(
                items,
                max(pair.distance for pair in inside),
                any(pair.mirrored for pair in inside),
                len({item.label for item in items}) > 1,
                len({item.split for item in items}) > 1,
                found_in,
            )
        )
    return tuple(sorted(found, key=lambda group: (group.distance, group.items[0].split, group.items[0].index)))


def _leaks(data: Dataset, groups: Sequence[DuplicateGroup], test: Array | None) -> Leaks:
    leaked = sorted({item.index for group in groups if group.leak for item in group.items if item.split == "test"})
    if test is None or not len(data.test):
        return Leaks(len(leaked), None, None, None)
    right = test.argmax(axis=1) == data.test.labels
    is_leak = np.zeros(len(data.test), bool)
    is_leak[data.test.positions(np.array(leaked, np.int64))] = True
    rest = float(right[~is_leak].mean()) if not is_leak.all() else None
    return Leaks(len(leaked), float(right.mean()), rest, float(right[is_leak].mean()) if is_leak.any() else None)


def _notes(data: Dataset, train: Split) -> tuple[str, ...]:
    counts = np.bincount(train.labels, minlength=data.classes)
    few = [data.class_names[label] for label in np.flatnonzero((counts > 0) & (counts < 10))]
    none = [data.class_names[label] for label in np.flatnonzero(counts == 0)]
    notes = [f"No training image is of the class {name}." for name in none]
    return (
        *notes,
        *(
            f"Of the class {name} there are fewer than ten images: its figures are hardly more than guesses."
            for name in few
        ),
    )


def suspect_words(suspect: LabelSuspect, names: tuple[str, ...]) -> str:
    """Return why a label is suspect.

    Example:
        >>> one = LabelSuspect(Item("train", 7, 0), 1, 0.01, 0.0123, 0.9, (), (), 2, 20)
        >>> suspect_words(one, ("Coat", "Shirt"))
        'networks that have not seen it say Shirt (90 %), not Coat (1.2 %); 2 of the 20 most similar are Coat'
    """
    given, suggested = names[suspect.item.label], names[suspect.suggested]
    near = f"{suspect.agreeing} of the {counted(suspect.asked, 'most similar', 'most similar')} are {given}"
    return (
        f"networks that have not seen it say {suggested} ({in_percent(suspect.suggested_probability)}), not "
        f"{given} ({in_percent(suspect.given_probability)}); {near}"
    )


def odd_words(odd: OddItem) -> str:
    """Return why a picture is odd."""
    more = f" (usual distance times {odd.score:.1f})" if odd.kind == "far" else ""
    return f"{odd.kind}: {REASONS[odd.kind]}{more}"
