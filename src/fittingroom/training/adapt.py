"""A model as a subject that can be trained; what cannot is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fittingroom.errors import ModelError
from fittingroom.models.adapt import as_functional, probe
from fittingroom.models.front import holds_own_scaling

if TYPE_CHECKING:
    from fittingroom.models.functional_model import FunctionalModel

__all__ = ["adapt", "probe"]


def adapt(model: Any, image_shape: tuple[int, int], *, pixels: str = "unit") -> FunctionalModel:
    """Return the subject of a Keras model or a torch module that is to be trained.

    Args:
        model: a Keras 3 model on the PyTorch backend, or a ``torch.nn.Module``.
        image_shape: ``(h, w)`` of the images it will see.
        pixels: "unit" to feed 0..1, "raw" to feed 0..255.

    Raises:
        ModelError: neither of the two, it does not fit the images, has nothing to train, scales pixels that are already
            scaled, or trains by its own step.
    """
    functional = as_functional(model, image_shape)
    if not functional.parameters:
        kind = "Model" if functional.is_keras else "Module"
        raise ModelError(
            f"{kind} '{functional.name}' has nothing to train: all its weights are frozen, or it has none."
        )
    if functional.is_keras:
        _refuse_own_step(model)
        _refuse_scaling_twice(model, pixels)
    return functional


def _refuse_own_step(model: Any) -> None:
    import keras

    if type(model).train_step is not keras.Model.train_step:
        raise ModelError(
            f"Model '{model.name}' has its own train_step, which only model.fit runs. Use model.fit for it."
        )


def _refuse_scaling_twice(model: Any, pixels: str) -> None:
    if pixels == "unit" and holds_own_scaling(model):
        raise ModelError(
            f"Model '{model.name}' holds its own Rescaling or Normalization, and would be fed pixels in 0..1: scaled "
            "twice, it learns nothing. Remove the layer, or say pixels = 'raw' in the recipe."
        )
