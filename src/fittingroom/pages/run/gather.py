"""Everything that the page of a run says, gathered from its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Images
from fittingroom.data import DATASETS, Dataset, Log, no_log
from fittingroom.errors import DataError, ModelError, RunError
from fittingroom.inference.attribution import occlusion_maps
from fittingroom.inference.inside import look_inside
from fittingroom.inference.model_files import IN_A_RUN
from fittingroom.inference.predictor import open_predictor
from fittingroom.pages.answers import Pictures
from fittingroom.pages.judged import judged_run, pictures_of
from fittingroom.pages.learned import drawn_inside, images_of, learned_facts, map_uri
from fittingroom.pages.learning import read_history, read_learning
from fittingroom.pages.replay import gather_replay
from fittingroom.pages.run.values import RunReport
from fittingroom.training import Recipe
from fittingroom.workflows.reproduce import reproduce
from fittingroom.workflows.run_data import run_dataset
from fittingroom.workflows.training_previews import preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import keras

    from fittingroom.arrays import Array
    from fittingroom.pages.answers import Answer
    from fittingroom.pages.judged import Judged
    from fittingroom.runs import Run


INSIDE = 3  # images that the network's inside is shown for
MAP_STEP = 2  # pixels between the patches that cover an image: a quarter of the answers that every pixel would take


def summary(model: keras.Model, width: int = 80) -> str:
    """Return a Keras model's summary.

    Args:
        model: built.
        width: of a line, in characters.
    """
    lines: list[str] = []
    model.summary(line_length=width, print_fn=lambda line, **_: lines.append(line))
    return "\n".join(line.rstrip() for line in "\n".join(lines).strip().splitlines())


def gather_run(run: Run, data_dir: Path | None = None, *, log: Log = no_log) -> tuple[RunReport, Pictures]:
    """Return everything that a run's page says, and its pictures.

    Args:
        run: with at least one epoch.
        data_dir: where the files of its dataset are; None to look.
        log: told what takes a while.
    """
    data, why = data_or_why(run, data_dir)
    judged = judged_run(run, data, why, log=log)
    shows = judged is not None and not judged.pictures_missing and data is not None
    pictures = pictures_of(judged, data) if shows else Pictures()  # type: ignore[arg-type]
    report = _report(run, judged, why)
    if judged is not None and shows and judged.first:
        shown = judged.first[:INSIDE]
        seen = images_of(pictures.judged, shown)
        learned, drawn = gather_inside(run, shown, seen, judged.class_names, layer_by_layer=True)
        report, pictures = replace(report, learned=learned), pictures | Pictures(inside=drawn)
    if judged is not None and shows and judged.top_losses:
        log("Looking at what the highest losses hang on.")
        maps, uris = gather_maps(run, judged.top_losses, images_of(pictures.judged, judged.top_losses))
        report, pictures = replace(report, maps=maps), pictures | Pictures(inside={"maps": uris})
    replay, played = gather_replay(run, data)
    pictures = pictures | Pictures(batches=_augmented(run, data), inside={"replay": played} if replay else {})
    return replace(report, replay=replay), pictures


def _augmented(run: Run, data: Dataset | None) -> list[Array]:
    """Return the first images as they are and as training gave them to the network; none where it changed nothing."""
    recipe = Recipe.from_toml(run.folder / "recipe.toml")
    if data is None:
        return []
    facts = run.environment
    rows = preview(recipe, data, seed=facts["seed"], validation=facts.get("held_out"))
    return rows if any(abs(row - rows[0]).max() > 1 for row in rows) else []


def data_or_why(run: Run, data_dir: Path | None = None) -> tuple[Dataset | None, str]:
    """Return the dataset of a run, or None and one sentence that says why it cannot be had."""
    try:
        return run_dataset(run, data_dir), ""
    except (DataError, RunError) as error:
        return None, str(error)


def gather_inside(
    run: Run, answers: Sequence[Answer], images: Images, names: Sequence[str], *, layer_by_layer: bool = False
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return what a run's network has learned, as values and drawn; nothing where it cannot be looked into.

    Args:
        run: trained.
        answers: about these images.
        images: that it is asked about, uint8 ``(n, h, w)``.
        names: of the classes.
        layer_by_layer: whether to draw what each layer makes of the first image too.
    """
    network = open_predictor(run).model if (run.folder / IN_A_RUN).is_file() else None
    if network is None:
        return None, {}
    try:
        inside = look_inside(network, images)
    except ModelError:  # its own Python calls its layers: there is nothing to show
        return None, {}
    facts = learned_facts(inside, answers, int(network.count_params()))
    return facts, drawn_inside(inside, facts, images, names, layer_by_layer=layer_by_layer)


def gather_maps(
    run: Run, answers: Sequence[Answer], images: Images
) -> tuple[tuple[Mapping[str, Any], ...], dict[int, str]]:
    """Return why a run's network gives some answers and not the true ones, by occlusion, as values and drawn.

    Args:
        run: trained.
        answers: about these images.
        images: uint8 ``(n, h, w)``.

    Returns:
        Values: of each image its index, ``of`` and ``against``, the two classes, the predicted one and the true one,
        or where these are the same the runner-up; ``most``, the strongest of the map, as a logarithm, and its ``row``
        and ``column``. Drawn: addresses of the pictures with their maps by the image's index.
    """
    if not (run.folder / IN_A_RUN).is_file():
        return (), {}
    predictor = open_predictor(run)
    maps = occlusion_maps(predictor.predict, images, step=MAP_STEP)
    facts, uris = [], {}
    for answer, image, own in zip(answers, images, maps, strict=True):
        second = int(np.argsort(-np.asarray(answer.probabilities), kind="stable")[1])
        against = second if answer.right else answer.label
        values = own[answer.predicted] - own[against]
        row, column = (int(place) for place in np.unravel_index(np.abs(values).argmax(), values.shape))
        most = round(float(values[row, column]), 3)
        facts.append({"index": answer.index, "of": answer.predicted, "against": against, "most": most})
        facts[-1] |= {"row": row, "column": column}
        uris[answer.index] = map_uri(image, values)
    return tuple(facts), uris


def readable(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an environment a page shows."""
    names = ("python", "system", "processor", "device", "threads")
    return {name: environment[name] for name in names if name in environment} | dict(environment.get("versions") or {})


def looks_of(run: Run) -> tuple[dict[str, Any], ...]:
    """Return each time that the test split met a run: time (UTC), asked_by, dataset, accuracy."""
    names = ("time", "asked_by", "dataset", "accuracy")
    return tuple({name: line.get(name, "") for name in names} for line in run.test_looks)


def _report(run: Run, judged: Judged | None, why: str) -> RunReport:
    facts, history = run.environment, read_history(run.history)
    command, note = reproduce(run)
    known = DATASETS.get(facts.get("dataset") or "")
    model = open_predictor(run).model if (run.folder / IN_A_RUN).is_file() else None
    recipe = Recipe.from_toml(run.folder / "recipe.toml")
    return RunReport(
        name=run.title,
        data_name=facts.get("dataset") or "arrays",
        title=known.title if known else facts.get("dataset") or "arrays",
        fingerprint=facts.get("fingerprint") or "unknown",
        model=str(facts.get("model")),
        seed=facts["seed"],
        history=history,
        learning=read_learning(history, facts.get("validation_images") or 0),
        changed=recipe.differences(),
        recipe={name: value for name, value in run.resolved.items() if name not in ("schema", "seed")},
        model_summary=summary(model, width=66) if model is not None else "",
        cost=cost_of(run, int(model.count_params()) if model is not None else None),
        environment=readable(facts),
        command=command,
        command_note=note,
        looks=looks_of(run),
        judged=judged,
        no_score="" if judged else _why_no_score(run, why),
        edits=facts.get("edits"),
        class_names=tuple(facts.get("class_names") or map(str, range(facts.get("classes") or 0))),
    )


def cost_of(run: Run, parameters: int | None) -> dict[str, float | int | None]:
    """Return what a run cost, from its history and its model's file, by the names of `COST_ROWS`.

    Args:
        run: with at least one epoch.
        parameters: of its network, or None where they are not counted.
    """
    history = run.history
    seconds = sum(line["seconds"] for line in history)
    images = sum(line["images"] for line in history)
    files = [path for name in (IN_A_RUN, "weights.safetensors") if (path := run.folder / name).is_file()]
    return {
        "train_seconds": seconds,
        "images_per_second": images / seconds if seconds else 0.0,
        "train_images": run.environment.get("train_images") or 0,
        "parameters": parameters,
        "model_bytes": files[0].stat().st_size if files else None,
    }


def _why_no_score(run: Run, why: str) -> str:
    facts = run.environment
    if (run.folder / "checkpoint").is_dir():
        return "its training has not ended"
    if not facts.get("validation_images"):
        return "no images were held out, and this run has not been tested"
    if not facts.get("held_out"):
        return (
            "its validation images were passed by hand, so they cannot be judged anew, and this run has not been tested"
        )
    if not (run.folder / IN_A_RUN).is_file():
        return "its model cannot be asked again, and this run has not been tested"
    return f"its validation images cannot be had here ({why.rstrip('.')}), and this run has not been tested"
