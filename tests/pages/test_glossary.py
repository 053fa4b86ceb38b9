"""The glossary on a page: the words that it links to are defined at its end."""

from __future__ import annotations

import pytest

import fittingroom as fr
from fittingroom.pages.glossary import GLOSSARY, anchor, define, link, with_definitions


def test_a_page_defines_the_words_that_it_links_to_and_no_others():
    page = with_definitions(f"<p>{link('epoch', 'epochs')}</p><!-- words on this page -->")
    assert '<a class="word" href="#word-epoch">epochs</a>' in page
    assert page.count("<dt>") == 1
    assert f'<div id="{anchor("epoch")}"><dt>epoch</dt><dd>{GLOSSARY["epoch"][0]}' in page


def test_a_page_without_such_links_has_no_list():
    assert with_definitions("<p>x</p><!-- words on this page -->") == "<p>x</p>"


def test_a_word_that_is_not_in_the_glossary_is_an_error_with_a_suggestion():
    with pytest.raises(fr.FittingRoomError, match="Did you mean 'epoch'"):
        link("epochh")
    with pytest.raises(fr.FittingRoomError, match="Did you mean 'seed'"):
        define("sed")


@pytest.mark.parametrize("word", GLOSSARY)
def test_every_word_is_explained_in_sentences_and_by_an_example(word):
    meaning, example = GLOSSARY[word]
    assert meaning[0].isupper()
    assert meaning.endswith(".")
    assert 1 <= meaning.count(". ") + 1 <= 3
    assert example
    assert define(word.upper()).startswith(meaning)


def test_each_word_has_its_own_place_on_a_page():
    assert len({anchor(word) for word in GLOSSARY}) == len(GLOSSARY)
