"""Score the network for photos: `make photo-check PHOTOS=DIR`; writes docs/photo-results.md.

Every photo of `train` and `extra` is answered by a network that saw no photo of its person; photos of person 0, whom
nobody knows, are not scored. The temperature, the score of none of these and its threshold, too, are fitted for each
fold on what the networks of the other folds say. The part `validation` is scored last, by the shipped file as `predict`
asks it, and only with `--validation`. (Nearly all of its persons have photos in `train` too, so that it flatters.) Each
look is a line of docs/photo-checks.md.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from folds import (
    DECLINED,
    RECIPE,
    Places,
    calibrated,
    calibration_error,
    none_scores,
    probabilities,
    rights,
    told,
    train_all,
)
from material import FOLDS, KINDS, Sources, check_archives, index_of, kept, make
from network import CLASSES
from numpy.typing import NDArray
from pictures import as_photo

import fittingroom as fr
from fittingroom.files import atomic_write
from fittingroom.inference.model_files import PHOTO_MODEL, find_onnx
from fittingroom.inference.predictor import open_predictor

if TYPE_CHECKING:
    from folds import Told
    from material import Photo

RESAMPLES = 2000
EACH_ARTICLE = 50
DOCS = Path(__file__).parent.parent.parent / "docs"
RESULTS, LOOKS = DOCS / "photo-results.md", DOCS / "photo-checks.md"
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """Answers to photos, one row each.

    Attributes:
        label: the collection's.
        person: whose.
        answerable: whether some class is right.
        is_right: whether the answer is.
        declined: whether it is called none of these.
        confidence: of the answer, 0 to 1.
        predicted: the answer, as a place among the classes.
        also_likely: whether another kind of article is said to be likely too.
    """

    label: NDArray[np.str_]
    person: NDArray[np.int64]
    answerable: Flags
    is_right: Flags
    declined: Flags
    confidence: NDArray[np.float64]
    predicted: NDArray[np.int64]
    also_likely: Flags

    def rows(self) -> dict[str, Flags]:
        """Return which photos are meant by each line under the table: without shoes, all, and those to decline."""
        shoes = self.label == "Shoes"
        sums = {"**without shoes**": self.answerable & ~shoes, "**all answerable**": self.answerable}
        return sums | {"**hats, shorts, skirts**": ~self.answerable}


def scored(photos: list[Photo], places: NDArray[np.int64], shares: NDArray[np.float64], declined: Flags) -> Scored:
    """Return what probabilities ``(n, 10)`` come to."""
    from fittingroom.workflows.picture_answers import several_warning

    right, predicted = rights(photos, places), shares.argmax(axis=1)
    some = [photos[place] for place in places]
    label, person = np.array([photo.label for photo in some]), np.array([photo.person for photo in some])
    is_right = right[np.arange(len(right)), predicted]
    several = np.array([bool(several_warning(dict(zip(CLASSES, row.tolist(), strict=True)))) for row in shares])
    return Scored(
        label, person, right.any(axis=1), is_right, declined, shares.max(axis=1), predicted, several & ~declined
    )


def cross_fitted(photos: list[Photo], heard: Told) -> tuple[Scored, dict[str, Flags]]:
    """Return the answers of all folds, and whether each picture of nothing is declined, by kind.

    What is fitted is fitted for each fold on the others.
    """
    right = rights(photos, heard.photos)
    shares, declined = np.zeros((len(right), len(CLASSES))), np.zeros(len(right), bool)
    nothing: dict[str, Flags] = {}
    for fold in np.unique(heard.fold):
        own = heard.fold == fold
        fitted = calibrated(heard.logits[~own], right[~own])
        shares[own] = probabilities(heard.logits[own], fitted.temperature)
        declined[own] = none_scores(heard.logits[own], fitted) > fitted.threshold
        for kind in (kind for kind, where in heard.nothing_fold.items() if where == fold):
            nothing[kind] = none_scores(heard.nothing[kind], fitted) > fitted.threshold
    return scored(photos, heard.photos, shares, declined), {kind: nothing[kind] for kind in KINDS if kind in nothing}


def interval(values: Flags, persons: NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a share, persons being drawn and not photos."""
    generator = np.random.default_rng(0)
    names, of = np.unique(persons, return_inverse=True)
    count, total = np.bincount(of, values, len(names)), np.bincount(of, minlength=len(names))
    drawn = generator.integers(0, len(names), (RESAMPLES, len(names)))
    low, high = np.percentile(count[drawn].sum(axis=1) / total[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)


def cell(values: Flags, persons: NDArray[np.int64]) -> str:
    """Return a share, how many it is of, and its interval."""
    if not len(values):
        return ""
    low, high = interval(values, persons)
    return f"{values.sum()}/{len(values)} = {values.mean():.3f} ({low:.3f} to {high:.3f})"


def summary(answers: Scored) -> dict[str, str]:
    """Return the figures that bars stand beside, each with n and interval."""
    rows, person = answers.rows(), answers.person
    clothes, all_of, rest = (rows[name] for name in rows)
    return {
        "right, without shoes": cell(answers.is_right[clothes], person[clothes]),
        "right, all": cell(answers.is_right[all_of], person[all_of]),
        "declined, hats, shorts and skirts": cell(answers.declined[rest], person[rest]),
        "declined, of the answerable": cell(answers.declined[all_of], person[all_of]),
        "calibration error": f"{calibration_error(answers.confidence[all_of], answers.is_right[all_of]):.3f}, "
        f"n {all_of.sum():,}",
    }


def figures(out: Path, photos: Path) -> dict[str, str]:
    """Return the folds' figures, for the card."""
    index = index_of(photos)
    return summary(cross_fitted(index, told(out, index, RECIPE))[0])


def table(answers: Scored) -> str:
    """Return the table by folder, and what is under the line."""
    rows = ["| folder | right (95 % over persons) | declined (95 %) |", "| --- | --- | --- |"]
    folders = {str(one): answers.label == one for one in np.unique(answers.label)}
    for name, part in (folders | answers.rows()).items():
        can = part & answers.answerable
        right = cell(answers.is_right[can], answers.person[can])
        rows.append(f"| {name} | {right} | {cell(answers.declined[part], answers.person[part])} |")
    return "\n".join(rows)


def confusion(answers: Scored) -> str:
    """Return what the photos of each folder were called, as lines."""
    lines = []
    for name in np.unique(answers.label):
        counts = np.bincount(answers.predicted[answers.label == name], minlength=len(CLASSES))
        order = [place for place in np.argsort(-counts) if counts[place]]
        lines.append(f"- {name}: " + ", ".join(f"{CLASSES[place]} {counts[place]}" for place in order))
    return "\n".join(lines)


def sureness(answers: Scored) -> str:
    """Return how often answers of some confidence are right, and how often several articles are said to be there."""
    edges = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)
    rows = ["| confidence | right | n |", "| --- | --- | --- |"]
    for low, high in itertools.pairwise(edges):
        part = answers.answerable & (answers.confidence >= low) & (answers.confidence < high)
        share = f"{answers.is_right[part].mean():.2f}" if part.any() else ""
        rows.append(f"| {low:.1f} to {min(high, 1):.1f} | {share} | {part.sum():,} |")
    told_so = answers.also_likely[answers.answerable]
    words = (
        f"That several articles may be in the photo is said of {told_so.sum()}/{len(told_so)} = {told_so.mean():.3f}."
    )
    return "\n".join([*rows, "", words])


def nothing_table(nothing: dict[str, Flags]) -> str:
    """Return how much of each kind of nothing is declined."""
    rows = [f"| {kind} | {flags.sum()}/{len(flags)} = {flags.mean():.3f} |" for kind, flags in nothing.items()]
    return "\n".join(["| nothing, by a network that never trained on the kind | declined |", "| --- | --- |", *rows])


def articles_table(folder: Path, archives: Path, cache: Path, seed: int = 1) -> str:
    """Return how often the shipped file names Fashion-MNIST's articles, rendered as photos and as shop pictures.

    The articles are of its training part, and others than were learned from; they stand in for bags and shoes, of which
    there are no such photos.
    """
    sources, predictor = Sources(folder, archives), open_predictor(PHOTO_MODEL)
    known = {one.rpartition(" ")[2] for one in kept(cache, "articles", sources.photos).source if "article" in one}
    rows = ["| article | as a photo | as a shop's picture |", "| --- | --- | --- |"]
    for label, name in enumerate(CLASSES):
        generator = np.random.default_rng([seed, label])
        places = [one for one in np.flatnonzero(sources.articles.labels == label) if str(one) not in known]
        cells = []
        for is_shop in (False, True):
            drawn = generator.choice(places, EACH_ARTICLE, replace=False)
            grounds = [None if is_shop else sources.background(generator)[0] for _ in drawn]
            seen = [
                as_photo(sources.articles.images[one], label, ground, generator)
                for one, ground in zip(drawn, grounds, strict=True)
            ]
            right = predictor.ask(np.stack(seen))[0].argmax(axis=1) == label
            cells.append(f"{right.sum()}/{EACH_ARTICLE} = {right.mean():.2f}")
        rows.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(rows)


def validation(photos: list[Photo], folder: Path) -> Scored:
    """Score the shipped file on the part `validation`, person 0 left out."""
    places = np.flatnonzero([photo.part == "validation" and photo.person != 0 for photo in photos])
    answers: list[Any] = fr.predict_photos([folder / photos[place].file for place in places])
    shares = np.array([list(one.probabilities.values()) for one in answers])
    return scored(photos, places, shares, np.array([one.none_of_these for one in answers]))


def look(what: str, answers: Scored) -> None:
    """Write a look down."""
    file = find_onnx(PHOTO_MODEL)
    mark = sha256(file.read_bytes()).hexdigest()[:8] if file is not None and what == "validation" else "-"
    cells = (f"{datetime.now(UTC):%Y-%m-%d %H:%M}", what, mark, *summary(answers).values())
    atomic_write(LOOKS, LOOKS.read_text("utf-8") + f"| {' | '.join(cells)} |\n")


def report(
    answers: Scored, nothing: dict[str, Flags], folds: int, articles: str, validated: Scored | None = None
) -> str:
    """Return the page."""
    parts = [
        "<!-- Written by `make photo-check`; do not edit. -->\n\n# The network for photos, measured",
        f"{folds} of {FOLDS} folds of persons; {len(set(answers.person.tolist()))} persons, {len(answers.person):,} "
        "photos, each answered by a network that saw none of its person's. The threshold is to decline "
        f"{DECLINED:.0%} of what can be answered. Intervals: 95 %, bootstrap over persons, 2,000 resamples.",
        "## By folder",
        table(answers),
        "What the photos of each folder were called:",
        confusion(answers),
        "## How sure",
        sureness(answers),
        "## Nothing",
        nothing_table(nothing),
        "## Fashion-MNIST's articles as photos",
        "Of the training part, others than were learned from, with everything that is done to them for learning, by "
        "the shipped file:",
        articles,
        "## The figures that have bars",
        bars({"folds": answers} | ({} if validated is None else {"validation": validated})),
    ]
    if validated is not None:
        parts += ["## The part `validation`, by folder", table(validated)]
    return "\n\n".join(parts) + "\n"


def bars(parts: dict[str, Scored]) -> str:
    """Return the figures that have bars, as a table."""
    rows = ["| | bar | found |", "| --- | --- | --- |"]
    for name, answers in parts.items():
        rows += [
            f"| {name}: {what} | {BARS.get((name, what), '')} | {found} |" for what, found in summary(answers).items()
        ]
    return "\n".join(rows)


BARS = {
    ("folds", "right, without shoes"): "0.86",
    ("folds", "declined, hats, shorts and skirts"): "0.90",
    ("folds", "declined, of the answerable"): "at most 0.04",
    ("folds", "calibration error"): "at most 0.03",
    ("validation", "right, without shoes"): "0.92",
    ("validation", "right, all"): "0.93",
}


def main() -> None:
    """Train what is missing, print the tables and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="the collection's folder, with index.csv")
    parser.add_argument("--out", type=Path, required=True, help="where the folds are, or are to be")
    parser.add_argument("--archives", type=Path, help="the folder of the archives; OUT/archives if left out")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is left to chance")
    parser.add_argument("--processes", type=int, default=2, help="at once, of one thread each")
    parser.add_argument("--as-is", action="store_true", help="score the folds that are done, train none")
    parser.add_argument("--validation", action="store_true", help="score the shipped file on the part validation too")
    asked = parser.parse_args()
    archives, cache = asked.archives or asked.out / "archives", asked.out / "cache"
    if not asked.as_is:
        list(check_archives(archives))
        make(asked.photos, archives, cache, asked.seed, asked.processes)
        places = Places(asked.photos, archives, cache, asked.out)
        train_all(RECIPE, places, asked.seed, asked.processes, range(FOLDS))
    photos = index_of(asked.photos)
    heard = told(asked.out, photos, RECIPE)
    answers, nothing = cross_fitted(photos, heard)
    validated = validation(photos, asked.photos) if asked.validation else None
    articles = articles_table(asked.photos, archives, cache)
    page = report(answers, nothing, len(np.unique(heard.fold)), articles, validated)
    look("folds", answers)
    if validated is not None:
        look("validation", validated)
    print(page)
    atomic_write(RESULTS, page)


if __name__ == "__main__":
    main()
