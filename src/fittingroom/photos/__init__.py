"""A photo of a garment, whole or step by step down to the 28x28 picture that a model can name; each step says why."""

from __future__ import annotations

from fittingroom.photos.opening import Opened, open_photo
from fittingroom.photos.prepare import PreparedPhoto, Step, prepare_photo
from fittingroom.photos.whole_photo import whole_photo

__all__ = ["Opened", "PreparedPhoto", "Step", "open_photo", "prepare_photo", "whole_photo"]
