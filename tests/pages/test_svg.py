from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from fittingroom.pages.figures import counts_figure, image_figure
from fittingroom.pages.html import _environment, highlight, inline_svg, picture_uri

PICTURE = np.arange(28 * 28).reshape(28, 28).astype(np.uint8)


def test_a_figure_asks_for_nothing_from_outside() -> None:
    drawn = str(inline_svg(image_figure(PICTURE), "words", "key"))
    assert "http" not in drawn
    assert all(target.startswith(("data:", "#")) for target in re.findall(r'href="([^"]*)"', drawn))


def test_its_ids_are_its_own_and_its_references_find_them() -> None:
    drawn = str(inline_svg(image_figure(PICTURE), "words", "key"))
    ids = re.findall(r'\bid="([^"]*)"', drawn)
    assert ids
    assert all(each.startswith("key-") for each in ids)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^")]*)', drawn)) <= set(ids)


def test_it_has_no_shape_group_or_id_of_which_nothing_is_seen() -> None:
    drawn = str(inline_svg(counts_figure([6000, 10], ["T-shirt/top", "Bag"]), "words", "key"))
    assert "opacity: 0" not in drawn
    assert 'style="fill: none"' not in drawn
    assert "<g>" not in drawn.replace("<g><g ", "")
    assert set(re.findall(r'\bid="([^"]*)"', drawn)) == set(re.findall(r'(?:url\(|href=")#([^")]*)', drawn))
    assert drawn.count("<g") == drawn.count("</g>")


def test_its_text_stays_text_and_its_colours_are_the_pages() -> None:
    drawn = str(inline_svg(counts_figure([6000], ["T-shirt/top"]), "words", "key"))
    assert ">T-shirt/top</text>" in drawn
    assert "var(--train)" in drawn
    assert "#25272c" not in drawn


def test_its_words_for_those_who_do_not_see_it_are_escaped() -> None:
    drawn = str(inline_svg(counts_figure([1], ["a"]), 'a "b" <c>', "key"))
    assert 'role="img" aria-label="a &#34;b&#34; &lt;c&gt;"' in drawn


def test_the_same_figure_gives_the_same_text() -> None:
    first, second = (inline_svg(image_figure(PICTURE), "words", "key") for _ in range(2))
    assert first == second


def test_a_picture_keeps_every_pixel_inverted() -> None:
    encoded = picture_uri(PICTURE).removeprefix("data:image/png;base64,")
    decoded = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    np.testing.assert_array_equal(decoded, 255 - PICTURE)


def test_code_is_marked_and_otherwise_unchanged() -> None:
    code = "import x\n\nif 'a' < 'b':  # why\n    y = 1.5\n"
    marked = str(highlight(code))
    assert '<span class="k">import</span>' in marked
    assert re.sub(r"<[^>]*>", "", marked).replace("&#39;", "'").replace("&lt;", "<") == code


def test_what_is_not_python_comes_back_plain_and_escaped() -> None:
    assert str(highlight("(<b>")) == "(&lt;b&gt;"


def test_an_options_name_is_never_broken_at_its_own_hyphens() -> None:
    made = _environment().from_string("{{ text | command }}").render(text="fittingroom train --find-lr a-b.png -q <x>")
    assert made == "fittingroom train <span>--find-lr</span> a-b.png <span>-q</span> &lt;x&gt;"
