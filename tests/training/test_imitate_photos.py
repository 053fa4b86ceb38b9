"""Imitating photos: what comes out still looks like the article, is drawn from the seed, and differs every time."""

import pytest
import torch

from fittingroom.errors import DataError, UsageError
from fittingroom.training.imitate_photos import CANVAS, Sampler, fitted, imitate_photos, labels_of_pairs, outline


def shirts(n=64):
    """A cross of light on black, as high as the picture."""
    images = torch.zeros(n, 28, 28, dtype=torch.uint8)
    images[:, :, 9:19] = 180
    images[:, 2:9, 2:26] = 140
    return images


def imitated(seed=0, strength=1.0, pairs=(), n=64):
    labels = torch.zeros(n, dtype=torch.int64)
    return imitate_photos(shirts(n), labels, strength, pairs, torch.Generator().manual_seed(seed))


def test_the_same_seed_gives_the_same_pictures_and_another_others():
    assert torch.equal(imitated(1), imitated(1))
    assert not torch.equal(imitated(1), imitated(2))


def test_a_quarter_stays_as_it_is():
    same = (imitated(n=2000) == shirts(2000)).all(dim=2).all(dim=1)
    assert 0.2 < same.float().mean() < 0.3


def test_the_article_still_fills_most_of_the_picture():
    solid = imitated(n=500) > 20
    height = solid.any(dim=2).sum(dim=1).float()
    assert height.mean() > 24


def test_no_strength_leaves_the_article_upright_and_nearly_as_it_was():
    difference = (imitated(strength=0.0).float() - shirts().float()).abs().mean()
    assert difference < 30


def test_pairs_lie_in_any_direction_and_others_stay_upright():
    flat = torch.zeros(300, 28, 28, dtype=torch.uint8)
    flat[:, 10:18] = 200
    labels = torch.full((300,), 7)
    lying, upright = (
        imitate_photos(flat, labels, 1.0, pairs, torch.Generator().manual_seed(0)) > 20 for pairs in ((7,), ())
    )
    tall = [(solid.any(dim=2).sum(dim=1) > 22).float().mean() for solid in (lying, upright)]
    assert tall[0] > 0.3
    assert tall[1] < 0.1


def test_fitting_makes_the_longest_edge_as_long_as_the_picture():
    canvas = torch.zeros(1, 2, CANVAS, CANVAS)
    canvas[:, :, 20:30, 5:9] = 1
    tight = fitted(canvas, 28, Sampler(1, torch.Generator(), 0.0))[0, 1] > 0.5
    assert tight.any(dim=1).all()
    assert 8 <= tight.any(dim=0).sum() <= 14


def test_an_empty_picture_is_no_accident():
    empty = torch.zeros(8, 28, 28, dtype=torch.uint8)
    result = imitate_photos(empty, torch.zeros(8, dtype=torch.int64), 1.0, (), torch.Generator().manual_seed(0))
    assert result.shape == (8, 28, 28)


def test_the_outline_does_not_grow_the_article():
    values = shirts(1).float().unsqueeze(1) / 255
    assert torch.equal(outline(values), (values > 0.03).float())


def test_wrong_labels_and_oblong_images_are_refused():
    with pytest.raises(UsageError, match="expected labels as in 5,7,9, received 'shoes'"):
        labels_of_pairs("shoes")
    oblong = torch.zeros(2, 28, 20, dtype=torch.uint8)
    with pytest.raises(DataError, match=r"expected square images, received \(28, 20\)"):
        imitate_photos(oblong, torch.zeros(2, dtype=torch.int64), 1.0, (), torch.Generator())


def test_a_recipe_trains_with_it(toy):
    import fittingroom as fr
    from fittingroom.training.plan import TrainingPlan
    from fittingroom.training.trainer import fit

    recipe = fr.Recipe(epochs=1, batch_size=100, imitate_photos=0.2, pairs="1, 2")
    done = fit(fr.build("walkthrough"), TrainingPlan(toy.train.images, toy.train.labels, recipe))
    again = fit(fr.build("walkthrough"), TrainingPlan(toy.train.images, toy.train.labels, recipe))
    plain = fit(
        fr.build("walkthrough"), TrainingPlan(toy.train.images, toy.train.labels, recipe.replace(imitate_photos=0.0))
    )
    assert done.history[0]["loss"] == again.history[0]["loss"] != plain.history[0]["loss"]
