"""Augmentation on whole batches: each function's effect, and that the seed decides."""

import pytest
import torch

from fittingroom.training import augment
from fittingroom.training.augment import Generators
from fittingroom.training.recipe import Recipe

N = 64
IMAGES = torch.arange(N * 30, dtype=torch.int64).remainder(251).to(torch.uint8).view(N, 5, 6) + 1


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_random_flip_mirrors_some_images_and_leaves_the_others():
    flipped = augment.random_flip(IMAGES, seeded())
    mirrored = [torch.equal(new, old.flip(1)) for new, old in zip(flipped, IMAGES, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(flipped, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 16 < sum(mirrored) < 48


def test_alternating_flip_mirrors_everything_on_even_epochs_alone():
    assert augment.alternating_flip(IMAGES, 1) is IMAGES
    assert torch.equal(augment.alternating_flip(IMAGES, 2), IMAGES.flip(2))


def test_translate_shifts_each_image_by_whole_pixels_and_fills_with_zero():
    moved = augment.translate(IMAGES, 2, seeded())
    padded = torch.nn.functional.pad(IMAGES, (2, 2, 2, 2))
    windows = {(r, c): padded[:, r : r + 5, c : c + 6] for r in range(5) for c in range(5)}
    shifts = [next(key for key, w in windows.items() if torch.equal(w[i], moved[i])) for i in range(N)]
    assert (
        {row for row, _ in shifts} == {column for _, column in shifts} == set(range(5))
    )  # from -2 to +2, both reached


def test_cutout_blanks_a_square_of_at_most_its_side():
    cut = augment.cutout(IMAGES, 3, seeded())
    blank = (cut == 0) & (IMAGES != 0)
    assert torch.equal(cut[~blank], IMAGES[~blank])
    sizes = blank.flatten(1).sum(1)
    assert int(sizes.min()) >= 1
    assert int(sizes.max()) == 9


def test_a_square_of_even_side_reaches_a_pixel_further_up_than_down():
    cut = augment.cutout(torch.ones(2000, 9, 6), 4, seeded()) == 0
    rows = cut.any(2)
    assert rows[rows[:, 0]].sum(1).unique().tolist() == [2, 3, 4]
    assert rows[rows[:, -1]].sum(1).unique().tolist() == [3, 4]


def test_any_pixel_may_be_the_middle_of_a_square():
    cut = augment.cutout(torch.ones(2000, 5, 6), 1, seeded())
    assert (cut == 0).flatten(1).sum(1).unique().tolist() == [1]
    assert (cut == 0).any(0).all()


def test_a_rectangle_may_be_pasted_anywhere_with_its_middle_on_any_pixel():
    generator, ones, zeros = seeded(), torch.ones(1, 5, 6), torch.zeros(1, 5, 6)
    pasted = torch.cat([augment.cutmix(zeros, ones, 0.6, generator)[0] for _ in range(2000)]) == 1
    sides = [(int(each.any(1).sum()), int(each.any(0).sum())) for each in pasted]
    # 0.4 of the area is a half side of 0.316 of 5 and of 6: 2 and 2 pixels, before they are cut at the edges
    assert {height for height, _ in sides} == {2, 3, 4}
    assert {width for _, width in sides} == {2, 3, 4}
    assert pasted.any(0).all()
    corner = pasted[:, 0, 0] & (pasted.flatten(1).sum(1) == 4)  # whose middle is the first pixel of all
    assert corner.any()


def test_mixup_weighs_two_images():
    ones, zeros = torch.ones(2, 3, 3), torch.zeros(2, 3, 3)
    assert augment.mixup(ones, zeros, 0.25).unique().tolist() == [0.25]
    assert augment.mixup(ones, 3 * ones, 0.25).unique().tolist() == [2.5]


def test_cutmix_says_which_share_of_the_area_stayed():
    ones, zeros = torch.ones(2, 8, 8), torch.zeros(2, 8, 8)
    for seed in range(20):
        mixed, share = augment.cutmix(ones, zeros, 0.5, seeded(seed))
        assert float(mixed[0].mean()) == pytest.approx(share)
    assert torch.equal(ones, torch.ones(2, 8, 8))


def test_beta_share_is_a_share_around_one_half():
    shares = [augment.beta_share(0.4, generator) for generator in [seeded()] for _ in range(400)]
    assert all(0 <= share <= 1 for share in shares)
    assert sum(shares) / 400 == pytest.approx(0.5, abs=0.06)


FULL = Recipe(flip="random", translate=1, cutout=2)


def test_the_seed_decides_and_the_images_stay():
    before = IMAGES.clone()
    first, second, other = (
        augment.compose(FULL, Generators(seeded(seed), seeded(seed)))(IMAGES, 1) for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(IMAGES, before)
    assert first.dtype == torch.uint8


def test_a_recipe_without_augmentation_has_none():
    assert augment.compose(Recipe(), Generators(seeded(), seeded())) is None
