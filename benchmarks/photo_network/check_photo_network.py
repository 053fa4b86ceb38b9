"""Score the network for photos: folds by person, kinds of nothing, calibration; and the validation part, once.

Every photo of `train` and `extra` is answered by a network that saw no photo of its person. The temperature, the score
of none of these and its threshold, too, are fitted for each fold on what the networks of the other folds say. The part
`validation` is scored last, by the file that is shipped, and only with `--validation`; each such look is a line of
RUN/looks.md. (Nearly all of its persons have photos in `train` too, so that it flatters.)
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from photo_learning import (
    DECLINED,
    Places,
    calibrated,
    calibration_error,
    none_scores,
    probabilities,
    rights,
    told,
    train_all,
)
from photo_material import FOLDS, KINDS, index_of, make
from photo_network import CLASSES, INPUT, NONE, PROBABILITIES, stretched
from PIL import Image
from train_photo_network import RECIPE

if TYPE_CHECKING:
    from photo_learning import Told
    from photo_material import Photo

RESAMPLES = 2000
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
    """

    label: NDArray[np.str_]
    person: NDArray[np.int64]
    answerable: Flags
    is_right: Flags
    declined: Flags
    confidence: NDArray[np.float64]
    predicted: NDArray[np.int64]


def scored(photos: list[Photo], places: NDArray[np.int64], shares: NDArray[np.float64], declined: Flags) -> Scored:
    """Return what probabilities ``(n, 10)`` come to."""
    right, predicted = rights(photos, places), shares.argmax(axis=1)
    some = [photos[place] for place in places]
    label, person = np.array([photo.label for photo in some]), np.array([photo.person for photo in some])
    is_right = right[np.arange(len(right)), predicted]
    return Scored(label, person, right.any(axis=1), is_right, declined, shares.max(axis=1), predicted)


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


def table(answers: Scored) -> str:
    """Return the table by folder, and what is under the line."""
    shoes = answers.label == "Shoes"
    sums = {"**without shoes**": answers.answerable & ~shoes, "**all answerable**": answers.answerable}
    sums["**hats, shorts, skirts**"] = ~answers.answerable
    rows = ["| folder | right (95 % over persons) | declined (95 %) |", "| --- | --- | --- |"]
    for name, part in {**{str(one): answers.label == one for one in np.unique(answers.label)}, **sums}.items():
        can = part & answers.answerable
        right = cell(answers.is_right[can], answers.person[can])
        rows.append(f"| {name} | {right} | {cell(answers.declined[part], answers.person[part])} |")
    can = answers.answerable
    error = calibration_error(answers.confidence[can], answers.is_right[can])
    return "\n".join([*rows, "", f"Calibration error of the answerable: {error:.3f} (n {can.sum():,})."])


def confusion(answers: Scored) -> str:
    """Return what the photos of each folder were called, as lines."""
    lines = []
    for name in np.unique(answers.label):
        counts = np.bincount(answers.predicted[answers.label == name], minlength=len(CLASSES))
        order = [place for place in np.argsort(-counts) if counts[place]]
        lines.append(f"- {name}: " + ", ".join(f"{CLASSES[place]} {counts[place]}" for place in order))
    return "\n".join(lines)


def nothing_table(nothing: dict[str, Flags]) -> str:
    """Return how much of each kind of nothing is declined."""
    rows = [f"| {kind} | {flags.sum()}/{len(flags)} = {flags.mean():.3f} |" for kind, flags in nothing.items()]
    return "\n".join(["| nothing, by a network that never trained on the kind | declined |", "| --- | --- |", *rows])


def validation(photos: list[Photo], asked: argparse.Namespace) -> str:
    """Score the file on the part `validation`, person 0 left out, and note the look."""
    card = json.loads((asked.run / "photo.json").read_text())
    session = onnxruntime.InferenceSession(asked.run / "photo.onnx")
    places = np.flatnonzero([photo.part == "validation" and photo.person != 0 for photo in photos])
    opened = (np.asarray(Image.open(asked.photos / photos[place].file).convert("RGB")) for place in places)
    answers = [session.run([PROBABILITIES, NONE], {INPUT: stretched(pixels)[None]}) for pixels in opened]
    shares, none = (np.concatenate([answer[place] for answer in answers]).astype(np.float64) for place in (0, 1))
    found = table(scored(photos, places, shares, none > card["none_of_these"]["threshold"]))
    with (asked.run / "looks.md").open("a") as file:
        last = found.splitlines()[-5:-3]
        file.write(f"- {datetime.now(UTC):%Y-%m-%d %H:%M} {card['sha256'][:12]}: {' '.join(last)}\n")
    return found


def main() -> None:
    """Train what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="the collection's folder, with index.csv")
    parser.add_argument("--run", type=Path, required=True, help="where the folds are, or are to be")
    parser.add_argument(
        "--wheels", type=Path, default=Path(__file__).parent / "wheels", help="the folder of the archives"
    )
    parser.add_argument("--cache", type=Path, help="where activations are; RUN/cache if not given")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is left to chance")
    parser.add_argument("--as-is", action="store_true", help="score the folds that are done, train none")
    parser.add_argument("--validation", action="store_true", help="score RUN/photo.onnx on the part validation")
    asked = parser.parse_args()
    cache = asked.cache or asked.run / "cache"
    if not asked.as_is:
        make(asked.photos, asked.wheels, cache, asked.seed)
        train_all(RECIPE, Places(asked.photos, asked.wheels, cache, asked.run), asked.seed, numbers=range(FOLDS))
    photos = index_of(asked.photos)
    heard = told(asked.run, photos, RECIPE)
    answers, nothing = cross_fitted(photos, heard)
    folds = ", ".join(str(one + 1) for one in np.unique(heard.fold))
    print(
        f"Folds {folds} of {FOLDS}, {len(set(answers.person.tolist()))} persons; declining {DECLINED:.0%} is wanted.\n"
    )
    print(f"{table(answers)}\n\n{confusion(answers)}\n\n{nothing_table(nothing)}")
    if asked.validation:
        print(f"\nValidation, {asked.run / 'photo.onnx'}:\n\n{validation(photos, asked)}")


if __name__ == "__main__":
    main()
