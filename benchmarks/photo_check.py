"""Score the shipped photo model on real photos; `make photo-check` runs it.

Usage: photo_check.py [--choosing] [--model M]
Without --choosing the photos held back for scoring are read, and a line is added to docs/photo-checks.md: every look at
them is written down. With --choosing the other half is, which thresholds and choices were made on; nothing is written.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from photo_folder import ANSWERABLE, RIGHT, UNANSWERABLE, auroc, interval, photos

import fittingroom as fr
from fittingroom.files import atomic_write
from fittingroom.inference.model_files import find_onnx
from fittingroom.workflows.picture_answers import PictureAnswer

LOG = Path(__file__).parent.parent / "docs" / "photo-checks.md"
HEAD = """<!-- Written by `make photo-check`; a line for every look at the photos held back for scoring. -->

# Every look at the photos held back

| when | model | right, not shoes | 95 % | shoes | hat, shorts, skirt declined | the rest declined | AUROC | n |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Scores:
    """What came of one folder or several.

    Attributes:
        folders: of each photo.
        is_right: of each photo; False where it could not be answered.
        is_declined: of each photo.
        score: none-of-these score of each photo; 1 where it could not be answered.
    """

    folders: np.ndarray
    is_right: np.ndarray
    is_declined: np.ndarray
    score: np.ndarray

    def of(self, names: list[str]) -> Scores:
        """Return the part in some folders."""
        chosen = np.isin(self.folders, names)
        return Scores(self.folders[chosen], self.is_right[chosen], self.is_declined[chosen], self.score[chosen])


def measure(paths: list[Path], model: str) -> Scores:
    """Answer the photos and hold the answers against their folders."""
    answers = fr.predict_photos(paths, model)
    rows = []
    for path, answer in zip(paths, answers, strict=True):
        folder = path.parent.name
        good = isinstance(answer, PictureAnswer)
        right = good and answer.label in RIGHT[folder]
        rows.append((folder, right, not good or bool(answer.none_of_these), answer.none_of_these_score if good else 1))
    folders, right, declined, score = zip(*rows, strict=True)
    numbers = [0.0 if value is None else value for value in score]
    return Scores(np.array(folders), np.array(right), np.array(declined), np.array(numbers))


def line(name: str, scores: Scores, answerable: bool) -> str:
    """Return a row of the table for a folder or several."""
    n, declined = len(scores.folders), f"{scores.is_declined.sum()}/{len(scores.folders)}"
    if not answerable:
        low, high = interval(scores.is_declined, scores.folders)
        return f"| {name} | | | {declined} | {scores.is_declined.mean():.2f} ({low:.2f} to {high:.2f}) |"
    low, high = interval(scores.is_right, scores.folders)
    share = f"{scores.is_right.mean():.2f} ({low:.2f} to {high:.2f})"
    return f"| {name} | {scores.is_right.sum()}/{n} | {share} | {declined} | {scores.is_declined.mean():.2f} |"


def table(scores: Scores) -> str:
    """Return the whole table."""
    clothes = [name for name in ANSWERABLE if name != "shoes"]
    rows = [line(name, scores.of([name]), name in ANSWERABLE) for name in RIGHT]
    rows += [
        line("**all without shoes**", scores.of(clothes), True),
        line("**all that can be answered**", scores.of(ANSWERABLE), True),
        line("**hat, shorts, skirt**", scores.of(UNANSWERABLE), False),
    ]
    head = "| folder | right | share (95 % bootstrap) | declined | share |\n| --- | --- | --- | --- | --- |\n"
    area = auroc(scores.score, np.isin(scores.folders, UNANSWERABLE))
    return head + "\n".join(rows) + f"\n\nAUROC of the none-of-these score: {area:.3f}.\n"


def log_line(scores: Scores, model: str) -> str:
    """Return the line that is kept of a look."""
    clothes = scores.of([name for name in ANSWERABLE if name != "shoes"])
    shoes, no, yes = scores.of(["shoes"]), scores.of(UNANSWERABLE), scores.of(ANSWERABLE)
    low, high = interval(clothes.is_right, clothes.folders)
    file = find_onnx(model)
    mark = hashlib.sha256(file.read_bytes()).hexdigest()[:8] if file else "-"
    cells = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        f"{model} {mark}",
        f"{clothes.is_right.mean():.3f}",
        f"{low:.2f} to {high:.2f}",
        f"{shoes.is_right.mean():.2f}",
        f"{no.is_declined.mean():.2f}",
        f"{yes.is_declined.mean():.2f}",
        f"{auroc(scores.score, np.isin(scores.folders, UNANSWERABLE)):.3f}",
        str(len(scores.folders)),
    )
    return "| " + " | ".join(cells) + " |\n"


def main() -> None:
    """Measure, print, and write the look down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choosing", action="store_true", help="the half for choosing; nothing is written down")
    parser.add_argument("--model", default="fashion-mnist/photo")
    asked = parser.parse_args()
    scores = measure(photos(choosing=asked.choosing), asked.model)
    print(table(scores))
    if not asked.choosing:
        atomic_write(LOG, (LOG.read_text("utf-8") if LOG.exists() else HEAD) + log_line(scores, asked.model))
        print(f"The look is written down in {LOG}.")


if __name__ == "__main__":
    main()
