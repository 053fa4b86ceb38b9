"""Export a model by names: a run or a file, checked on the test images of the dataset that it was made from."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

from fittingroom.arrays import Images
from fittingroom.data import Dataset, Log, class_names, load, no_log
from fittingroom.errors import ModelError, UsageError
from fittingroom.export.model_export import write_model
from fittingroom.export.model_repository import write_entry, write_tempered
from fittingroom.export.quantize import write_int8
from fittingroom.export.web_page import PageModel, check_is_free, write_web_page
from fittingroom.files import write_json
from fittingroom.inference.model_files import PHOTO_MODEL, WEIGHTS, none_of_these_file, read_card
from fittingroom.inference.onnx_engine import open_onnx
from fittingroom.inference.predictor import open_predictor
from fittingroom.mapped_arrays import is_large, rows_of, spread_rows
from fittingroom.runs import Run
from fittingroom.words import counted
from fittingroom.workflows.evaluation import open_settled
from fittingroom.workflows.run_data import dataset_of_model

MOST_LOST = 0.5  # points of accuracy that eight bits may cost
CHECKED = 100_000  # test images of a large file that an exported file is checked on


def export_model(
    model: Run | str | Path,
    out: str | Path,
    data: Dataset | str | Path | None = None,
    *,
    data_dir: Path | None = None,
    pixels: str | None = None,
    int8: bool = False,
    most_lost: float = MOST_LOST,
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
        int8: whether an ONNX file is to be in whole numbers of eight bits: a third of the size. The ranges are found on
            training images, and what it costs in accuracy on all test images is kept in the card.
        most_lost: points of accuracy that this may cost; beyond it nothing is left.
        log: takes one line for the user.

    Returns:
        The file.

    Raises:
        UsageError: another format, or something is there already.
        ModelError: no such model, it cannot be written as ONNX, the file does not agree, or eight bits cost too much.
        RunError: the run's own dataset cannot be had.

    Example:
        >>> export_model("runs/my-run", "shirts.onnx")  # doctest: +SKIP
        PosixPath('shirts.onnx')
    """
    name = model.folder if isinstance(model, Run) else model
    if int8 and Path(out).suffix != ".onnx":
        raise UsageError(f"{out}: expected a file that ends in .onnx, since eight bits are for ONNX alone.")
    if data is None:
        chosen = dataset_of_model(str(name), data_dir, log=log)
    else:
        chosen = data if isinstance(data, Dataset) else load(data, data_dir=data_dir, log=log)
    opened = open_settled(name, chosen, pixels, log=log)
    names = opened.class_names or chosen.class_names  # the model may be checked on another dataset than its own
    file = write_model(name, Path(out), _to_check_on(chosen.test.images, log), names, opened=opened)
    return _as_int8(file, chosen, most_lost) if int8 else file


def _to_check_on(images: Images, log: Log) -> Images:
    """Return the test images that a file is checked on: all of them, of a large file a part."""
    if not is_large(images):
        return images
    log(f"The file is checked on {CHECKED:,} of the {counted(len(images), 'test image')}, spread evenly.")
    return rows_of(images, spread_rows(len(images), CHECKED))


def _as_int8(file: Path, data: Dataset, most_lost: float) -> Path:
    """Put the network of eight bits in a file's place, with what it costs in its card; or take all of it away again."""
    card_file, card = file.with_suffix(".json"), read_card(file)
    try:
        before = file.stat().st_size
        own = _accuracy(file, data)
        calibrated_on = write_int8(file, file, data.train.images)
        accuracy = _accuracy(file, data)
        lost = 100 * (own - accuracy)
        if lost > most_lost:
            raise ModelError(
                f"{file}: expected at most {most_lost:g} points of accuracy lost by eight bits, received {lost:.2f} "
                f"({own:.4f} to {accuracy:.4f}, n = {len(data.test):,}). The file was removed. To have it yet, "
                f"say --most-lost {math.ceil(lost)}."
            )
    except BaseException:
        second = none_of_these_file(file)
        for each in (file, card_file, *([] if second is None else [second])):
            each.unlink(missing_ok=True)
        raise
    told = {
        "calibrated_on": calibrated_on,
        "n": len(data.test),
        "accuracy": accuracy,
        "accuracy_float32": own,
        "points_lost": round(lost, 3),
        "size_bytes": file.stat().st_size,
        "size_bytes_float32": before,
    }
    card["export"]["int8"] = told
    card["export"]["checked"]["of"] = "the file before it was written in eight bits"
    write_json(card_file, card)
    return file


def _accuracy(file: Path, data: Dataset) -> float:
    answers = open_onnx(file).predict(data.test.images).argmax(axis=1)
    return float((answers == data.test.labels).mean())


def export_web_page(
    model: Run | str | Path,
    out: str | Path,
    data: Dataset | str | Path | None = None,
    *,
    data_dir: Path | None = None,
    pixels: str | None = None,
    log: Log = no_log,
) -> Path:
    """Write a model as a web page that runs it in the visitor's browser: a folder of plain files, for any server.

    One draws, drops a photo, or holds a garment before the camera. Drawings are answered by the model; photos by the
    network for photos, where the model's classes are Fashion-MNIST's.

    Args:
        model: see `export_model`; or ``fashion-mnist/photo``, for a page of photos alone.
        out: the folder to make.
        data: see `export_model`: the ONNX file in the page is checked on its test images.
        data_dir: likewise.
        pixels: likewise.
        log: takes one line for the user.

    Returns:
        The folder.

    Raises:
        UsageError: something is there already, or the model's pictures are not square.
        ModelError: as `export_model`.
    """
    folder, name = Path(out), model.folder if isinstance(model, Run) else model
    check_is_free(folder)
    if str(name) == PHOTO_MODEL:
        return write_web_page(folder, "What is this garment?", None, with_photos=True)
    with tempfile.TemporaryDirectory() as made:
        file = export_model(name, Path(made) / "data.onnx", data, data_dir=data_dir, pixels=pixels, log=log)
        predictor = open_predictor(file)
        height, width = predictor.image_shape or (0, 0)
        if height != width:
            raise UsageError(f"{name}: expected a model of square pictures to draw, received {height}x{width}.")
        names = predictor.names(predictor.predict(np.zeros((1, height, width), np.uint8)).shape[1])
        is_fashion = tuple(names) == tuple(class_names)
        title = "What is this garment?" if is_fashion else f"Ask {Path(name).name}"
        return write_web_page(folder, title, PageModel(file, names, (height, width)), with_photos=is_fashion)


def export_model_repository(
    model: Run | str | Path,
    out: str | Path,
    data: Dataset | str | Path | None = None,
    *,
    name: str | None = None,
    data_dir: Path | None = None,
    pixels: str | None = None,
    log: Log = no_log,
) -> Path:
    """Add a model to a folder that Triton, KServe, OpenVINO Model Server and MLServer serve as it is.

    Args:
        model: see `export_model`; or ``fashion-mnist/photo``.
        out: the folder of models; others in it stay. A model that can say "none of these" by a second network has that
            beside it, as NAME-none.
        data: see `export_model`: the ONNX file is checked on its test images.
        name: of the model in it; None for its own.
        data_dir: likewise.
        pixels: likewise.
        log: takes one line for the user.

    Returns:
        The model's folder, ``out/name``.

    Raises:
        UsageError: such a model is there already, or its name fits no address.
        ModelError: as `export_model`.
    """
    source = str(model.folder if isinstance(model, Run) else model)
    called = name or Path(source).name.partition(".")[0]
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "model.onnx"
        if source == PHOTO_MODEL:
            opened = open_predictor(PHOTO_MODEL)
            write_tempered(WEIGHTS / f"{PHOTO_MODEL}.onnx", file, opened.temperature)
            return write_entry(Path(out), called, file, opened.names(10))
        export_model(source, file, data, data_dir=data_dir, pixels=pixels, log=log)
        opened = open_predictor(file)
        shape = (1, *(opened.image_shape or (28, 28)))
        names = opened.names(opened.predict(np.zeros(shape, np.uint8)).shape[1])
        second = none_of_these_file(file)
        if second is not None:
            write_entry(Path(out), f"{called}-none", second, ("one of the classes", "none of them"))
        return write_entry(Path(out), called, file, names)
