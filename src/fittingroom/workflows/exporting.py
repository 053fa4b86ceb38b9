"""Export a model by names: a run or a file, checked on the test images of the dataset that it was made from."""

from __future__ import annotations

from pathlib import Path

from fittingroom.data import Dataset, Log, load, no_log
from fittingroom.export.model_export import write_model
from fittingroom.runs import Run
from fittingroom.workflows.evaluation import open_settled
from fittingroom.workflows.run_data import dataset_of_model


def export_model(
    model: Run | str | Path,
    out: str | Path,
    data: Dataset | str | Path | None = None,
    *,
    data_dir: Path | None = None,
    pixels: str | None = None,
    log: Log = no_log,
) -> Path:
    """Write a model as one file for other programs, with its card beside it (``.json``).

    Pixels go in as uint8 0..255 of ``(n, h, w)``, any number of images; tempered probabilities come out. An ONNX file
    is run by ONNX Runtime in a fresh process on all test images: every label has to be the model's own and every
    probability within 1e-4, otherwise the file is removed.

    Args:
        model: a run or its folder, a ``.keras`` file, or a shipped name.
        out: the file to write; its end, ``.onnx`` or ``.keras``, is the format.
        data: whose test images to check on, a dataset, its name or its folder; None for what the model was made from.
        data_dir: where the dataset's files are; None to look.
        pixels: what a model of your own was fitted on, "unit", "raw" or "standard", see `fittingroom.predict`; None to
            find out. The file that is written takes 0..255 and scales them so.
        log: takes one line for the user.

    Returns:
        The file.

    Raises:
        UsageError: another format, or something is there already.
        ModelError: no such model, it cannot be written as ONNX, or the file does not agree.
        RunError: the run's own dataset cannot be had.

    Example:
        >>> export_model("runs/my-run", "shirts.onnx")  # doctest: +SKIP
        PosixPath('shirts.onnx')
    """
    name = model.folder if isinstance(model, Run) else model
    if data is None:
        chosen = dataset_of_model(str(name), data_dir, log=log)
    else:
        chosen = data if isinstance(data, Dataset) else load(data, data_dir=data_dir, log=log)
    opened = open_settled(name, chosen, pixels, log=log)
    return write_model(name, Path(out), chosen.test.images, chosen.class_names, opened=opened)
