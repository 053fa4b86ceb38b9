"""`fittingroom.audit_dataset`: a dataset audited, and its folder: audit.json, suspects.csv, edits.csv and a page."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import check_whole
from fittingroom.audit.audit_files import note_look, write_audit
from fittingroom.audit.auditing import Audit, audited
from fittingroom.audit.folds import FOLDS, RECIPE, Answers, cross_validate, make_folder
from fittingroom.data import Dataset, Log, Split, load, no_log
from fittingroom.data.accepting import accept_pair
from fittingroom.errors import RunError, UsageError
from fittingroom.extras import install_line, missing
from fittingroom.files import atomic_write
from fittingroom.jobs.places import MOST_THREADS, find_place
from fittingroom.jobs.run_jobs import OnJob, no_job_lines
from fittingroom.mapped_arrays import is_large
from fittingroom.models.feature_extractor import feature_extractor, in_batches
from fittingroom.pages.audit.gather import pictures_of_audit
from fittingroom.pages.audit.page import audit_page
from fittingroom.processes import peak_bytes
from fittingroom.progress import OnProgress, no_progress
from fittingroom.runs import Run, open_run
from fittingroom.words import counted
from fittingroom.workflows.run_data import as_trained_on, run_dataset, run_predictions

if TYPE_CHECKING:
    from fittingroom.training import Recipe

ROOT = Path("audits")
PAGE = "audit.html"


def audit_dataset(
    data: Any = "fashion-mnist",
    *,
    recipe: str | Path | Recipe | None = None,
    run: Run | str | Path | None = None,
    out: str | Path | None = None,
    folds: int = FOLDS,
    test: bool = True,
    data_dir: str | Path | None = None,
    on: str | None = None,
    threads: int | None = None,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
    on_job: OnJob = no_job_lines,
) -> Audit:
    """Look for what is wrong in a dataset: labels, near-duplicates, leaks, odd pictures; ``fittingroom audit`` is this.

    Every training image is answered by a network that has not seen it: the images are divided into folds, and a network
    is trained on all but one of them, for each. Test images are answered by the mean of these networks, and that is a
    test look, which is written down; nothing trains on them. A call that was interrupted goes on fold by fold.

    Args:
        data: a name or folder as `load` takes it, a `Dataset`, or images and labels in any form that `data.accepting`
            knows, which are then all training images.
        recipe: of the ladder, a TOML file or a `Recipe`: how the networks are trained; "90" where it is None.
        run: a run whose held-out images are audited instead, with its answers; nothing is trained, and no test image
            is looked at.
        out: the audit's folder; ``audits/`` and the dataset's and the recipe's name where it is None.
        folds: how many, 2 or more.
        test: whether the test images' labels are audited too.
        data_dir: where a known dataset's files are; None to look.
        on: where the networks are trained: None for this process, one after another; ``local``, ``local:4``, a Dask
            scheduler's address or ``slurm:FILE`` as `train_seeds` takes them, of data that have a name or a path.
        threads: of the processor, of each training, which are part of what it gives; where it is None torch's own
            choice, for worker processes a fair share of the cores, and on a cluster one.
        log: takes one line for the user.
        on_progress: takes the progress of the training that this process is at.
        on_job: takes where each fold stands.

    Returns:
        What was found; the folder has it as ``audit.json``, ``suspects.csv``, ``edits.csv`` to be completed, and
        ``audit.html``.

    Raises:
        UsageError: cleanlab is not installed; images that cannot be divided into folds; labels that no network learns;
            a cluster that is not there.
        DataError: images or labels that are not what they should be.
        RunError: the folder holds an audit of something else, or the run has no held-out images.
        Interrupted: the user stopped it; the same call goes on.
    """
    if missing("audit"):
        raise UsageError(f"An audit needs cleanlab, which is not installed. Install it: {install_line('audit')}")
    _refuse_together(data, recipe, run, on, threads)
    begun = time.perf_counter()
    folds = check_whole(folds, "folds", 2, None)
    many = find_place(on, None if threads is None else check_whole(threads, "threads", least=1, most=MOST_THREADS))
    where = Path(data_dir) if data_dir is not None else None
    if run is not None:
        opened = run if isinstance(run, Run) else open_run(run)
        dataset = _data_of_run(opened, data, where, log)
        _check_size(dataset)
        answers, split = _held_out_answers(opened, dataset, log), "validation"
        folder = Path(out) if out is not None else ROOT / f"{_plain(dataset.name)}-{opened.name}"
        make_folder(folder)
    else:
        dataset, split, chosen = _loaded(data, where, log), "train", recipe if recipe is not None else RECIPE
        _check_size(dataset)
        title = Path(chosen).stem if isinstance(chosen, str | Path) else "recipe"
        folder = Path(out) if out is not None else ROOT / f"{_plain(dataset.name)}-{title}"
        source = data if isinstance(data, str | Path) else None
        told: dict[str, Any] = {"log": log, "on_progress": on_progress, "on_job": on_job}
        asked: dict[str, Any] = {"folds": folds, "with_test": test, "threads": threads}
        answers = cross_validate(
            dataset, chosen, folder / "folds", place=many, source=source, data_dir=where, **asked, **told
        )
    answered = round(time.perf_counter() - begun, 2)
    found = audited(dataset, answers, split=split, log=log)
    seconds = {"answers": answered, **found.seconds}
    found = replace(found, seconds={**seconds, "total": round(time.perf_counter() - begun, 2)}, peak_bytes=peak_bytes())
    found = replace(found, looks=note_look(folder, found))
    write_audit(folder, found, _unedited(dataset), log)
    atomic_write(folder / PAGE, audit_page(found, pictures_of_audit(found, dataset)))
    log(f"The audit: {folder / PAGE}")
    return replace(found, folder=folder)


def _check_size(data: Dataset) -> None:
    """Raise where images lie in a large file: all pairs of them would have to be compared, in memory."""
    for part in (data.train, data.test):
        if is_large(part.images):
            raise UsageError(
                f"Expected images that fit into memory, received {counted(len(part), f'{part.name} image')} in a large "
                "file: an audit compares each with all others, and its time grows with the square of their number. "
                "Audit a part: fr.audit_dataset((images[:100000], labels[:100000]))."
            )


def _refuse_together(data: Any, recipe: Any, run: Any, on: str | None, threads: int | None) -> None:
    """Raise for what cannot be asked together."""
    if run is not None and recipe is not None:
        raise UsageError("Expected a recipe to train by or a run to ask, received both. Leave one out.")
    if run is not None and (on is not None or threads is not None):
        raise UsageError(
            "Expected on and threads only where networks are trained: with a run, nothing is. Leave them out."
        )
    if on is not None and not isinstance(data, str | Path):
        raise UsageError(
            f"on: expected a dataset's name, a folder or a file, which other processes can open too, received "
            f"{type(data).__name__}. Leave on out, or write the data down: fittingroom data convert."
        )


def _plain(name: str) -> str:
    return Path(name).name or "data"


def _unedited(data: Dataset) -> Dataset:
    return replace(data, edits=None)


def _loaded(data: Any, data_dir: Path | None, log: Log) -> Dataset:
    if isinstance(data, str | Path):
        return load(data, data_dir=data_dir, log=log)
    if data_dir is not None:
        raise UsageError(f"Expected data_dir only with a dataset's name, received it with {type(data).__name__}.")
    if isinstance(data, Dataset):
        return data
    images, labels = accept_pair(data, "audit")
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()[:16]
    train = Split("train", images, labels, np.arange(len(labels)))
    names = tuple(str(label) for label in range(int(labels.max()) + 1))
    return Dataset("arrays", train, train.take(np.zeros(0, np.int64), "test"), names, digest, "arrays in memory")


def _data_of_run(run: Run, data: Any, data_dir: Path | None, log: Log) -> Dataset:
    if isinstance(data, Dataset):
        return as_trained_on(run, data)
    return run_dataset(run, data_dir, log=log)


def _held_out_answers(run: Run, data: Dataset, log: Log) -> Answers:
    if not run.environment.get("held_out"):
        raise RunError(
            f"{run.folder}: expected a run that held out training images by number (--validation 10000), found one "
            "that did not. Audit by cross-validation instead: leave --run out."
        )
    split, probabilities = run_predictions(run, data, "validation")
    log(
        f"Only {counted(len(split), 'image')}, those that {run.folder} held out, are audited: it has "
        "learned from the others."
    )
    extract = feature_extractor(run.model(), data.image_shape)
    parts = [in_batches(extract, part.images) for part in (data.train, data.test) if len(part)]
    made_by = f"the run {run.name}, about the training images that it held out"
    return Answers(probabilities, data.train.positions(split.indices), None, np.concatenate(parts), made_by)
