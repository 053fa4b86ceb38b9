"""What a run was trained on and what it answered: its dataset, its splits, its predictions."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fittingroom.arrays import Array, Labels, Probabilities
from fittingroom.data import DATASETS, Dataset, Log, Split, load, locate, no_log
from fittingroom.data.dataset import divided
from fittingroom.data.edits import EDITS
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import DataError, RunError, UsageError
from fittingroom.files import atomic_write, read_arrays
from fittingroom.inference.model_files import IN_A_RUN, read_card, shipped_names
from fittingroom.judging import check_predictions
from fittingroom.mapped_arrays import is_large, spread_rows
from fittingroom.models.custom import WEIGHTS as KEPT_WEIGHTS
from fittingroom.runs import Predictions, Run, is_run, list_runs, open_run
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


SplitName = Literal["train", "validation", "test"]


def learned_from(run: Run, data: Dataset, most: int | None = None) -> Split:
    """Return the images that a run learned from.

    Args:
        run: trained on a dataset.
        data: that dataset.
        most: how many of them at most, spread evenly; None for all.

    Raises:
        RunError: the dataset is another than the run's, the held-out images were passed by hand, or all are asked for
            of a file that is too large to be copied.
    """
    whole, kept, _ = _divided(run, data)
    if kept is None and (most is None or most >= len(whole)):
        return whole
    rows = np.arange(len(whole)) if kept is None else kept
    if most is not None:
        rows = rows[spread_rows(len(rows), most)]
    elif is_large(whole.images):
        raise RunError(
            f"{run.folder}: expected images that fit into memory beside those held out, received "
            f"{counted(len(rows), 'image')} in a large file. Look at those that it held out: --split validation."
        )
    return whole.take(rows)


def held_out_of(run: Run, data: Dataset) -> Split | None:
    """Return the images that a run held out, named "validation"; None where it held out none.

    Args:
        run: trained on a dataset.
        data: that dataset.

    Raises:
        RunError: the dataset is another than the run's, or the held-out images were passed by hand.
    """
    whole, _, held = _divided(run, data)
    return None if held is None else whole.take(held, "validation")


def _divided(run: Run, data: Dataset) -> tuple[Split, Array | None, Array | None]:
    """Return a run's training images as it was given them, and which of them it learned from and held out."""
    whole, held_out = as_trained_on(run, data).train, run.environment.get("held_out")
    if held_out:
        return whole, *divided(whole.labels, held_out, seed=0)
    _check_not_by_hand(run)
    return whole, None, None


def _check_not_by_hand(run: Run) -> None:
    """Raise where the images that a run was measured on were passed by hand."""
    if run.environment.get("validation_images") and not run.environment.get("held_out"):
        raise RunError(
            f"{run.folder}: its validation images were passed as arrays, so which they are is not known. "
            "Hold them out by number (validation=10000), or evaluate the run."
        )


def check_same_data(run: Run, data: Dataset) -> None:
    """Raise where a dataset is not the one that a run was trained on.

    Raises:
        RunError: names both fingerprints.
    """
    expected = run.environment.get("fingerprint")
    if data.fingerprint != expected:
        raise RunError(
            f"{run.folder}: expected data {expected}, found {data.fingerprint} in '{data.name}'. The files have "
            "changed since this run, or it was trained on others. Pass the same data."
        )


def as_trained_on(run: Run, data: Dataset) -> Dataset:
    """Return a dataset as a run was given it: with the edits of its training images, where it had some.

    Args:
        run: trained.
        data: its dataset, edited by that file already or not at all.

    Raises:
        RunError: the dataset is another, is edited otherwise, or the run's copy of its edits is not what it was.
    """
    check_same_data(run, data)
    wanted = (run.environment.get("edits") or {}).get("sha256")
    if data.edits is None and wanted is not None:
        try:
            data = data.edited(run.folder / EDITS)
        except DataError as error:
            raise RunError(f"{run.folder}: the edits that it was trained with cannot be had. {error}") from error
    found = None if data.edits is None else data.edits.sha256
    if found != wanted:
        names = [f"edited by the file with SHA-256 {each[:8]}" if each else "unedited" for each in (wanted, found)]
        raise RunError(
            f"{run.folder}: expected its training images {names[0]}, received them {names[1]}. Pass the dataset "
            "as it was loaded; the run has a copy of its edits."
        )
    return data


def run_predictions(run: Run, data: Dataset, split: SplitName | None = None) -> tuple[Split, Probabilities]:
    """Return what a run says about one split, without a look at test images that it has not been scored on.

    Args:
        run: trained.
        data: what it was trained on.
        split: None for the predictions that the run keeps, which are of the test images once it was evaluated, else
            for its validation images.

    Returns:
        The images (named "train", "validation" or "test"), and probabilities ``(n, classes)`` in their order.

    Raises:
        RunError: it has no such images, or has not been evaluated.
    """
    kept = kept_predictions(run)
    name = split or (kept.split if kept else "validation")
    if kept is not None and kept.split == name:
        return _as_kept(run, data, kept)
    if name == "test":
        raise RunError(
            f"{run.folder} has not been evaluated on the test images. Try: fittingroom evaluate {run.folder}"
        )
    return _asked(run, data, name, keep=kept is None)


def kept_predictions(run: Run) -> Predictions | None:
    """Return the predictions in a run's folder, or None where there are none."""
    return run.predictions if (run.folder / "predictions.npz").exists() else None


def _as_kept(run: Run, data: Dataset, kept: Predictions) -> tuple[Split, Probabilities]:
    data = as_trained_on(run, data)
    if kept.fingerprint != data.fingerprint:
        raise RunError(
            f"{run.folder} was evaluated on other data ({kept.fingerprint}) than '{data.name}', which it was trained "
            f"on. Try: fittingroom evaluate {run.folder}, or --split validation."
        )
    source = data.test if kept.split == "test" else data.train
    split = source.take(source.positions(kept.indices), kept.split)
    if not np.array_equal(split.labels, kept.labels):
        raise RunError(f"{run.folder}: the labels in predictions.npz are not those of '{data.name}'.")
    return split, kept.probabilities


def _asked(run: Run, data: Dataset, name: str, *, keep: bool) -> tuple[Split, Probabilities]:
    chosen = learned_from(run, data) if name == "train" else held_out_of(run, data)
    if chosen is None:
        raise RunError(
            f"{run.folder} held out no images, and has not been evaluated. Try: fittingroom evaluate {run.folder}, "
            "or train with --validation 10000, or show its training images: --split train."
        )
    probabilities = run.predict(chosen.images, tempered=False)
    if keep and name == "validation":
        run.write_predictions(predictions_of(chosen, probabilities, data))
    return chosen, probabilities


def predictions_of(split: Split, probabilities: Probabilities, data: Dataset) -> Predictions:
    """Return answers in the form in which a run keeps them."""
    return Predictions(probabilities, split.labels, split.indices, split.name, data.class_names, data.fingerprint)


def dataset_judged(run: Run, fingerprint: str) -> str:
    """Return the name of the dataset that was judged, which may be another than the run was trained on.

    Args:
        run: trained.
        fingerprint: of the data judged.
    """
    names = [look.get("dataset") for look in run.test_looks if look.get("fingerprint") == fingerprint]
    return str(names[-1]) if names and names[-1] else data_name(run.environment)


CALIBRATION = "calibration.npz"  # in a run: what it answers about the images that it held out


def held_out_answers(
    run: Run, data: Dataset | None = None, data_dir: Path | None = None, *, log: Log = no_log
) -> tuple[Labels, Probabilities]:
    """Return what a run says of the images that it held out: their labels, and its own probabilities, not tempered.

    They are kept in ``calibration.npz`` in the run's folder, and asked for anew where the model's file is another.

    Args:
        run: trained with images held out by number.
        data: its dataset; None to load it where it is needed.
        data_dir: where the dataset's files are; None to look.
        log: takes one line for the user.

    Returns:
        Labels ``(n,)``, and probabilities ``(n, classes)``.

    Raises:
        RunError: it held out no images, or its dataset cannot be had.
    """
    if not run.environment.get("validation_images"):
        raise RunError(
            f"{run.folder} held out no images, and a stated coverage is calibrated on images that the network has not "
            "learned from. Train with --validation 10000."
        )
    _check_not_by_hand(run)
    path, stamp = run.folder / CALIBRATION, _sha256_of_model(run)
    if stamp and path.is_file():
        kept: Any = {}
        try:
            kept = read_arrays(path, RunError)
        except RunError:
            log(f"{path} cannot be read, and is made anew.")
        if (
            isinstance(kept, dict)
            and {"labels", "probabilities", "model"} <= kept.keys()
            and str(kept["model"]) == stamp
        ):
            return check_predictions(kept["labels"], kept["probabilities"])
    held, answers = _asked(run, data or run_dataset(run, data_dir, log=log), "validation", keep=False)
    if stamp:
        arrays: dict[str, Any] = {"labels": held.labels, "probabilities": answers, "model": np.array(stamp)}
        with suppress(OSError):  # of a run that cannot be written to they are asked for each time
            atomic_write(path, lambda place: np.savez_compressed(place, **arrays))
    return check_predictions(held.labels, answers)


def _sha256_of_model(run: Run) -> str:
    files = [run.folder / name for name in (IN_A_RUN, KEPT_WEIGHTS)]
    return next((hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()), "")


def data_name(facts: Mapping[str, object]) -> str:
    """Return what a run's environment calls its dataset."""
    return str(facts.get("dataset") or "arrays")


USUAL = "fashion-mnist"


def dataset_of_model(model: str, data_dir: Path | None = None, *, log: Log = no_log) -> Dataset:
    """Load what a model was made from: a run's dataset, a card's, the usual one where nothing tells.

    Args:
        model: a run folder, a ``.keras`` file, or a shipped name.
        data_dir: where the files are; None to look.
        log: takes one line for the user.

    Raises:
        RunError: as `run_dataset`.
    """
    if is_run(Path(model)):
        run = open_run(model)
        if data_name(run.environment) == "arrays":
            raise RunError(f"{run.folder} was trained on arrays. Say which data's test images to take: --dataset NAME")
        return run_dataset(run, data_dir, log=log)
    if model in shipped_names():
        return load(model.split("/")[0], data_dir=data_dir, log=log)
    named = read_card(Path(model)).get("data", {}).get("name")
    return load(named if named in DATASETS else USUAL, data_dir=data_dir, log=log)


def dataset_at_hand(model: str | Path) -> Dataset | None:
    """Return the dataset of a model's card, or the usual one, if it is on this machine; nothing is fetched.

    Args:
        model: a ``.keras`` file.
    """
    named = read_card(Path(model)).get("data", {}).get("name")
    name = named if named in DATASETS else USUAL
    try:
        return load(name) if locate(name) is not None else None
    except DataError:
        return None


def run_dataset(run: Run, data_dir: Path | None = None, *, log: Log = no_log) -> Dataset:
    """Load the dataset of a run by the name that the run has.

    Args:
        run: trained on a dataset.
        data_dir: where its files are; None to look.
        log: takes one line for the user.

    Raises:
        RunError: it was trained on arrays, its dataset cannot be had here, or has changed since.
    """
    name = data_name(run.environment)
    if name == "arrays":
        raise RunError(f"{run.folder} was trained on arrays: which images those were is not known.")
    try:
        data = (
            load(name, data_dir=data_dir or _recorded(run, "data_dir"), log=log)
            if name in DATASETS or name in KIN
            else load(_folder(run, name, data_dir), log=log)
        )
    except DataError as error:
        raise RunError(f"{run.folder}: its dataset '{name}' cannot be had here. {error}") from error
    return as_trained_on(run, data)


def _folder(run: Run, name: str, data_dir: Path | None) -> Path:
    found = data_dir or _recorded(run, "data_folder") or (Path(name) if Path(name).is_dir() else None)
    if found is None:
        raise RunError(f"{run.folder} was trained on a folder '{name}'. Say where it is: --data-dir FOLDER")
    return found


def _recorded(run: Run, key: str) -> Path | None:
    """Return a folder, or a file of data, that the run has written down, where it is still there."""
    folder = run.environment.get(key)
    return Path(folder) if folder and Path(folder).exists() else None


def newest_run(log: Callable[[str], None]) -> str:
    """Return the folder of the run in ``runs/`` whose model was written last, and say which.

    Raises:
        UsageError: there is none.
    """
    ready = [run for run in list_runs() if (run.folder / IN_A_RUN).exists()]
    if not ready:
        raise UsageError("No --model was given and there is no run in runs/ yet. Train one: fittingroom tutorial")
    newest = max(ready, key=lambda run: (run.folder / IN_A_RUN).stat().st_mtime)
    log(f"No --model was given: the newest run answers, {newest.folder}.")
    return str(newest.folder)
