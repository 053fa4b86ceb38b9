"""Put a figure or a picture inside a page, as text."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Final

import numpy as np
from markupsafe import Markup, escape

from fittingroom.reporting.palettes import HELD_OUT, INK, LINE, MUTED, TRAIN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fittingroom.arrays import Array

# A figure's colours follow the page's, so that it reads in light and in dark.
_VARIABLES: Final = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    TRAIN: "var(--train)",
    HELD_OUT: "var(--held-out)",
    "#777777": "var(--bar)",
    "#008000": "var(--right)",
    "#ff0000": "var(--wrong)",
    "#0072b2": "var(--right)",
    "#d55e00": "var(--wrong)",
}


def inline_svg(figure: Figure, alt: str, key: str) -> Markup:
    """Return a figure as an ``<svg>`` element that needs nothing from outside.

    Its text stays text, its colours are the page's variables, and its pictures are embedded pixel by pixel.

    Args:
        figure: what to draw.
        alt: what a reader who does not see it is told.
        key: a word unique on the page, put before every id inside.
    """
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}), io.StringIO() as text:
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        drawn = text.getvalue()
    return Markup(_labelled(_own_ids(_themed(_bare(drawn)), key), alt))


def _bare(drawn: str) -> str:
    drawn = re.sub(r"<metadata>.*?</metadata>\s*", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)
    opening, rest = drawn.split(">", 1)
    opening = re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", opening)
    return f"{opening}>{rest}".replace("xlink:href", "href")


def _themed(drawn: str) -> str:
    for colour, variable in _VARIABLES.items():
        drawn = drawn.replace(colour, variable)
    return re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", drawn)


def _own_ids(drawn: str, key: str) -> str:
    drawn = re.sub(r'\bid="', f'id="{key}-', drawn)
    return re.sub(r'(url\(|href=")#', rf"\1#{key}-", drawn)


def _labelled(drawn: str, alt: str) -> str:
    return drawn.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1).strip()


def picture_uri(image: Array) -> str:
    """Return a grey picture ``(h, w)`` uint8 as a ``data:`` address of a PNG, dark on white.

    Example:
        >>> picture_uri(np.zeros((2, 2), np.uint8))[:22]
        'data:image/png;base64,'
    """
    from PIL import Image

    with io.BytesIO() as file:
        Image.fromarray(255 - np.asarray(image, np.uint8)).save(file, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
