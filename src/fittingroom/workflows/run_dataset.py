"""The dataset that a run or a model was made from, loaded by the name that it keeps."""

from __future__ import annotations

from pathlib import Path

from fittingroom.data import DATASETS, Dataset, Log, load, no_log
from fittingroom.errors import DataError, RunError
from fittingroom.models.card import read_card
from fittingroom.models.load import shipped_names
from fittingroom.runs import Run, is_run, open_run
from fittingroom.workflows.run_predictions import check_same_data, data_name

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
            load(name, data_dir=data_dir, log=log) if name in DATASETS else load(_folder(run, name, data_dir), log=log)
        )
    except DataError as error:
        raise RunError(f"{run.folder}: its dataset '{name}' cannot be had here. {error}") from error
    check_same_data(run, data)
    return data


def _folder(run: Run, name: str, data_dir: Path | None) -> Path:
    if data_dir is None and not Path(name).is_dir():
        raise RunError(f"{run.folder} was trained on a folder '{name}'. Say where it is: --data-dir FOLDER")
    return data_dir or Path(name)
