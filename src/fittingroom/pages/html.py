"""What all pages share: one HTML file that needs nothing from outside, its figures and code as text inside it."""

from __future__ import annotations

import base64
import io
import keyword
import re
import tokenize
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from fittingroom.judging import score_rows
from fittingroom.pages.figures import curve_figure
from fittingroom.pages.glossary import MARK, link, with_definitions
from fittingroom.pages.plots import HELD_OUT, INK, LINE, MUTED, TRAIN
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from fittingroom.arrays import Array
    from fittingroom.pages.learning import Epoch


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
    return Markup(_labelled(_own_ids(_lean(_themed(_bare(drawn))), key), alt))


def _bare(drawn: str) -> str:
    drawn = re.sub(r"<metadata>.*?</metadata>\s*", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)
    opening, rest = drawn.split(">", 1)
    opening = re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", opening)
    rest = re.sub(r'="[^"]*"', _rounded, re.sub(r"\n\s+", "\n", rest))
    return f"{opening}>{rest}".replace("xlink:href", "href")


def _rounded(attribute: re.Match[str]) -> str:
    """Return an attribute with its numbers cut to a hundredth of a point, which is finer than any screen."""
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])


def _themed(drawn: str) -> str:
    for colour, variable in _VARIABLES.items():
        drawn = drawn.replace(colour, variable)
    drawn = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", drawn)
    return re.sub(r" font-family: [^;\"]*;?", "", drawn)  # the page's own sans-serif


def _lean(drawn: str) -> str:
    """Leave out what nobody sees: unpainted shapes, ids that nothing refers to, groups that say nothing."""
    drawn = re.sub(r"<defs>\s*<style[^<]*</style>\s*</defs>", "", drawn)  # round joins: the page's styles have them
    drawn = re.sub(r'<path d="[^"]*" style="fill: none(; opacity: 0)?"/>', "", drawn)
    drawn = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", drawn)
    wanted = set(re.findall(r'(?:url\(|href=")#([^")]+)', drawn))
    drawn = re.sub(r' id="([^"]*)"', lambda named: named[0] if named[1] in wanted else "", drawn)
    drawn = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"\s*([A-Za-z])\s*", r"\1", path[0]).strip(), drawn)
    drawn = re.sub(r">\s*\n\s*<", "><", drawn)
    drawn = _until_stable(r"<g/>|<g></g>|<g>((?:(?!</?g\b).)*)</g>", r"\1", drawn)  # from the innermost outwards
    alike = r'<path d="([^"]*)"((?:(?!opacity)[^>])*)/><path d="([^"]*)"\2/>'  # one path of two, painted alike
    return _until_stable(alike, r'<path d="\1\3"\2/>', drawn)


def _until_stable(pattern: str, put: str, text: str) -> str:
    before = ""
    while text != before:
        before, text = text, re.sub(pattern, put, text, flags=re.DOTALL)
    return text


def _own_ids(drawn: str, key: str) -> str:
    drawn = re.sub(r'\bid="', f'id="{key}-', drawn)
    return re.sub(r'(url\(|href=")#', rf"\1#{key}-", drawn)


def _labelled(drawn: str, alt: str) -> str:
    return drawn.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1).strip()


def learning_curves(
    history: Sequence[Epoch], accuracies: dict[str, float | None], losses: dict[str, float | None]
) -> dict[str, Markup]:
    """Return the curves of accuracy and of loss, with points for what the finished network reached.

    Args:
        history: one value an epoch.
        accuracies: of the finished network, by what to write beside the point.
        losses: likewise.
    """
    return {
        name: inline_svg(curve_figure(history, name, ends), _curve_words(history, name), name)
        for name, ends in (("accuracy", accuracies), ("loss", losses))
    }


def _curve_words(history: Sequence[Epoch], name: str) -> str:
    values = ", ".join(f"{getattr(epoch, name):.4f}" for epoch in history)
    held_out = [value for epoch in history if (value := getattr(epoch, f"val_{name}")) is not None]
    validation = f" Validation: {', '.join(f'{value:.4f}' for value in held_out)}." if held_out else ""
    return f"Training {name} by epoch: {values}.{validation}"


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


def highlight(code: str) -> Markup:
    """Return Python code as HTML: keywords, strings, numbers and comments in ``<span>`` elements.

    Args:
        code: whole statements; what is not Python raises no error but comes back plain.

    Example:
        >>> str(highlight("x = 1  # one"))
        'x = <span class="n">1</span>  <span class="c"># one</span>'
    """
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError):
        return escape(code)
    starts = _line_starts(code)
    pieces, done = [], 0
    for token in tokens:
        style = _style(token)
        if style:
            begin, end = starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1]
            pieces += [escape(code[done:begin]), Markup('<span class="{}">{}</span>').format(style, code[begin:end])]
            done = end
    return Markup("").join([*pieces, escape(code[done:])])


def _line_starts(code: str) -> list[int]:
    starts = [0]
    for line in code.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _style(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return "k"
    return {tokenize.STRING: "s", tokenize.NUMBER: "n", tokenize.COMMENT: "c"}.get(token.type, "")


def render(template: str, **values: Any) -> str:
    """Return a page: HTML, for one file that opens from ``file://`` and needs nothing from outside.

    Args:
        template: its file in ``templates/``.
        values: what stands in it.
    """
    return with_definitions(_environment().get_template(template).render(values))


@cache
def _environment() -> Environment:
    """Return the templates with their filters, for every page."""
    environment = Environment(
        loader=PackageLoader("fittingroom.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = environment.get_template("style.css").render()
    environment.globals |= {"word": link, "words_on_this_page": Markup(MARK), "style": Markup(_compact(style))}
    environment.filters |= {
        "highlight": lambda code: highlight(str(code).strip("\n")),
        "score_rows": score_rows,
        "score": lambda value: "–" if value is None else f"{value:.4f}",
        "thousands": lambda value: f"{value:,}",
        "counted": counted,
        "code_words": _code_words,
        "command": _command,
        "array": lambda values: repr(np.array(values, np.float32)),
    }
    return environment


def _compact(style: str) -> str:
    """Return a sheet of styles without comments and needless space; no string in it holds a brace or two spaces."""
    bare = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL))
    return re.sub(r" ?([{};,]) ?", r"\1", bare).replace(": ", ":").replace(";}", "}").strip()


def _command(text: str) -> Markup:
    """Return a command whose options are never broken at their own hyphens."""
    return Markup(re.sub(r"(?<!\S)(-[\w-]+)", r"<span>\1</span>", str(escape(text))))


def _code_words(sentence: str) -> Markup:
    """Turn `words between backticks` into code."""
    pieces = sentence.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if position % 2 else escape(piece)
        for position, piece in enumerate(pieces)
    )
