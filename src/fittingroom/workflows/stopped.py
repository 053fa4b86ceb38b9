"""A run that was stopped: its model as the last checkpoint has it, so that it can be looked at before it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.models.load import IN_A_RUN

if TYPE_CHECKING:
    from fittingroom.data import Dataset
    from fittingroom.runs import Run


def keep_stopped_model(run: Run, data: Dataset) -> bool:
    """Write ``model.keras`` from a run's checkpoint, and say whether there was one to write it from.

    Args:
        run: stopped; its checkpoint stays, and ``train --resume`` goes on from it.
        data: what it is trained on.

    Returns:
        False where there is no checkpoint, or its model cannot be rebuilt without its Python.

    Raises:
        RunError: the checkpoint cannot be read.
    """
    from fittingroom.backend import import_keras
    from fittingroom.models.front import for_use
    from fittingroom.training import checkpoint as checkpoints
    from fittingroom.training.adapt import adapt

    folder = run.folder / "checkpoint"
    if not (folder / checkpoints.FILE).exists():
        return False
    saved = checkpoints.read(folder)
    if saved.facts["architecture"] is None:
        return False
    model = import_keras().models.model_from_json(saved.facts["architecture"])
    subject = adapt(model, data.image_shape, pixels=saved.facts["recipe"]["pixels"])
    parameters = dict(zip(subject.parameter_names, subject.parameters, strict=True))
    buffers = {str(index): buffer for index, buffer in enumerate(subject.buffers)}
    checkpoints.restore(parameters, checkpoints.group(saved.tensors, "parameters"), "weights")
    checkpoints.restore(buffers, checkpoints.group(saved.tensors, "buffers"), "buffers")
    temporary = run.folder / ".stopped.keras"
    try:
        for_use(model, data.image_shape).save(temporary)
        temporary.replace(run.folder / IN_A_RUN)
    finally:
        temporary.unlink(missing_ok=True)
    return True
