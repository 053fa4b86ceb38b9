"""Train the 28x28 network for photos, and ship it: `make photo-28-model`.

No photo is used for its weights. Three things differ from an ordinary training with the recipe `photo-28`:

* training images whose label a network trained on the others does not give them are left out (out of fold, five folds
  of rung 90): on photos "Shirt" must mean shirts, and not whatever nobody could name;
* pictures of nothing in particular are added as an eleventh class (`fittingroom.photos.non_items`);
* of the trained network two are made: the classifier has the first ten outputs, the judge adds them up and gives the
  eleventh beside them: how surely a picture is none of the classes.

The temperature and the threshold are chosen on the photos for choosing (benchmarks/photo_folder.py).
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fittingroom as fr
from fittingroom.arrays import Array
from fittingroom.cli.output import log, progress
from fittingroom.export.model_export import checked_onnx
from fittingroom.files import write_json
from fittingroom.inference.keras_engine import predictor
from fittingroom.inference.model_files import IN_A_RUN, SCHEMA, WEIGHTS
from fittingroom.inference.predictor import Predictor, open_predictor
from fittingroom.judging import judge, tempered
from fittingroom.ladder.ship import INPUT, PROBE
from fittingroom.models.front import for_use
from fittingroom.models.keras_file import save_keras
from fittingroom.photos.non_items import non_items
from fittingroom.photos.views import averaged, views_of
from fittingroom.recipes import load_recipe, recipe_sha256
from fittingroom.runs import Run, is_run, open_run
from fittingroom.training import resume, train_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.data import Dataset, Split
    from fittingroom.photos.prepare import PreparedPhoto

ROOT = Path(__file__).parent.parent
RECIPE, JUDGE = "photo-28", "photo-28-none.onnx"
FOLDS, DOUBTING = 5, "90"
NOTHING = 30_000  # pictures of nothing, one for each two articles
SEED = 0
DECLINED = 0.08  # of the answerable photos for choosing; at most 0.1 of others are to be


def out_of_fold(split: Split) -> Array:
    """Return which training images get their own label from a network that was trained on the others."""
    order, agrees = np.random.default_rng(SEED).permutation(len(split)), np.zeros(len(split), bool)
    for fold in range(FOLDS):
        held, rest = split.take(order[fold::FOLDS]), split.take(np.setdiff1d(order, order[fold::FOLDS]))
        with tempfile.TemporaryDirectory() as folder:
            recipe = load_recipe(DOUBTING)
            run = train_model(fr.build(str(recipe.model), seed=SEED), rest, recipe, seed=SEED, out=Path(folder) / "run")
            agrees[order[fold::FOLDS]] = run.predict(held.images).argmax(axis=1) == held.labels
        log(f"Fold {fold + 1} of {FOLDS}: {agrees[order[fold::FOLDS]].mean():.3f} agree with their label")
    return agrees


def composed(data: Dataset, folder: Path) -> tuple[Array, Array]:
    """Return what the network is trained on: articles with a label that holds, and pictures of nothing."""
    kept = folder / "agrees.npy"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(kept, out_of_fold(data.train))
    part = data.train.take(np.flatnonzero(np.load(kept)))
    nothing = non_items(part.images, NOTHING, seed=SEED)
    labels = np.concatenate([part.labels, np.full(NOTHING, data.classes, np.uint8)])
    return np.concatenate([part.images, nothing]), labels


def trained(data: Dataset, folder: Path) -> Run:
    """Return the trained run: as it is, gone on with, or from the beginning."""
    run = folder / f"run-{recipe_sha256(RECIPE)[:8]}"
    if (run / IN_A_RUN).exists():
        return open_run(run)
    material = composed(data, folder)
    with progress(False) as on_progress:
        if is_run(run) and (run / "checkpoint").is_dir():
            return resume(run, material, log=log, on_progress=on_progress)
        recipe = load_recipe(RECIPE)
        model = fr.build(str(recipe.model), classes=data.classes + 1, seed=SEED)
        return train_model(model, material, recipe, seed=SEED, out=run, log=log, on_progress=on_progress)


def split_heads(run: Run, classes: int) -> tuple[Any, Any]:
    """Return the classifier, with the first outputs alone, and the judge: any of them, or none."""
    import keras

    whole = run.model()
    inner = next(layer for layer in whole.layers if isinstance(layer, keras.Model))
    head = inner.layers[-1]
    kernel, bias = (np.asarray(value) for value in head.get_weights())
    body = keras.Model(inner.inputs, head.input, name="body")
    few = keras.layers.Dense(classes, activation="softmax", name="head")
    any_or_none = keras.layers.Dense(2, use_bias=False, name="any_or_none")
    classifier = keras.Model(body.inputs, few(body.outputs[0]), name=RECIPE)
    judge = keras.Model(inner.inputs, any_or_none(inner.outputs[0]), name="photo-28-none")
    few.set_weights([kernel[:, :classes], bias[:classes]])
    any_or_none.set_weights([np.array([[1, 0]] * classes + [[0, 1]], np.float32)])
    return classifier, judge


def chosen(card: dict[str, Any], to: Path) -> dict[str, Any]:
    """Return the card with temperature and threshold chosen on the photos for choosing, and what they do there.

    The card is written for the measuring, as it will be shipped but for these two values.
    """
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from photo_folder import ANSWERABLE, RIGHT, auroc, photos

    from fittingroom.workflows.picture_answers import PictureAnswer

    write_card(card, to)
    paths = photos(choosing=True)
    answers = fr.predict_photos(paths, to / f"{RECIPE}.onnx")
    pairs = [
        (path.parent.name, one) for path, one in zip(paths, answers, strict=True) if isinstance(one, PictureAnswer)
    ]
    scores = np.array([one.none_of_these_score for _, one in pairs], np.float64)
    answerable = np.array([folder in ANSWERABLE for folder, _ in pairs])
    threshold = float(np.quantile(scores[answerable], 1 - DECLINED))
    asked = [(folder, one.prepared) for folder, one in pairs if RIGHT[folder]]
    rights = np.array([[name in RIGHT[folder] for name in card["data"]["classes"]] for folder, _ in asked])
    temperature = best_temperature(open_predictor(to / f"{RECIPE}.onnx"), [photo for _, photo in asked], rights)
    told = {
        **card["none_of_these"],
        "threshold": round(threshold, 4),
        "chosen_on": f"{len(pairs)} photos for choosing, so that at most {DECLINED:.0%} of the answerable are declined",
        "declined_of_answerable": round(float((scores[answerable] > threshold).mean()), 3),
        "declined_of_unanswerable": round(float((scores[~answerable] > threshold).mean()), 3),
        "auroc": round(auroc(scores, ~answerable), 3),
    }
    return {**card, "temperature": round(temperature, 3), "none_of_these": told}


def best_temperature(predictor: Predictor, photos: Sequence[PreparedPhoto], rights: Array) -> float:
    """Return the temperature that gives the right answers the least log loss; each view is tempered, then averaged.

    Args:
        predictor: of the network.
        photos: prepared.
        rights: which classes are right, bool ``(n, classes)``; there may be several.
    """
    seen = [views_of(photo) for photo in photos]
    own = [predictor.predict(images, tempered=False) for images, _ in seen]

    def loss(temperature: float) -> float:
        shares = np.array([averaged(tempered(one, temperature), w) for one, (_, w) in zip(own, seen, strict=True)])
        return float(-np.log((shares * rights).sum(axis=1)).mean())

    return float(min(np.geomspace(0.3, 3, 121), key=loss))


def write_card(card: dict[str, Any], to: Path) -> None:
    """Write the card beside the weights."""
    write_json(to / f"{RECIPE}.json", card)


def first_card(run: Run, data: Dataset, answers: Array) -> dict[str, Any]:
    """Return the card as far as the training and the test images tell it; a look at them is a line in the run."""
    verdict = judge(data.test.labels, answers, data.class_names)
    look = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "asked_by": "train_photo_28", "n": verdict.n}
    run.append_line("test_looks.jsonl", {**look, "accuracy": verdict.accuracy, "fingerprint": data.fingerprint})
    return {
        "input": INPUT,
        "schema": SCHEMA,
        "name": f"{data.name}/{RECIPE}",
        "data": {"name": data.name, "fingerprint": data.fingerprint, "classes": list(data.class_names)},
        "protocol": f"scripts/train_photo_28.py, seed {SEED}, the last epoch: {run.environment['train_images']:,} "
        f"pictures, {NOTHING:,} of them of nothing; images with a doubtful label are left out. No photo was used.",
        "recipe": load_recipe(RECIPE).as_dict(),
        "recipe_sha256": recipe_sha256(RECIPE),
        "temperature": 1.0,
        "temperature_fitted_on": "the photos for choosing, by the log loss of the right classes, each view tempered "
        "and then averaged",
        "none_of_these": {"file": JUDGE, "threshold": 1.0},
        "test": {
            "this": verdict.to_dict(),
            f"right_of_first_{PROBE}": int((answers[:PROBE].argmax(axis=1) == data.test.labels[:PROBE]).sum()),
        },
        "limits": "For photos of one garment, or one pair of shoes, on a floor or a hanger, prepared by `fittingroom "
        "predict`. It takes cardigans and jackets for shirts and the other way round, and short dresses for shirts.",
        "licence": "MIT, as the package; the data are Zalando's, MIT.",
    }


def main() -> None:
    """Train, go on training, or take what is trained; then ship it."""
    data, to = fr.load("fashion-mnist"), WEIGHTS / "fashion-mnist"
    run = trained(data, ROOT / "ladder" / RECIPE)
    classifier, judge_model = split_heads(run, data.classes)
    use, judging = for_use(classifier, data.image_shape), for_use(judge_model, data.image_shape)
    save_keras(use, to / f"{RECIPE}.keras")
    checked_onnx(use, to / f"{RECIPE}.onnx", data.test.images, data.class_names)
    checked_onnx(judging, to / JUDGE, data.test.images, ("article", "none"))
    card = first_card(run, data, predictor(use)(data.test.images))
    card = chosen(card, to)
    write_card(card, to)
    log(f"Test accuracy {card['test']['this']['accuracy']:.4f}; {json.dumps(card['none_of_these'])}")


if __name__ == "__main__":
    main()
