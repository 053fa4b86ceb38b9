"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from fittingroom.words import counted, listed


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (12_000, "12,000 images")]
)
def test_a_number_has_its_noun_in_singular_or_plural(number, words):
    assert counted(number, "image") == words


def test_a_plural_of_its_own_is_taken_as_it_is():
    assert counted(2, "class", "classes") == "2 classes"
    assert counted(1, "class", "classes") == "1 class"


@pytest.mark.parametrize(("names", "words"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed_in_words(names, words):
    assert listed(names) == words
