"""Open a photo of any kind as upright 8-bit colour, small, within limits; or say in one sentence why not."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.arrays import Array
from fittingroom.errors import DataError
from fittingroom.extras import install_line
from fittingroom.pictures import check_is_file

if TYPE_CHECKING:
    from types import ModuleType

    from PIL import Image


def need_opencv() -> ModuleType:
    """Import OpenCV, or name the line that installs it.

    Raises:
        DataError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise DataError(f"Photos need OpenCV. Install it: {install_line('photos')}") from error
    return cv2


FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF", "PPM")  # none that runs a program
HEIF_SUFFIXES = frozenset((".heic", ".heif", ".hif"))
SUFFIXES = HEIF_SUFFIXES | {
    *(".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif"),
    *(".pgm", ".ppm", ".pnm"),
}
MOST_BYTES = 200_000_000
MOST_PIXELS = 120_000_000  # the largest phone cameras have 108 and 200 million; 120 million take 0.4 GB as colour
LEAST_SIDE = 8
MOST_ELONGATED = 12.0
SIDE = 448  # longest edge handed on, in pixels: an article that fills a tenth of the photo still has 28 to spare
DECODED = 1.5  # times `SIDE`: a large JPEG is decoded to no less


@dataclass(frozen=True)
class Opened:
    """A photo as pixels.

    Attributes:
        pixels: uint8 ``(h, w, 3)``, red, green, blue, upright, the longest edge at most `SIDE`.
        alpha: uint8 ``(h, w)``, 255 where the picture is solid, or None where it has no transparency.
        size: width and height in the file, in pixels, before it was turned or made smaller.
        warnings: what the user may want to know.
    """

    pixels: Array
    alpha: Array | None
    size: tuple[int, int]
    warnings: tuple[str, ...] = ()


def is_picture_name(path: Path) -> bool:
    """Say whether a file's name ends like a picture's.

    Example:
        >>> from pathlib import Path
        >>> is_picture_name(Path("shirt.JPG")), is_picture_name(Path("notes.txt"))
        (True, False)
    """
    return path.suffix.lower() in SUFFIXES


def open_photo(path: Path) -> Opened:
    """Open a picture file.

    JPEG, PNG, WebP, GIF, TIFF, BMP, PNM and AVIF; HEIC where pillow-heif is installed. The orientation tag is
    followed, an animation gives its first frame, 16-bit and palette pictures become 8-bit colour.

    Args:
        path: of the file; its name does not matter, its bytes do.

    Raises:
        DataError: no such file, not a picture, cut short, too large, too small or too long and thin; a HEIC
            file, and pillow-heif is not installed.
    """
    _check_file(path)
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=known_formats()) as picture:
            # Pillow warns of sizes, which are checked here, and of odd metadata
            return opened(picture, path)
    except UnidentifiedImageError as error:
        _check_heif(path)
        raise DataError(f"{path}: expected a picture, received {_guess(path)}") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: expected at most {MOST_PIXELS:,} pixels, received more. Make it smaller.") from error
    except MemoryError as error:
        raise DataError(f"{path}: the picture needs more memory than there is. Make it smaller.") from error
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file: OSError, SyntaxError, struct.error ...
        words = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"{path}: the picture is damaged or cut short ({words}). Get the file again.") from error


def as_opened(image: str | Path | Image.Image | Array | Opened) -> Opened:
    """Open what stands for a photo.

    Args:
        image: a file, a Pillow image, uint8 of ``(h, w)``, ``(h, w, 3)`` or ``(h, w, 4)``, or a photo opened already.

    Raises:
        DataError: as `open_photo`.
    """
    if isinstance(image, Opened):
        return image
    if isinstance(image, (str, Path)):
        return open_photo(Path(image))
    if isinstance(image, np.ndarray):
        return opened(_as_picture(image), "the array")
    return opened(image, "the image")


def _as_picture(array: Array) -> Image.Image:
    from PIL import Image

    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise DataError(
            f"Expected a photo as uint8 (h, w), (h, w, 3) or (h, w, 4), received {array.dtype} {array.shape}."
        )
    return Image.fromarray(array)


def _check_file(path: Path) -> None:
    check_is_file(path)
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Give yourself access to it.") from error
    if not size:
        raise DataError(f"{path}: expected a picture, received an empty file.")
    if size > MOST_BYTES:
        raise DataError(f"{path}: expected at most {MOST_BYTES // 10**6} MB, received {size / 1e6:.0f} MB.")


@cache
def known_formats() -> tuple[str, ...]:
    """Return those of `FORMATS` that can be opened here; HEIC where pillow-heif is installed."""
    from contextlib import suppress

    from PIL import Image

    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _check_heif(path: Path) -> None:
    """Raise where only a package is missing to open a file."""
    if path.suffix.lower() in HEIF_SUFFIXES and find_spec("pillow_heif") is None:
        raise DataError(f"HEIC files need another package. Install it: {install_line('photos')}")


def _guess(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(64).lstrip()
    if head.startswith(b"<"):
        return "a web page or an XML file. Download the picture itself."
    return "a file of another kind. Save it as JPEG or PNG."


def opened(picture: Image.Image, where: object) -> Opened:
    """Return a Pillow image as upright 8-bit colour, small.

    Args:
        picture: its pixels may not have been read yet.
        where: what to call it in a message.

    Raises:
        DataError: too large, too small, or too long and thin.
    """
    size, frames = picture.size, getattr(picture, "n_frames", 1)
    _check_size(size, where)
    if picture.format in ("JPEG", "MPO"):
        scale = DECODED * SIDE / max(size)
        picture.draft("RGB", (int(scale * size[0]), int(scale * size[1])))  # the decoder skips what nobody will see
    notes = [f"an animation of {frames} frames: the first is taken"] * (frames > 1 and picture.format != "MPO")
    picture.load()
    small = _upright(_colour(picture))
    small = small.copy() if small is picture else small  # it may be the caller's
    small.thumbnail((SIDE, SIDE), reducing_gap=3.0)
    pixels = np.asarray(small)
    alpha = pixels[..., 3] if pixels.shape[2] == 4 and pixels[..., 3].min() < 255 else None
    return Opened(np.ascontiguousarray(pixels[..., :3]), alpha, size, tuple(notes))


def _check_size(size: tuple[int, int], where: object) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{where}: expected at most {MOST_PIXELS:,} pixels, received {width:,} x {height:,}. Make it smaller."
        )
    if min(size) < LEAST_SIDE:
        raise DataError(
            f"{where}: expected a picture of at least {LEAST_SIDE} x {LEAST_SIDE}, received {width} x {height}."
        )
    if max(size) > MOST_ELONGATED * min(size):
        raise DataError(
            f"{where}: expected a photo, received a strip of {width} x {height}, more than {MOST_ELONGATED:g} times as "
            "long as it is wide. Cut out the part with the article."
        )


def _upright(picture: Image.Image) -> Image.Image:
    from PIL import ExifTags, ImageOps

    try:
        if picture.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return picture  # exif_transpose would copy it
        turned: Image.Image = ImageOps.exif_transpose(picture)
    except Exception:  # a damaged orientation tag is no reason to refuse the picture
        return picture
    return turned


def _colour(picture: Image.Image) -> Image.Image:
    """Return a picture in any mode as 8-bit RGB, or RGBA where it has transparency."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return _from_deep(picture)
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _from_deep(picture: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits or more as 8-bit colour: whole numbers by their range, fractions by theirs."""
    from PIL import Image

    values: Any = np.nan_to_num(np.asarray(picture).astype(np.float64))
    low, high = (values.min(), values.max()) if picture.mode == "F" else (0, 65535 if values.max() > 255 else 255)
    scaled = np.clip((values - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    deep = Image.fromarray(scaled).convert("RGB")
    deep.info, deep.getexif = picture.info, picture.getexif  # type: ignore[method-assign]
    return deep
