"""Colour Python for a page, with the standard library's own tokenizer."""

from __future__ import annotations

import io
import keyword
import tokenize

from markupsafe import Markup, escape


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
