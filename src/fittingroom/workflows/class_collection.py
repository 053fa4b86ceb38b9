"""`fittingroom.collect_class`: the runs of a class, handed in as folders, as one table.

Nobody who hands in is trusted: scores are judged anew from what a run answered, against the dataset's own labels; links
are not followed, files are read with a limit, and what does not fit is a mark or an error in the run's row. Of a run
only what is listed here goes into the table: no host, no user, no path, and no name unless it is asked for.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.data import Dataset, Log, load, no_log
from fittingroom.errors import FittingRoomError, RunError, UsageError
from fittingroom.files import check_sizes, file_kind
from fittingroom.inference.model_files import MARK
from fittingroom.judging import Seeds, over_seeds, too_good_warning, wilson_interval
from fittingroom.judging.compare import mcnemar
from fittingroom.runs import PREDICTIONS, Predictions, Run, is_run
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEEPEST = 4  # folders inside each other that are looked through
MOST_FOLDERS = 5_000
MOST_RUNS = 1_000
LIMITS = {  # bytes of the files that are read; a run's others are not opened
    MARK: 4 << 20,
    "history.jsonl": 16 << 20,
    "verdict.json": 16 << 20,
    "test_looks.jsonl": 4 << 20,
    PREDICTIONS: 128 << 20,
}
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
ARCHIVE = "this is an archive, and nothing is unpacked here: unpack it into a folder first"
EMPTY = f"no run is in this folder, {DEEPEST} folders deep or less"
LONGEST = 40  # letters of a text of the run's that is shown
CLOSE = 5e-4  # between an accuracy that a run claims and the one that is judged anew
WIDE_GAP = 0.05  # between the accuracies on training and on held-out images
SHOWN_PAIRS, SHOWN_IMAGES = 8, 12
ENOUGH = 200  # images on which two networks hardly agree in every answer by chance
MARKS = {  # kinds of marks: what a teacher may want to talk about
    "other data": "answered about other data, or learned from other data",
    "copied": "is the same as another row, to the answer",
    "counted once": "is the same as others too, and counts once for all of them",
    "other labels": "brought labels that are not the dataset's",
    "other score": "claims a score that its answers do not give",
    "part": "answered about a part of the test images only",
    "too many images": "learned from more images than there are to learn from",
    "too good": "is too good to be true",
    "looks": "met the test images more than once, or without writing it down",
    "not tested": "has not met the test images",
    "nothing held out": "held out no images, so nothing was there to choose by",
    "overfitting": "knows its training images much better than others",
}
DOUBTFUL = ("other data", "copied", "other labels", "part", "too many images", "too good")  # left out of the figures


@dataclass(frozen=True, eq=False)
class CollectedRun:
    """One run of a class.

    Attributes:
        code: six hex digits of what was answered, by which its owner can find it without a name.
        name: the folder in which it was handed in; empty unless names were asked for.
        model: the network's name.
        seed: of the run; None where it cannot be read, as all that follows.
        epochs: how many it trained.
        train_accuracy: in the last epoch, as the run wrote it down.
        val_accuracy: on its held-out images after it, likewise.
        split: which images it answered about.
        accuracy: judged anew, against the dataset's labels.
        interval: of it, 95 %.
        n: images it was judged on.
        looks: how often it met the test images.
        marks: by their kind in `MARKS`, what there is to say.
        error: why it cannot be judged; empty where it can.
        predicted: int64 ``(n,)``: the classes that it answered, by test image; None unless it answered about all.
    """

    code: str = ""
    name: str = ""
    model: str = ""
    seed: int | None = None
    epochs: int | None = None
    train_accuracy: float | None = None
    val_accuracy: float | None = None
    split: str = ""
    accuracy: float | None = None
    interval: tuple[float, float] | None = None
    n: int | None = None
    looks: int | None = None
    marks: tuple[tuple[str, str], ...] = ()
    error: str = ""
    predicted: Array | None = None

    @property
    def counts(self) -> bool:
        """Whether it goes into the figures of the class: judged on all test images, and nothing about it doubtful."""
        return self.predicted is not None and not any(kind in DOUBTFUL for kind, _ in self.marks)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        marks = [{"kind": kind, "words": words} for kind, words in self.marks]
        told = {key: value for key, value in vars(self).items() if key != "predicted"}
        return told | {"interval": self.interval and list(self.interval), "marks": marks, "counts": self.counts}


@dataclass(frozen=True, eq=False)
class ClassReport:
    """The runs of a class, and what they show together.

    Attributes:
        dataset: its name.
        fingerprint: of the data that all are judged on.
        class_names: by label.
        runs: a row each, in the order of their codes, or of the names where these were asked for.
        test: over all runs that count: their test accuracies, mean and spread; None where none counts.
        by_model: the same for each network that several of them used.
        best: code of the run with the highest test accuracy among those that count; empty where there is none.
        like_best: codes of the others that cannot be told apart from it on these test images.
        confused: the pairs of classes taken for each other most often: true, predicted, how many times a run.
        hardest: test images that most runs got wrong: index, label, the class most of the wrong answers named, wrong
            answers.
        common: how many runs have each kind of mark, the most common first.
        left_out: files and folders in which no run was found.
    """

    dataset: str
    fingerprint: str
    class_names: tuple[str, ...]
    runs: tuple[CollectedRun, ...]
    test: Seeds | None = None
    by_model: tuple[tuple[str, Seeds], ...] = ()
    best: str = ""
    like_best: tuple[str, ...] = ()
    confused: tuple[tuple[int, int, float], ...] = ()
    hardest: tuple[tuple[int, int, int, int], ...] = ()
    common: tuple[tuple[str, int], ...] = ()
    left_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        names = self.class_names
        return {
            "schema": "fittingroom/class/1",
            **{key: getattr(self, key) for key in ("dataset", "fingerprint", "left_out")},
            "runs": [run.to_dict() for run in self.runs],
            "test": self.test and asdict(self.test),
            "by_model": [{"model": model, **asdict(seeds)} for model, seeds in self.by_model],
            "best": self.best or None,
            "like_best": list(self.like_best),
            "confused": [
                {"true": names[true], "predicted": names[predicted], "per_run": per_run}
                for true, predicted, per_run in self.confused
            ],
            "hardest": [
                {"index": index, "label": names[label], "most_said": names[said], "wrong": wrong}
                for index, label, said, wrong in self.hardest
            ],
            "common": [{"kind": kind, "runs": count, "words": MARKS[kind]} for kind, count in self.common],
        }


def collect_class(
    folder: str | Path,
    *,
    names: bool = False,
    data: Dataset | str | Path = "fashion-mnist",
    data_dir: str | Path | None = None,
    log: Log = no_log,
) -> ClassReport:
    """Collect the runs of a class into one table; ``fittingroom class collect`` is this function.

    Scores are judged anew from each run's ``predictions.npz``, against the dataset's own labels. Links are not
    followed, nothing is unpacked, no model is opened and no run's code is run.

    Args:
        folder: in it a folder for each who hands in, with their runs in it, or the runs themselves.
        names: whether rows have the names of these folders; off, they have only a code.
        data: what the class works on.
        data_dir: where a known dataset's files are; None to look.
        log: takes one line for the user.

    Returns:
        A row a run, the spread, the best, and the mistakes that many made.

    Raises:
        UsageError: there is no such folder, or no run in it, or far too many.
        DataError: the dataset cannot be had.
    """
    root = Path(folder)
    if file_kind(root) != "a folder":
        raise UsageError(f"{root}: expected a folder in which a class has handed in its runs, found {file_kind(root)}.")
    if is_run(root):
        raise UsageError(f"{root} is one run. Expected the folder that holds the runs of all: {root.resolve().parent}")
    place = None if data_dir is None else Path(data_dir)
    dataset = data if isinstance(data, Dataset) else load(data, data_dir=place, log=log)
    rows, left_out = [], 0
    for at, problem in _handed_in(root):
        if problem or is_run(at):
            row = CollectedRun(error=problem) if problem else collected_run(at, dataset)
            rows.append((at.relative_to(root), row))
        else:
            left_out += 1
    rows += [(name, CollectedRun(error=EMPTY)) for name in _empty(root, [name for name, _ in rows])]
    if not rows:
        raise UsageError(f"{root}: expected run folders in it, found none. `fittingroom train` makes one, in runs/.")
    named = [replace(row, name=_plain(name.as_posix(), 3 * LONGEST)) if names else row for name, row in rows]
    ordered = sorted(_copies_marked(named), key=lambda row: (row.name, row.code) if names else (not row.code, row.code))
    return _told_together(ordered, dataset, left_out)


def _handed_in(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield every run folder with an empty text, what is to be told of with its sentence, and what holds no run."""
    waiting, looked, found = [(root, 0)], 0, 0
    while waiting:
        place, depth = waiting.pop()
        looked += 1
        if looked > MOST_FOLDERS or found > MOST_RUNS:
            raise UsageError(f"{root}: expected the runs of a class, found more than {MOST_FOLDERS:,} folders in it.")
        inside = _entries(place)
        if inside is None:
            yield place, "this folder cannot be opened"
            continue
        for entry in inside:
            path = place / entry.name
            if entry.is_symlink():
                yield path, "this is a link, and links are not followed: hand in the folder itself"
            elif not entry.is_dir(follow_symlinks=False):
                yield path, ARCHIVE if path.suffix.lower() in ARCHIVES else ""  # other files are only counted
            elif is_run(path):
                found += 1
                yield path, ""
            elif depth < DEEPEST:
                waiting.append((path, depth + 1))


def _empty(root: Path, found: Sequence[Path]) -> list[Path]:
    """Return the folders right in the class's in which nothing was found."""
    full = {path.parts[0] for path in found}
    inside = _entries(root) or []
    is_folder = {each.name for each in inside if each.is_dir(follow_symlinks=False)}
    return [Path(name) for name in sorted(is_folder - full)]


def _entries(place: Path) -> list[os.DirEntry[str]] | None:
    """Return what is in a folder, without what systems hide in it; None where it cannot be opened."""
    try:
        with os.scandir(place) as inside:
            shown = (entry for entry in inside if entry.name[0] != "." and entry.name != "__MACOSX")
            return sorted(shown, key=lambda entry: entry.name)
    except OSError:
        return None


def collected_run(folder: Path, data: Dataset) -> CollectedRun:
    """Return one run's row, judged anew; what cannot be read says so in it. Read once for as long as nothing changes.

    Args:
        folder: of the run.
        data: what it is judged on.
    """
    found = [(folder / name).lstat() for name in LIMITS if os.path.lexists(folder / name)]
    return _read(folder, tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found), data)


@lru_cache(maxsize=2 * MOST_RUNS)
def _read(folder: Path, stamps: tuple[tuple[int, int, int], ...], data: Dataset) -> CollectedRun:
    del stamps  # a file that changed makes it another call
    try:
        _check_files(folder)
        run = Run(folder)
        facts, history, looks = run.environment, run.history, run.test_looks
        last: Mapping[str, Any] = history[-1] if history else {}
        row = CollectedRun(
            model=_plain(Path(str(facts.get("model") or "own network").replace("\\", "/")).name, LONGEST),
            seed=facts["seed"],
            epochs=len(history),
            train_accuracy=_share(last.get("accuracy")),
            val_accuracy=_share(last.get("val_accuracy")),
            looks=sum(look.get("fingerprint") in (data.fingerprint, None) for look in looks),
        )
        marks = _marks_of_training(facts, row, data)
        if not (folder / PREDICTIONS).exists():
            return replace(row, marks=(*marks, ("not tested", "it has not been evaluated on the test images")))
        return _judged(row, marks, run, data)
    except (FittingRoomError, OSError, ValueError, MemoryError) as error:
        return CollectedRun(error=_without_paths(error, folder))


def _check_files(folder: Path) -> None:
    """Raise where a file that is to be read is none, or larger than any that a training writes.

    Raises:
        RunError: names the file.
    """
    for path in (folder / name for name in LIMITS):
        if path.is_symlink():
            raise RunError(f"{path} is a link, and links are not followed.")
    check_sizes(folder, LIMITS, RunError)


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def _marks_of_training(facts: Mapping[str, Any], row: CollectedRun, data: Dataset) -> list[tuple[str, str]]:
    """Return what there is to say of how a run was trained."""
    marks = []
    learned, own = facts.get("train_images") or 0, facts.get("fingerprint")
    if own not in (None, data.fingerprint) and facts.get("dataset") != "arrays":
        marks.append(("other data", f"it learned from data {_plain(str(own), 16)}, and not {data.fingerprint}"))
    if learned > len(data.train):
        marks.append(
            (
                "too many images",
                f"it learned from {counted(learned, 'image')}; there are {len(data.train):,} to learn from",
            )
        )
    if not facts.get("validation_images"):
        marks.append(("nothing held out", "it held out no images"))
    if row.train_accuracy is not None and row.val_accuracy is not None:
        gap = row.train_accuracy - row.val_accuracy
        if gap > WIDE_GAP:
            marks.append(("overfitting", f"{100 * gap:.1f} points better on its training images than on others"))
    if row.looks is not None and row.looks > 1:
        marks.append(("looks", f"it met the test images {counted(row.looks, 'time')}"))
    return marks


def _judged(row: CollectedRun, marks: list[tuple[str, str]], run: Run, data: Dataset) -> CollectedRun:
    """Return the row of a run with its score, judged anew from what it answered.

    Raises:
        RunError: its answers are none about these images.
    """
    kept = run.predictions
    code = hashlib.sha256(np.ascontiguousarray(kept.probabilities).tobytes()).hexdigest()[:6]
    if kept.fingerprint != data.fingerprint:
        words = f"it answered about data {_plain(kept.fingerprint, 16)}, and not {data.fingerprint}: no score"
        return replace(row, code=code, marks=(*marks, ("other data", words)))
    places, source = _images_answered(kept, data)
    labels = source.labels[places].astype(np.int64)
    predicted = kept.probabilities.argmax(axis=1)
    n, right = len(labels), int((predicted == labels).sum())
    accuracy = right / n
    strange = int((kept.labels != labels).sum())
    if strange:
        marks.append(("other labels", f"{strange:,} of its {counted(n, 'label')} are not the dataset's"))
    wrong = next((each for each in _claimed(run, kept) if abs(each - accuracy) > CLOSE), None)
    if wrong is not None:
        marks.append(("other score", f"it claims {wrong:.4f}, and its answers give {accuracy:.4f}"))
    is_test, whole = kept.split == "test", n == len(data.test)
    if is_test and not row.looks:
        marks.append(("looks", "it answered about test images, and no look at them is written down"))
    if not is_test:
        marks.append(("not tested", "it has not been evaluated on the test images"))
    elif not whole:
        marks.append(("part", f"it answered about {n:,} of {counted(len(data.test), 'test image')}"))
    if is_test and too_good_warning(accuracy, data.name):
        marks.append(("too good", "nothing documented reaches this: look for test images among its training images"))
    in_order = predicted[np.argsort(places)]
    return replace(
        row,
        code=code,
        split=kept.split,
        accuracy=accuracy,
        interval=wilson_interval(right, n),
        n=n,
        marks=tuple(marks),
        predicted=in_order if is_test and whole else None,
    )


def _claimed(run: Run, kept: Predictions) -> list[float]:
    """Return the accuracies that a run has written down for its answers: its verdict's, and its last look's."""
    verdict = run.verdict or {}
    of_answers = [verdict] if verdict.get("split") == kept.split else []
    if kept.split == "test":
        of_answers += [look for look in run.test_looks if look.get("fingerprint") == kept.fingerprint][-1:]
    return [each["accuracy"] for each in of_answers if each.get("accuracy") is not None]


def _images_answered(kept: Predictions, data: Dataset) -> tuple[Array, Any]:
    """Return where the images that were answered about stand in their split, and the split.

    Raises:
        RunError: there are no such images, or some are counted twice.
    """
    if kept.split not in ("test", "validation"):
        raise RunError(f"expected answers about test or validation images, found '{_plain(kept.split, LONGEST)}'.")
    source = data.test if kept.split == "test" else data.train
    if kept.class_names != data.class_names:
        raise RunError("expected the classes of the dataset in their order, found other names, or another order.")
    if not len(kept.indices) or len(np.unique(kept.indices)) != len(kept.indices):
        raise RunError("expected each image once, found some several times, or none at all.")
    places = source.positions(kept.indices)
    if len(places) != len(kept.indices):
        raise RunError(f"expected images of the dataset, found {len(kept.indices) - len(places):,} that it has not.")
    return places, source


def _copies_marked(rows: Sequence[CollectedRun]) -> list[CollectedRun]:
    """Mark rows whose every answer is the same: nothing tells which of them was first, so each names the others."""
    alike = defaultdict(list)
    for number, row in enumerate(rows):
        if row.predicted is not None and len(row.predicted) >= ENOUGH:
            alike[row.predicted.tobytes()].append(number)
    marked = list(rows)
    for numbers in alike.values():
        words = f"every answer is that of {counted(len(numbers) - 1, 'other row')}: a copy, or the same seed and recipe"
        for number in numbers if len(numbers) > 1 else ():
            kind = "copied" if number != numbers[0] else "counted once"
            marked[number] = replace(rows[number], marks=(*rows[number].marks, (kind, words)))
    return marked


def _told_together(rows: Sequence[CollectedRun], data: Dataset, left_out: int) -> ClassReport:
    """Return what the rows show together: spread, best, and mistakes that many made."""
    common = Counter(kind for row in rows for kind in {kind for kind, _ in row.marks})
    facts = (data.name, data.fingerprint, data.class_names, tuple(rows))
    told = ClassReport(*facts, common=tuple(common.most_common()), left_out=left_out)
    count = [row for row in rows if row.counts]
    if not count:
        return told
    n = len(data.test)
    answers = np.stack([row.predicted for row in count if row.predicted is not None])
    groups = defaultdict(list)
    for row in count:
        groups[row.model].append(row.accuracy or 0.0)
    best = max(range(len(count)), key=lambda number: count[number].accuracy or 0.0)
    return replace(
        told,
        test=over_seeds([row.accuracy or 0.0 for row in count], n),
        by_model=tuple((name, over_seeds(each, n)) for name, each in sorted(groups.items()) if len(each) > 1),
        best=count[best].code,
        like_best=_like_best(count, answers, best, data),
        confused=_confused(answers, data),
        hardest=_hardest(answers, data),
    )


def _like_best(rows: Sequence[CollectedRun], answers: Array, best: int, data: Dataset) -> tuple[str, ...]:
    """Return the rows whose difference to the best may be chance: McNemar's exact test, corrected after Bonferroni."""
    right = answers == data.test.labels

    def chance(number: int) -> float:
        only_best, only_other = (right[best] & ~right[number]).sum(), (right[number] & ~right[best]).sum()
        return mcnemar(int(only_best), int(only_other)) * (len(rows) - 1)

    return tuple(row.code for number, row in enumerate(rows) if number != best and chance(number) > 0.05)


def _confused(answers: Array, data: Dataset) -> tuple[tuple[int, int, float], ...]:
    counts = np.zeros((data.classes, data.classes), np.int64)
    np.add.at(counts, (np.broadcast_to(data.test.labels, answers.shape), answers), 1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:SHOWN_PAIRS]
    pairs = (divmod(int(place), data.classes) for place in order)
    return tuple(
        (true, said, round(float(counts[true, said]) / len(answers), 2)) for true, said in pairs if counts[true, said]
    )


def _hardest(answers: Array, data: Dataset) -> tuple[tuple[int, int, int, int], ...]:
    wrong = (answers != data.test.labels).sum(axis=0)
    order = [int(place) for place in np.argsort(-wrong, kind="stable")[:SHOWN_IMAGES] if wrong[place]]
    found = []
    for place in order:
        label = int(data.test.labels[place])
        said = Counter(int(answer) for answer in answers[:, place] if answer != label).most_common(1)[0][0]
        found.append((int(data.test.indices[place]), label, said, int(wrong[place])))
    return tuple(found)


def _plain(text: str, longest: int) -> str:
    """Return a text of a run's as one short line without anything that no page or terminal shows."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _without_paths(error: BaseException, folder: Path) -> str:
    """Return what went wrong without where: a folder's name may be a person's."""
    text = str(error) if isinstance(error, FittingRoomError) else f"{type(error).__name__}: {error}"
    for place in (str(folder), str(folder.resolve())):
        text = text.replace(f"{place}{os.sep}", "").replace(place, "the run")
    return _plain(" ".join(text.split()), 200)
