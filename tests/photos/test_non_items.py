"""Pictures of nothing in particular: many kinds, the same for the same seed, and no article left whole."""

import numpy as np
import pytest

from fittingroom.photos.non_items import KINDS, non_items, piece

ARTICLES = np.zeros((4, 28, 28), np.uint8)
ARTICLES[:, :, 8:20] = np.linspace(60, 240, 28, dtype=np.uint8)[:, None]


def test_the_same_seed_gives_the_same_pictures():
    np.testing.assert_array_equal(non_items(ARTICLES, 30, seed=2), non_items(ARTICLES, 30, seed=2))
    assert not np.array_equal(non_items(ARTICLES, 30, seed=2), non_items(ARTICLES, 30, seed=3))


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS], ids=lambda kind: kind.__name__)
def test_every_kind_draws_a_picture_each_time_another(kind):
    generator = np.random.default_rng(0)
    pictures = np.stack([kind(generator, ARTICLES[0]) for _ in range(40)])
    assert pictures.dtype == np.uint8
    assert pictures.shape == (40, 28, 28)
    assert len(np.unique(pictures.reshape(40, -1), axis=0)) > 1
    assert (pictures.max(axis=(1, 2)) > 0).mean() > 0.9


def test_a_piece_keeps_about_a_quarter_to_a_half_and_fills_the_picture():
    generator = np.random.default_rng(0)
    for _ in range(50):
        part = piece(generator, ARTICLES[0]) > 8
        rows, columns = part.any(axis=1).sum(), part.any(axis=0).sum()
        assert max(rows, columns) == 28
        assert not 0.4 < columns / rows < 0.46  # the whole article's


def test_pieces_of_an_empty_picture_are_no_accident():
    assert non_items(np.zeros((2, 28, 28), np.uint8), 50).shape == (50, 28, 28)


def test_the_shares_are_all_there_is():
    assert sum(share for _, share in KINDS) == pytest.approx(1)
