"""`fittingroom predict`: name photos of garments, and pictures that are data already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from fittingroom.cli.options import Json, ModelName, Quiet
from fittingroom.cli.output import emit, emit_json, say, speaker, table
from fittingroom.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fittingroom.workflows.naming import Namer
    from fittingroom.workflows.predicting import Answer, Failure

PHOTO_MODEL = "fashion-mnist/photo"


def predict(
    *pictures: Annotated[Path, Parameter(help="Pictures, or folders of them.")],
    model: ModelName = PHOTO_MODEL,
    as_: Annotated[
        Literal["auto", "data", "photo"],
        Parameter(
            name="--as", help="data is taken as it is; auto: .npy and grey pictures of the model's size are data."
        ),
    ] = "auto",
    explain: Annotated[Path | None, Parameter(help="Folder for one picture a photo: every step, and why.")] = None,
    sort_into: Annotated[
        Path | None, Parameter(help="Folder to copy the files into, a folder for each answer.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Name what is on photos of garments; or on pictures that look like the dataset's already.

    A photo may be JPEG, PNG, WebP, HEIC, TIFF, GIF or BMP of any size: the article is found, cut out, and shown to the
    model as the dataset would show it. Exits with 1 where some pictures failed, with 2 where all did.
    """
    from fittingroom.workflows.naming import open_namer
    from fittingroom.workflows.predicting import name_pictures, pictures_in

    if not pictures:
        raise UsageError("Expected at least one picture or folder. Example: fittingroom predict shirt.jpg")
    files = pictures_in(pictures)
    namer = open_namer(model or PHOTO_MODEL)
    answers = _carried_out(name_pictures(files, namer, as_), namer, explain, sort_into)
    _print(answers, namer, json, quiet)
    failed = sum(_is_failure(answer) for answer in answers)
    return 0 if not failed else 2 if failed == len(answers) else 1


def _carried_out(
    answers: Iterable[Answer | Failure], namer: Namer, explain: Path | None, sort_into: Path | None
) -> list[Answer | Failure]:
    """Return the answers without their pictures, so that a thousand photos fit in memory, copied and explained."""
    from dataclasses import replace

    from fittingroom.workflows import sorting
    from fittingroom.workflows.predicting import Answer

    kept: list[Answer | Failure] = []
    for answer in answers:
        if isinstance(answer, Answer):
            if explain is not None:
                sorting.save_explanation(explain, answer, namer.threshold)
            if sort_into is not None:
                sorting.sort_into(sort_into, answer)
            kept.append(replace(answer, prepared=None))
        else:
            kept.append(answer)
    return kept


def _print(answers: list[Answer | Failure], namer: Namer, json: bool, quiet: bool) -> None:
    from fittingroom.workflows.predicting import Answer, as_row

    if json:
        emit_json([as_row(answer) for answer in answers])
        return
    tell = speaker(quiet)
    if namer.temperature != 1:
        tell(f"Probabilities of {namer.title} are tempered: divided by {namer.temperature:g} before softmax.")
    good = [answer for answer in answers if isinstance(answer, Answer)]
    if good:
        emit(table(["picture", "taken as", "is", "confidence", "else"], [_text(answer) for answer in good]))
    for answer in good:
        for note in answer.warnings:
            tell(f"{answer.path}: {note}.")
    for failed in answers:
        if not isinstance(failed, Answer):
            say(f"fittingroom: {failed.error}")


def _is_failure(answer: Answer | Failure) -> bool:
    return hasattr(answer, "error")


def _text(answer: Answer) -> tuple[str, ...]:
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])
    others = ", ".join(f"{name} {share:.1%}" for name, share in ranked[1:3])
    label = f"none of these ({answer.label}?)" if answer.none_of_these else answer.label
    return answer.path, answer.taken_as, label, f"{answer.confidence:.1%}", others
