"""A trained model on images: predict, and evaluate on the test split with each look written down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array, Images, Probabilities
from fittingroom.data import Dataset, Log, Split, load, no_log
from fittingroom.data.accepting import accept_images, accept_pair
from fittingroom.data.catalog import DATASETS
from fittingroom.errors import ModelError, UsageError
from fittingroom.files import ARRAYS_BYTES
from fittingroom.inference.pixels import settle
from fittingroom.inference.predictor import Engine, Predictor, open_predictor
from fittingroom.judging import Verdict, check_coverage, judge, names_in, set_thresholds, sets_of
from fittingroom.mapped_arrays import is_large, pieces
from fittingroom.pictures import have_light_background
from fittingroom.progress import warn_user
from fittingroom.runs import Predictions, Run, is_run, open_run
from fittingroom.words import counted
from fittingroom.workflows.run_data import dataset_at_hand, held_out_answers

if TYPE_CHECKING:
    import keras

MOST_ANSWERS_BYTES = ARRAYS_BYTES - (64 << 20)  # of probabilities: a file of them holds labels and more besides
SAMPLE = 10_000  # images of a large file that are looked at for a light background


def open_settled(
    model: Any,
    data: Dataset | None = None,
    pixels: str | None = None,
    *,
    prefer: Engine = "keras",
    log: Log = no_log,
) -> Predictor:
    """Open a model to ask it, and have it settled what pixels one of the user's own was fitted on.

    Args:
        model: see `predict`.
        data: whose training images are asked about where the model does not tell; None for those that it was made from,
            or the usual ones, where they are on this machine.
        pixels: "unit", "raw" or "standard"; None to find out.
        prefer: see `open_predictor`.
        log: told what was found by asking; without one a warning tells it.

    Raises:
        ModelError: no such model, or it cannot be read.
        UsageError: ``pixels`` for a model that says itself what it takes.
    """
    opened = open_predictor(model, prefer=prefer)
    is_file = isinstance(model, str | Path)
    asks = opened.is_own and (pixels == "standard" or (pixels is None and opened.pixels is None))
    if asks and data is None and is_file:
        data = dataset_at_hand(model)
    if asks and data is None and pixels is None and not is_file:
        return opened  # a model in memory: its owner knows
    told: list[str] = []
    settled = settle(opened, data, pixels, told.append)
    for line in told if is_file or settled.pixels != "unit" else ():
        (warn_user if log is no_log else log)(line)
    return settled


def predict(
    model: Run | keras.Model | str | Path, images: Any, *, tempered: bool = True, pixels: str | None = None
) -> Probabilities:
    """Return the probabilities that a model gives to images.

    Args:
        model: a run or its folder, a ``.keras`` or ``.onnx`` file, a shipped name, a Keras model or torch module. What
            pixels a model of your own takes is read from the numbers of its first layers; where they do not tell, one
            in a file is asked about training images on this machine, and one in memory is fed 0..1.
        images: uint8 ``(n, h, w)``, as they are in the files; or what `data.accepting` turns into that. For the
            network for photos, ``fashion-mnist/photo``, photos: a list of what `predict_photos` takes.
        tempered: as sure as the run's or the card's temperature warrants; off for the network's own probabilities.
            Which class is the most probable is the same.
        pixels: what a model of your own was fitted on: "unit" for 0..1, "raw" for 0..255, "standard" for less their
            mean and divided by their standard deviation.

    Returns:
        float32 ``(n, classes)``, rows summing to 1.

    Raises:
        ModelError: no such model, or the images do not fit it.
        DataError: the images cannot be taken as uint8 ``(n, h, w)``.
    """
    opened = open_settled(model, pixels=pixels)
    if opened.of_photos:
        return opened.predict(of_size(images, opened), tempered=tempered)
    images = accept_images(images, shape=opened.image_shape)
    _warn_of_light(images, opened)
    return opened.predict(images, tempered=tempered)


def coverage_thresholds(
    model: Any, coverage: float, *, per_class: bool = False, data_dir: Path | None = None, log: Log = no_log
) -> Array:
    """Return the least probability of a class that is in a prediction set of a run, by label, ``(classes,)``.

    They are calibrated on the images that the run held out, by its own probabilities, not tempered.

    Args:
        model: a run or its folder.
        coverage: the share of the sets that is to hold the true class, between 0 and 1.
        per_class: whether that is to hold for each class, each with a threshold of its own.
        data_dir: where the run's dataset is; None to look.
        log: takes one line for the user.

    Raises:
        UsageError: a coverage that is none, or a model that is no run.
        RunError: the run held out no images, or its dataset cannot be had.
    """
    coverage, run = check_coverage(coverage), _run_with_coverage(model)
    return set_thresholds(*held_out_answers(run, None, data_dir, log=log), coverage, per_class=per_class)


def _run_with_coverage(model: Any) -> Run:
    """Return the run that a stated coverage is asked of.

    Raises:
        UsageError: it is a model of another kind.
    """
    run = _run_of(model)
    if run is None:
        named = f"{model}" if isinstance(model, str | Path) else "a model in memory"
        raise UsageError(
            f"Expected a run for a stated coverage, received {named}: it is calibrated on the images that a run held "
            "out, which only its folder knows. Train one with --validation 10000, and pass --model RUN."
        )
    return run


def predict_sets(model: Any, images: Any, coverage: float = 0.95, *, per_class: bool = False) -> list[tuple[str, ...]]:
    """Return for each image the classes that it may be, so that a stated share of these sets holds the true one.

    The share is promised for images drawn like the dataset's, over all of them together; with ``per_class`` for each
    class by itself. See docs/judging.md.

    Args:
        model: a run that held out images, or its folder.
        images: uint8 ``(n, h, w)``, as they are in the files; or what `data.accepting` turns into that.
        coverage: the share, between 0 and 1.
        per_class: whether it is to hold for each class, each with a threshold of its own.

    Returns:
        Class names, of each image the most probable first; at least one.

    Raises:
        UsageError: a coverage that is none, or a model that is no run.
        RunError: the run held out no images, or its dataset cannot be had.
        DataError: the images cannot be taken.

    Example:
        >>> predict_sets("runs/my-run", images, 0.95)  # doctest: +SKIP
        [('Coat', 'Pullover'), ('Bag',)]
    """
    thresholds = coverage_thresholds(model, coverage, per_class=per_class)
    probabilities = predict(model, images, tempered=False)
    names = open_predictor(model).names(probabilities.shape[1])
    inside = sets_of(probabilities, thresholds)
    return [names_in(own, row, names) for own, row in zip(inside, probabilities, strict=True)]


def learned_from_dark(predictor: Predictor) -> bool:
    """Say whether a model's classes are those of a dataset known here, all of whose pictures are light on black."""
    return predictor.class_names in {known.class_names for known in DATASETS.values()}


def _warn_of_light(images: Images, predictor: Predictor) -> None:
    sample = next(pieces(images, SAMPLE), images) if is_large(images) else images
    share = have_light_background(sample).mean() if len(images) else 0.0
    if share > 0.5 and learned_from_dark(predictor):
        warn_user(
            f"{share:.0%} of the {counted(len(images), 'image')} have a light background, and the pictures that the "
            "model learned from are light on black: if that was not meant, pass 255 - images, or ask fr.predict_photos."
        )


def of_size(photos: Any, predictor: Predictor) -> Any:
    """Return photos as a network for photos takes them; what is data, or no photos, is left for it to refuse."""
    from fittingroom.photos.whole_photo import SIZE, whole_photo

    is_one, size = isinstance(photos, str | Path) or hasattr(photos, "getbands"), predictor.image_shape or SIZE
    if not is_one and not hasattr(photos, "__iter__"):
        return photos
    if isinstance(photos, np.ndarray) and (photos.ndim != 4 or photos.shape[3] != 3):
        return photos
    several = [photos] if is_one else list(photos)
    if len(several) and all(getattr(one, "shape", None) == (28, 28) for one in several):
        return np.stack(several)
    return np.stack([whole_photo(one, size) for one in several]) if len(several) else np.zeros((0, *size, 3), np.uint8)


def evaluate(
    model: Run | keras.Model | str | Path,
    data: Any,
    *,
    pixels: str | None = None,
    coverage: float | None = None,
    asked_by: str = "evaluate",
    log: Log = no_log,
) -> Verdict:
    """Judge a model on the test split, or on images and labels.

    The network's own probabilities are judged, without a temperature. A run keeps them, the verdict, and a line in
    ``test_looks.jsonl`` for each look at the test split; on other data than its own in a folder inside its own, so that
    its own verdict stays.

    Args:
        model: see `predict`.
        data: a dataset or the name of one, of which the test split is used; or images and labels in any form that
            `data.accepting` knows.
        pixels: see `predict`; None to find out, on the dataset's training images where the model does not tell.
        coverage: judge prediction sets of a run too, this share of which is to hold the true class, calibrated on the
            images that it held out.
        asked_by: which command looked, for the line.
        log: told what was found by asking; without one a warning tells it.

    Raises:
        ModelError: the model's classes are not the dataset's.
        UsageError: a coverage that is none, or one of a model that is no run.
        RunError: a coverage of a run that held out no images.
    """
    run = _run_of(model) if coverage is None else _run_with_coverage(model)
    if coverage is not None:
        check_coverage(coverage)
    data = load(data) if isinstance(data, (str, Path)) else data
    images, labels = accept_pair(data, "evaluation", part="test")
    _check_answers_fit(len(labels), data)
    predictor = open_settled(model, data if isinstance(data, Dataset) else None, pixels, log=log)
    if run is None or not isinstance(data, Dataset) or run.environment.get("fingerprint") != data.fingerprint:
        _warn_of_light(images, predictor)
    calibration = None if coverage is None or run is None else held_out_answers(run, _own_of(run, data), log=log)
    probabilities = predictor.predict(images, tempered=False)
    names = _class_names(data, probabilities, predictor)
    verdict = judge(labels, probabilities, names, coverage=coverage, calibration=calibration)
    if run is not None and isinstance(data, Dataset):
        _keep(run, data, data.test, probabilities, verdict, asked_by)
    return verdict


def _check_answers_fit(n: int, data: Any) -> None:
    """Raise where the answers would be more than a file of them may hold: they are kept and judged as a whole.

    Raises:
        UsageError: says how many would fit.
    """
    if isinstance(data, Dataset) and n * data.classes * 4 > MOST_ANSWERS_BYTES:
        most = MOST_ANSWERS_BYTES // (4 * data.classes)
        raise UsageError(
            f"Expected answers of {MOST_ANSWERS_BYTES / 1e9:.1f} GB at most, received {counted(n, 'test image')} of "
            f"{counted(data.classes, 'class', 'classes')}, which are {n * data.classes * 4 / 1e9:.1f} GB. Evaluate a "
            f"part: fr.evaluate(run, (data.test.images[:{most}], data.test.labels[:{most}]))."
        )


def _own_of(run: Run, data: Any) -> Dataset | None:
    """Return a dataset where it is the one that a run learned from, else None."""
    is_own = isinstance(data, Dataset) and run.environment.get("fingerprint") == data.fingerprint
    return data if is_own else None


def _run_of(model: object) -> Run | None:
    if isinstance(model, (str, Path)) and is_run(Path(model)):
        return open_run(model)
    return model if isinstance(model, Run) else None


def _class_names(data: object, probabilities: Probabilities, predictor: Predictor) -> tuple[str, ...]:
    outputs = probabilities.shape[1]
    if not isinstance(data, Dataset):
        known = predictor.class_names or ()
        return known if len(known) == outputs else tuple(str(label) for label in range(outputs))
    if outputs != data.classes:
        raise ModelError(
            f"The model has {counted(outputs, 'class', 'classes')}, dataset '{data.name}' has {data.classes}."
        )
    return data.class_names


def _keep(run: Run, data: Dataset, split: Split, probabilities: Probabilities, verdict: Verdict, asked_by: str) -> None:
    kept = run.kept_at(data.name, data.fingerprint)
    kept.write_predictions(
        Predictions(probabilities, split.labels, split.indices, split.name, data.class_names, data.fingerprint)
    )
    look = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked_by": asked_by,
        "dataset": data.name,
        "fingerprint": data.fingerprint,
        "n": verdict.n,
        "accuracy": verdict.accuracy,
    }
    run.append_line("test_looks.jsonl", look)
    kept.write_json(
        "verdict.json",
        {
            "schema": "fittingroom/verdict/1",
            "split": split.name,
            "dataset": data.name,
            "fingerprint": data.fingerprint,
            "class_names": list(data.class_names),
            **verdict.to_dict(),
        },
    )
