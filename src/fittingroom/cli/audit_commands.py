"""`fittingroom audit`: look for what is wrong in a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fittingroom.cli.options import DataDir, DatasetName, Json, Quiet, whole
from fittingroom.cli.output import emit, emit_json, log_unless, progress, table

if TYPE_CHECKING:
    from fittingroom.audit.auditing import Audit

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
    with progress(quiet_) as on_progress:
        found = audit_dataset(
            dataset,
            recipe=recipe,
            run=run,
            out=out,
            folds=folds,
            test=not no_test,
            data_dir=data_dir,
            log=log_unless(quiet_),
            on_progress=on_progress,
        )
    if json:
        emit_json({**found.to_dict(), "folder": str(found.folder)})
        return
    _print(found)


def _print(found: Audit) -> None:
    from fittingroom.pages.audit.values import headline, leak_sentence, overlap_sentence, shown_suspects, split_sentence

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
    emit(leak_sentence(found))
    emit(f"The page: {found.folder / 'audit.html' if found.folder else ''}")
    if found.folder is not None:
        edits = found.folder / "edits.csv"
        emit(f"To be completed: {edits}\nThen: fittingroom train --edits {edits}")
