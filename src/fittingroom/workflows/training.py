"""`fittingroom.train`: a model, data and a recipe, each itself or by name; and going on with a run that was stopped."""

from __future__ import annotations

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fittingroom.data import Dataset, Log, load, no_log
from fittingroom.data.accepting import accept_pair
from fittingroom.data.catalog import DATASETS
from fittingroom.data.edits import edits_words
from fittingroom.data.mnist_kin import KIN
from fittingroom.errors import ModelError, UsageError
from fittingroom.extras import install_line
from fittingroom.inference.model_files import IN_A_RUN, ONNX_IN_A_RUN, load_model
from fittingroom.lookup import suggest
from fittingroom.models import MODELS, build
from fittingroom.models.custom import WEIGHTS, build_custom, find_source, is_custom, rebuilt, source_of_run
from fittingroom.models.front import behind_front
from fittingroom.progress import OnProgress, audible, no_progress
from fittingroom.recipes import find_recipe, load_recipe, recipe_names, recipe_sha256
from fittingroom.runs import Run, open_run
from fittingroom.training import Recipe, resume, train_model
from fittingroom.training.keras_arguments import with_keras_arguments
from fittingroom.training.ranks import is_first, join
from fittingroom.training.tracking import check_trackers
from fittingroom.training.trainer import check_unfinished, is_finished
from fittingroom.words import counted
from fittingroom.workflows.run_data import as_trained_on, run_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


DEFAULT_MODEL = "walkthrough"
DEFAULT_DATASET = "fashion-mnist"
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def train(
    model: Any = None,
    data: Any = DEFAULT_DATASET,
    *,
    recipe: Recipe | str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | Literal["auto"] | None = None,
    device: str | None = None,
    seed: int = 0,
    validation: Any = None,
    callbacks: Any = (),
    track: str | Sequence[str] = (),
    name: str | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    edits: str | Path | None = None,
    onnx: bool = True,
    snapshots: bool = False,
    command: str | Sequence[str] = "Python call",
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
    **keras_arguments: Any,
) -> Run:
    """Train a model and keep everything about it in a run folder; ``fittingroom train`` is this function.

    Args:
        model: what is trained: a Keras 3 model on the PyTorch backend or a ``torch.nn.Module``, trained in place; or
            in words, looked up in this order: ``FILE.py:function``, a recipe's TOML file, an architecture's name, a
            recipe's name. Where it names a recipe, or is left out, the recipe's own architecture is trained, and the
            walk-through's where that names none. A model that its owner compiled keeps its optimiser, loss and metrics.
        data: a name or folder as `load` takes it; a `Dataset`, of which only the train part is used; or images and
            labels in any form that `data.accepting` knows: arrays, tensors, tables, torch and Hugging Face datasets.
        recipe: how to train: a `Recipe`, a recipe's name, or a TOML file; a path that exists wins over a name. The
            walk-through's where it is None.
        settings: values in the place of the recipe's, by name, as ``--set`` gives them.
        epochs: likewise.
        batch_size: likewise.
        lr: likewise, the recipe's ``learning_rate``.
        device: likewise: "cpu", "cuda", "mps" (Apple's GPU) or "auto".
        seed: of the starting weights where the model is built here, of the images' order, augmentation and dropout.
        validation: None to train on everything; how many images to hold out, stratified, the same ones whatever the
            seed; or a pair of images and labels.
        callbacks: Keras callbacks, called as ``model.fit`` calls them: one, several, or a ``CallbackList``.
        track: trackers that are told each epoch's figures by their own clients, in or beside the run's folder where
            the user's settings say nothing else: "tensorboard", "mlflow", "trackio", "wandb", one or several.
        name: of the run: letters, digits, dots, dashes and underscores.
        out: the run folder; ``runs/YYYYmmdd-HHMMSS-NAME-sSEED`` where it is None, by the run's or the model's name.
        data_dir: where a known dataset's files are; None to look.
        edits: a file of decisions about training images, see `Dataset.edited`, that are carried out first; the run
            keeps a copy.
        onnx: whether to write ``model.onnx`` beside ``model.keras``, or to log in one line why not.
        snapshots: whether to keep the weights before the first step and after steps 1, 2, 4, 8, ... and the last, so
            that the run's page can replay the training; a few megabytes, and the run is the same to the bit.
        command: how this was called, for the run's record.
        log: takes one line for the user.
        on_progress: takes the progress, about twenty times an epoch.
        keras_arguments: what ``model.fit`` takes besides: ``validation_split`` and ``validation_data`` have Keras's
            meaning; what has none here is refused with what does it.

    Returns:
        The run, with its history, the recipe, and the model for use.

    Raises:
        UsageError: an unknown name, an argument of the wrong kind, or a recipe that a compiled model would not use.
        DataError: images or labels that are not what they should be.
        ModelError: a model that does not fit the images, or a device that is not there.
        RunError: the folder is taken or cannot be written.
        TrainingError: the loss is not finite, or memory or disk ran out; nothing good is overwritten.
        Interrupted: the user stopped it; ``fittingroom train --resume RUN`` goes on.
    """
    log, on_progress = _of_first_rank(log, on_progress)
    check_name(name)
    trackers = check_trackers(track)
    shortcuts = {"epochs": epochs, "batch_size": batch_size, "learning_rate": lr, "device": device}
    model, loaded, chosen, found = found_by_name(model, data, recipe, settings, shortcuts, seed, data_dir, log)
    loaded, validation = with_keras_arguments(keras_arguments, edited(loaded, edits, log), validation, log)
    run = train_model(
        model,
        loaded,
        chosen,
        seed=seed,
        validation=validation,
        callbacks=callbacks,
        out=out,
        facts={"name": name, "command": command, "tracking": trackers, "snapshots": bool(snapshots), **found},
        log=log,
        on_progress=on_progress,
    )
    if snapshots and is_first() and not (run.folder / IN_A_RUN).is_file():
        log("The snapshots are kept; the run's page replays those of networks of ordinary Keras layers alone.")
    if onnx and is_first():
        write_twin(run, loaded, log)
    return run


def _of_first_rank(log: Log, on_progress: OnProgress) -> tuple[Log, OnProgress]:
    """Find the other ranks, where there are several, before anything is read; all but the first then say nothing."""
    join()
    return (log, on_progress) if is_first() else (no_log, no_progress)


def edited(data: Any, edits: str | Path | None, log: Log) -> Any:
    """Return a dataset with a file of decisions carried out, and log what that changed.

    Args:
        data: a dataset, or anything without edits.
        edits: see `Dataset.edited`; None for none.
        log: takes one line.

    Raises:
        UsageError: no dataset.
        DataError: the file is of another dataset, or damaged.
    """
    if edits is None:
        return data
    if not isinstance(data, Dataset):
        kind = type(data).__name__
        told = "Expected edits only with a dataset or the name of one, received them with"
        raise UsageError(f"{told} {kind}: the file names images by their positions in it.")
    if (changed := data.edited(edits)).edits is not None:
        log(f"{data.name}: {edits_words(changed.edits.facts())}.")
    return changed


def found_by_name(
    model: Any,
    data: Any,
    recipe: Recipe | str | Path | None,
    settings: Mapping[str, Any] | None,
    shortcuts: Mapping[str, Any],
    seed: int,
    data_dir: str | Path | None,
    log: Log,
) -> tuple[Any, Any, Recipe, dict[str, Any]]:
    """Return what `train` is to train, each itself where it came by name.

    Args:
        model: see `train`.
        data: likewise.
        recipe: likewise.
        settings: likewise.
        shortcuts: settings that have arguments of their own; None for those that were not given.
        seed: of the starting weights.
        data_dir: where a known dataset's files are.
        log: takes one line for the user.

    Returns:
        The model; a dataset, or images and labels; the recipe; and where they are from, for the run's record.

    Raises:
        UsageError: an unknown name, or an argument of the wrong kind.
    """
    model, recipe = _model_or_recipe(model, recipe)
    chosen, recipe_facts = _chosen_recipe(recipe, settings, **shortcuts)
    loaded, data_facts = _loaded(data, data_dir, log)
    if isinstance(loaded, Dataset):
        chosen = valid_for(chosen, loaded, log)
    recipe_facts["changes"] = chosen.differences(recipe_facts.pop("base"))
    model_facts: dict[str, Any] = {}
    if model is None or isinstance(model, str | Path):
        model, model_facts = built(str(model or chosen.model or DEFAULT_MODEL), loaded, seed)
    return model, loaded, chosen, {"recipe": recipe_facts, **data_facts, **model_facts}


def check_name(name: str | None) -> None:
    """Raise where a name is none that a run may have.

    Raises:
        UsageError: says what it may be.
    """
    if name is not None and not RUN_NAME.fullmatch(name):
        raise UsageError(
            "Expected a run's name of at most 80 letters, digits, dots, dashes and underscores that begins with a "
            f"letter or a digit, received {name!r}."
        )


def _model_or_recipe(model: Any, recipe: Recipe | str | Path | None) -> tuple[Any, Recipe | str | Path | None]:
    """Return model and recipe, told apart where the first is words that may mean either."""
    if not isinstance(model, str | Path) or is_custom(str(model)):
        return model, recipe
    is_file = Path(model).is_file()
    if not is_file and str(model) in MODELS:
        return str(model), recipe
    names = recipe_names()
    if not is_file and str(model) not in names:
        raise UsageError(
            f"No model '{model}': neither an architecture, nor FILE.py:function, nor a recipe or its TOML file. "
            f"{suggest(str(model), [*MODELS, *names])}"
        )
    if recipe is not None:
        raise UsageError(f"Expected an architecture and a recipe, received two recipes: '{model}' and {recipe!r}.")
    return None, model


def _chosen_recipe(
    recipe: Recipe | str | Path | None, settings: Mapping[str, Any] | None, **shortcuts: Any
) -> tuple[Recipe, dict[str, Any]]:
    """Return the recipe with what was changed, and where it is from."""
    if recipe is not None and not isinstance(recipe, Recipe | str | Path):
        raise UsageError(f"Expected a Recipe, a recipe's name or its TOML file, received {type(recipe).__name__}.")
    changes = {key: value for key, value in shortcuts.items() if value is not None}
    twice = [key for key in changes if key in (settings or {})]
    if twice:
        itself = "by itself (lr)" if twice[0] == "learning_rate" else "by itself"
        raise UsageError(f"Expected {twice[0]} once, received it twice: {itself} and among the settings.")
    base = Recipe()
    facts: dict[str, Any] = {"name": None, "sha256": None, "base": base}
    if isinstance(recipe, Recipe):
        base = recipe
    elif recipe is not None:
        base, path = load_recipe(recipe), find_recipe(recipe)
        named = str(path.resolve()) if Path(recipe).is_file() else str(recipe)
        facts = {"name": named, "sha256": recipe_sha256(recipe), "base": base}
    return base.replace(**{**(settings or {}), **changes}), facts


def _loaded(data: Any, data_dir: str | Path | None, log: Log) -> tuple[Any, dict[str, str | None]]:
    """Return a dataset, or images and labels; and where they are, where they were named."""
    if not isinstance(data, str | Path):
        if data_dir is not None:
            raise UsageError(f"Expected data_dir only with a dataset's name, received it with {type(data).__name__}.")
        return data if isinstance(data, Dataset) else accept_pair(data, "training", audible(log)), {}
    folder = None if data in DATASETS or data in KIN else str(Path(data).expanduser().resolve())
    where = None if data_dir is None else Path(data_dir).expanduser().resolve()
    loaded = load(data, data_dir=where, log=log)
    return loaded, {"data_folder": folder, "data_dir": None if where is None else str(where)}


def built(name: str, data: Any, seed: int) -> tuple[Any, dict[str, Any]]:
    """Return a network for these data, and what it is made by, for a run's record.

    Args:
        name: an architecture's, or ``FILE.py:function``.
        data: a dataset, or images and labels.
        seed: of the starting weights.

    Raises:
        UsageError: no such architecture, file or function.
    """
    image_shape, classes = _size(data)
    arguments = {"image_shape": list(image_shape), "classes": classes, "seed": seed}
    if is_custom(name):
        source = find_source(name)
        model = build_custom(source, image_shape, classes, seed)
        where = {"file": str(source.file.resolve()), "function": source.function, "sha256": source.sha256}
        return model, {"model_source": {"kind": "file", **where, "arguments": arguments}}
    model = build(name, image_shape=image_shape, classes=classes, seed=seed)
    return model, {"model": name, "model_source": {"kind": "architecture", "name": name, "arguments": arguments}}


def _size(data: Any) -> tuple[tuple[int, int], int]:
    """Return the shape of an image and the number of classes."""
    if isinstance(data, Dataset):
        return data.image_shape, data.classes
    images, labels = data
    height, width = images.shape[1:]
    return (height, width), int(labels.max()) + 1


def valid_for(recipe: Recipe, data: Dataset, log: Log = no_log) -> Recipe:
    """Return the recipe without the augmentation that would change what a dataset's images are of."""
    known = DATASETS.get(data.name) or KIN.get(data.name)
    if recipe.flip == "none" or known is None or known.flips_valid:
        return recipe
    log(f"Mirroring is off: an image of {known.title} mirrored left to right may be of another class.")
    return recipe.replace(flip="none")


def resume_run(
    folder: Path,
    *,
    model: str | None = None,
    dataset: str | None = None,
    data_dir: Path | None = None,
    epochs: int | None = None,
    name: str | None = None,
    out: str | Path | None = None,
    command: str | Sequence[str] = "Python call",
    onnx: bool = True,
    log: Log = no_log,
    on_progress: OnProgress = no_progress,
) -> Run:
    """Go on with a run: from its last checkpoint where it was stopped; where it is finished, for more epochs.

    A stopped run becomes what it would have been. A finished one is left as it is, and its network is trained on in a
    run of its own, with the optimiser and the learning rate beginning anew: another schedule than all epochs at once.

    Args:
        folder: of the run.
        model: where to find its architecture; None for what the run was made of.
        dataset: where to find its data; None for where they were.
        data_dir: likewise.
        epochs: of a finished run: how many there are to be with those that it has.
        name: of the new run, for a finished one.
        out: likewise, its folder.
        command: likewise, how this was called.
        onnx: whether to write ``model.onnx`` as well.
        log: takes one line for the user.
        on_progress: takes the progress.

    Raises:
        RunError: it is finished and no more epochs are asked for, has no checkpoint, or its model cannot be rebuilt.
        UsageError: the data are not those of the run, or what is asked for cannot be had.
    """
    log, on_progress = _of_first_rank(log, on_progress)
    run = open_run(folder)
    if epochs is None or not is_finished(run):
        _refuse_for_stopped(run, epochs=epochs, name=name, out=out)
        check_unfinished(run)
    facts = run.environment
    data = run_dataset(run, data_dir, log=log) if dataset is None else load(dataset, data_dir=data_dir, log=log)
    if dataset is not None and facts.get("edits") and data.fingerprint == facts.get("fingerprint"):
        data = as_trained_on(run, data)
    if epochs is not None:
        check_name(name)
        trained = _trained_on(run, data, epochs, {"name": name, "command": command}, out, model, log, on_progress)
        if onnx and is_first():
            write_twin(trained, data, log)
        return trained
    source = facts.get("model_source") or {}
    own = None
    if model is not None:
        own, _ = built(model, data, facts["seed"])
    elif source.get("kind") == "file":
        own = build_custom(source_of_run(run.folder), data.image_shape, data.classes, facts["seed"])
    done = resume(run, data, model=own, log=log, on_progress=on_progress)
    if onnx and is_first():
        write_twin(done, data, log)
    return done


def _refuse_for_stopped(run: Run, **asked: Any) -> None:
    given = [f"--{name}" for name, value in asked.items() if value is not None]
    if given and not is_finished(run):
        raise UsageError(
            f"Expected --resume without {', '.join(given)}: {run.folder} was stopped, and goes on with the epochs, "
            "name and folder that it has. Leave that out, or train anew without --resume."
        )
    if given:
        raise UsageError(f"Expected --epochs with {', '.join(given)}: {run.folder} is finished.")


def _trained_on(
    run: Run,
    data: Dataset,
    epochs: int,
    facts: dict[str, Any],
    out: str | Path | None,
    model: str | None,
    log: Log,
    on_progress: OnProgress,
) -> Run:
    """Train a finished run's network for more epochs, into a run of its own."""
    before, done = run.environment, len(run.history)
    data = as_trained_on(run, data)
    if epochs <= done:
        raise UsageError(f"--epochs: expected more than the {done} that {run.folder} has, received {epochs}.")
    held_by_hand = bool(before.get("validation_images")) and not before.get("held_out")
    if before.get("compiled") or before.get("callbacks") or held_by_hand or model is not None:
        raise UsageError(
            f"{run.folder}: a finished run is trained on with the network, recipe and held-out images that it has. "
            "A compiled model, callbacks, another architecture or held-out images of one's own need Python: "
            "fr.train(model, data, epochs=...) with the model that was trained."
        )
    if (run.folder / IN_A_RUN).exists():  # opened anew: a predictor that is kept open must not be trained
        network, file = behind_front(load_model(run.folder)), run.folder / IN_A_RUN
    else:
        network, file = rebuilt(run.folder, data.image_shape, before.get("classes", data.classes)), run.folder / WEIGHTS
    base = Recipe.from_toml(run.folder / "recipe.toml")
    recipe = base.replace(epochs=epochs - done, whiten=False)
    source = {"kind": "run", "folder": str(run.folder.resolve()), "epochs": done}
    source["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    kept = {key: before.get(key) for key in ("model", "data_folder", "data_dir")}
    made = {"name": None, "sha256": None, "changes": recipe.differences()}
    log(
        f"Training on for {counted(recipe.epochs, 'epoch')} after the {done} of {run.folder}, into a "
        f"run of its own. The learning rate begins anew, so this is another schedule than "
        f"{counted(epochs, 'epoch')} at once."
    )
    return train_model(
        network,
        data,
        recipe,
        seed=before["seed"],
        validation=before.get("held_out"),
        out=out,
        facts={**facts, **kept, "recipe": made, "model_source": source},
        log=log,
        on_progress=on_progress,
    )


NEEDED = ("onnx", "onnxruntime")
COMPARED = 1000  # training images; `fittingroom export` compares on all test images


def write_twin(run: Run, data: Any, log: Log) -> None:
    """Write ``model.onnx`` beside a run's model, or say in one line why there is none.

    Args:
        run: trained.
        data: of which the first training images are compared.
        log: takes one line for the user.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        log(f"No model.onnx: {' and '.join(missing)} not installed ({install_line('export')}).")
        return
    from fittingroom.export.model_export import checked_onnx
    from fittingroom.inference.predictor import open_predictor

    images = data.train.images if isinstance(data, Dataset) else data[0]
    class_names = data.class_names if isinstance(data, Dataset) else ()
    try:
        opened = open_predictor(run)
        expected = opened.predict(images[:COMPARED], tempered=False)
        to = run.folder / ONNX_IN_A_RUN
        checked_onnx(opened.model, to, images[:COMPARED], class_names, pixels=opened.pixels, expected=expected)
    except ModelError as error:
        log(f"No model.onnx: {error}")


def keep_stopped_model(run: Run) -> bool:
    """Write ``model.keras`` from a run's checkpoint, and say whether there was one to write it from.

    Args:
        run: stopped; its checkpoint stays, and ``train --resume`` goes on from it.

    Returns:
        False where there is no checkpoint, or its model cannot be rebuilt without its Python.

    Raises:
        RunError: the checkpoint cannot be read.
    """
    from fittingroom.backend import import_keras
    from fittingroom.models.front import for_use
    from fittingroom.models.keras_file import save_keras
    from fittingroom.training import checkpoint as checkpoints
    from fittingroom.training.step import adapt

    folder = run.folder / "checkpoint"
    if not (folder / checkpoints.FILE).exists():
        return False
    saved = checkpoints.read(folder)
    if saved.facts["architecture"] is None:
        return False
    model = import_keras().models.model_from_json(saved.facts["architecture"])
    height, width = run.environment.get("image_shape") or (28, 28)
    functional = adapt(model, (height, width), pixels=saved.facts["recipe"]["pixels"])
    parameters = dict(zip(functional.parameter_names, functional.parameters, strict=True))
    buffers = {str(index): buffer for index, buffer in enumerate(functional.buffers)}
    checkpoints.restore(parameters, checkpoints.group(saved.tensors, "parameters"), "weights")
    checkpoints.restore(buffers, checkpoints.group(saved.tensors, "buffers"), "buffers")
    save_keras(for_use(model, (height, width), saved.facts["recipe"]["pixels"]), run.folder / IN_A_RUN)
    return True
