"""`fittingroom audit` and `suggest-labels`: what is wrong in a dataset, and which pictures to label next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from fittingroom.cli.job_table import job_table
from fittingroom.cli.options import DataDir, DatasetName, Json, ModelName, On, Quiet, Threads, whole
from fittingroom.cli.output import emit, emit_json, log_unless, progress, table
from fittingroom.errors import UsageError
from fittingroom.words import counted

if TYPE_CHECKING:
    from fittingroom.audit.auditing import Audit
    from fittingroom.pages.label_sheet import LabelSheet

SHOWN = 10  # suspects that are printed; all are in the folder


def audit(
    *,
    dataset: DatasetName = "fashion-mnist",
    recipe: Annotated[
        str | None, Parameter(help="How the networks are trained: a name (`fittingroom recipes list`); 90 if left out.")
    ] = None,
    run: Annotated[
        Path | None, Parameter(help="Audit only the images that this run held out, by its answers; trains nothing.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="The audit's folder; audits/DATASET-RECIPE if left out.")] = None,
    folds: Annotated[int, Parameter(help="Networks, each asked about the images that it has not seen."), whole(2)] = 5,
    no_test: Annotated[bool, Parameter(help="Leave the labels of the test images alone: no test look.")] = False,
    on: On = None,
    threads: Threads = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Look for what is wrong in a dataset: labels, near-duplicates, test images that training holds, odd pictures.

    Out comes a folder with a page, audit.json, suspects.csv, and edits.csv to be completed: keep, exclude, relabel
    CLASS. Then `fittingroom train --edits` trains on what is left. What was interrupted goes on by the same command.
    """
    from fittingroom.pages.audit_report import audit_dataset

    quiet_ = quiet or json
    elsewhere = on is not None
    with progress(quiet_ or elsewhere) as on_progress, job_table(quiet_ or not elsewhere) as on_job:
        found = audit_dataset(
            dataset,
            recipe=recipe,
            run=run,
            out=out,
            folds=folds,
            test=not no_test,
            data_dir=data_dir,
            on=on,
            threads=threads,
            log=log_unless(quiet_),
            on_progress=on_progress,
            on_job=on_job,
        )
    if json:
        emit_json({**found.to_dict(), "folder": str(found.folder)})
        return
    _print(found)


def _print(found: Audit) -> None:
    from fittingroom.pages.audit.values import (
        cost_sentence,
        headline,
        leak_sentence,
        overlap_sentence,
        shown_suspects,
        split_sentence,
        wider_leak_sentence,
    )

    emit(headline(found))
    for split in found.splits:
        emit(split_sentence(split))
        if split.overlaps:
            emit(overlap_sentence(split.overlaps[0], found.class_names))
    names = found.class_names
    rows = [
        (one.item.split, one.item.index, names[one.item.label], names[one.suggested], f"{one.score:.5f}")
        for one in shown_suspects(found)[:SHOWN]
    ]
    if rows:
        emit("\n" + table(["split", "image", "label", "or rather", "score"], rows) + "\n")
    emit(f"{leak_sentence(found)} {wider_leak_sentence(found)}")
    emit(cost_sentence(found))
    emit(f"The page: {found.folder / 'audit.html' if found.folder else ''}")
    if found.folder is not None:
        edits = found.folder / "edits.csv"
        emit(f"To be completed: {edits}\nThen: fittingroom train --edits {edits}")


def suggest_labels(
    folder: Annotated[Path, Parameter(help="Pictures without labels; with --into, a sheet that was completed.")],
    *,
    model: ModelName = None,
    count: Annotated[int, Parameter(help="How many pictures to suggest."), whole(1)] = 100,
    strategy: Annotated[
        Literal["margin", "margin-diversity", "diversity", "random"],
        Parameter(help="What they are chosen by: where the model wavers, what is unlike each other, or both."),
    ] = "margin",
    out: Annotated[Path | None, Parameter(help="The sheet's folder; audits/NAME-labels if left out.")] = None,
    without: Annotated[
        tuple[Path, ...], Parameter(help="An earlier sheet, whose decided pictures are left out; may be repeated.")
    ] = (),
    into: Annotated[
        Path | None, Parameter(help="Copy what was labelled on the sheet FOLDER into a folder for each class here.")
    ] = None,
    seed: Annotated[int, Parameter(help="Of what is drawn."), whole(0)] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Choose, of pictures without labels, those that would teach a model most, as a sheet to label.

    Out comes a folder with labels.html to look at and labels.csv to be completed, in a spreadsheet or with a key a
    picture in the studio's part Curate. Then --into sorts what was labelled into folders, of which
    `fittingroom data import` makes a dataset.
    """
    from fittingroom.pages.label_sheet import open_label_sheet
    from fittingroom.pages.label_sheet import suggest_labels as suggest

    if into is not None:
        number = open_label_sheet(folder).sort_into(into)
        if json:
            emit_json({"labelled": number, "into": str(into)})
        else:
            emit(f"{counted(number, 'labelled picture')}, copied into {into}, a folder for each class.")
        return
    if without and any(not (one / "labels.csv").is_file() for one in without):
        raise UsageError("Expected after --without the folder of a sheet, with its labels.csv.")
    found = suggest(
        folder,
        model,
        count=count,
        strategy=strategy,
        out=out,
        without=without,
        seed=seed,
        log=log_unless(quiet or json),
    )
    if json:
        emit_json({"folder": str(found.folder), "suggested": len(found), **found.facts})
        return
    _print_sheet(found)


def _print_sheet(found: LabelSheet) -> None:
    from fittingroom.pages.label_sheet import reason_of

    emit(f"{counted(len(found), 'picture')} of {found.facts['pictures']:,}, chosen by {found.facts['strategy']}.")
    rows = [(number, found.files[number], reason_of(found, number)) for number in range(min(SHOWN, len(found)))]
    emit("\n" + table(["", "picture", "why"], rows) + "\n")
    emit(f"The page: {found.folder}/labels.html\nTo be completed: {found.folder}/labels.csv, or in the studio, Curate")
    emit(f"Then: fittingroom suggest-labels {found.folder} --into labelled")
