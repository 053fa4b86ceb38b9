"""OpenCV, where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.errors import DataError

if TYPE_CHECKING:
    from types import ModuleType


def need_opencv() -> ModuleType:
    """Import OpenCV, or name the line that installs it.

    Raises:
        DataError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise DataError("Photos need OpenCV. Install it: pip install 'fittingroom[photos]'") from error
    return cv2
