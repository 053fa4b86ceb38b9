"""A photo of a garment, step by step, to the 28x28 picture that a model can name; each step says why."""

from __future__ import annotations

from fittingroom.photos.opening import Opened, open_photo

__all__ = ["Opened", "open_photo"]
