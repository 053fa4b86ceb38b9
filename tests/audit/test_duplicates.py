"""Near-duplicates: the search misses none, and finds copies that were moved, mirrored, brightened or compressed."""

from __future__ import annotations

import numpy as np
import pytest

from fittingroom.audit.duplicates import (
    LEAST_USUAL,
    MOVES,
    NearPair,
    groups_of,
    limits_of,
    near_in_features,
    near_pairs,
    overlaps,
)
from fittingroom.audit.odd_ones import neighbour_distances

BLOCK = 1000  # pictures whose products with all others are in memory at once
SLACK = 1e-3  # float32's products of unit vectors of 784 pixels are nearer than that to the true ones


def brute(images, limit, mirrored=True):
    """Every pair at every move: all products in float32, and what they leave open one by one in float64."""
    found, limits = {}, limits_of(images, limit)
    moves = [(rows, columns) for rows in (-1, 0, 1) for columns in (-1, 0, 1)]
    for is_mirrored in (False, True) if mirrored else (False,):
        for move in moves:
            sides = [part.reshape(len(images), -1).astype(float) for part in overlaps(images, is_mirrored, move)]
            lengths = [np.linalg.norm(side, axis=1) for side in sides]
            units = [side / np.maximum(length, 1e-9)[:, None] for side, length in zip(sides, lengths, strict=True)]
            moved, rest = (unit.astype(np.float32) for unit in units)
            for start in range(0, len(images), BLOCK):
                products = moved[start : start + BLOCK] @ rest[start:].T
                least = 1 - limits[start : start + BLOCK, None] ** 2 / 2 - SLACK
                first, second = start + np.argwhere(products >= least).T
                nearest = np.minimum(limits[first], limits[second])
                open_ = (products[first - start, second - start] >= 1 - nearest**2 / 2 - SLACK) & (first < second)
                first, second, nearest = first[open_], second[open_], nearest[open_]
                cosines = np.einsum("np,np->n", units[0][first], units[1][second])
                distances = np.sqrt(np.maximum(2 - 2 * cosines, 0))
                fine = (lengths[0][first] > 64) & (lengths[1][second] > 64)
                near = fine & (distances <= nearest)
                for one, other, distance in zip(first[near], second[near], distances[near], strict=True):
                    key = int(one), int(other)
                    found[key] = min(found.get(key, 9), float(distance))
    return found


def pictures(n=300, seed=0):
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (n, 4, 4))
    return np.kron(coarse, np.ones((7, 7))).astype(np.uint8)


@pytest.mark.parametrize("mirrored", [True, False])
def test_the_search_is_equal_to_brute_force(mirrored):
    images = pictures()
    images[10] = images[3][:, ::-1]
    images[11, 1:], images[11, 0] = images[4, :-1], 0
    images[12, :, :-1], images[12, :, -1] = images[5, :, 1:], 0
    images[13] = 0
    images[14] = images[6] // 2
    limit = 0.45  # wide, so that many pairs are within it
    expected = brute(images, limit, mirrored)
    found = {(pair.first, pair.second): pair.distance for pair in near_pairs(images, limit, mirrored=mirrored)}
    assert len(expected) > 50
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=2e-4)


def test_faint_pictures_count_by_grey_levels_and_the_search_misses_none_of_them_either():
    generator = np.random.default_rng(1)
    base = pictures(40, 3) // 4 + 16
    noisy = np.clip(base + generator.normal(0, 3, base.shape), 0, 255).astype(np.uint8)
    images = np.concatenate([pictures(40, 4), base, noisy])
    found = {(pair.first, pair.second) for pair in near_pairs(images, 0.05)}
    assert found == brute(images, 0.05).keys()
    assert found >= {(40 + number, 80 + number) for number in range(40)}


@pytest.mark.soak
def test_on_ten_thousand_real_images_the_search_is_equal_to_brute_force():
    import fittingroom as fr

    images = fr.load("fashion-mnist").test.images
    expected = brute(images, 0.1)
    found = {(pair.first, pair.second) for pair in near_pairs(images, 0.1)}
    assert found == expected.keys()


def test_copies_are_found_with_how_they_were_changed():
    images = pictures(40)
    moved = np.pad(images[0], 1)[2:, :-2]  # up by a row, to the right by a column
    images = np.concatenate([images, moved[None], images[1:2, :, ::-1], (images[2:3] * 0.8).astype(np.uint8)])
    found = {(pair.first, pair.second): pair for pair in near_pairs(images, 0.05)}
    assert found.keys() == {(0, 40), (1, 41), (2, 42)}
    assert (found[0, 40].moved, found[0, 40].mirrored) == ((-1, 1), False)
    assert found[0, 40].distance == pytest.approx(0, abs=1e-3)
    assert (found[1, 41].moved, found[1, 41].mirrored) == ((0, 0), True)


@pytest.mark.parametrize("shape", [(8, 1), (1, 8), (1, 1), (2, 2)])
def test_pictures_a_pixel_wide_are_compared_as_far_as_they_overlap(shape):
    images = np.random.default_rng(0).integers(80, 255, (30, *shape)).astype(np.uint8)
    images[20] = images[3]
    found = {(pair.first, pair.second) for pair in near_pairs(images, 1e-4)}
    assert (3, 20) in found
    if shape == (8, 1):
        assert found == {(3, 20)}


def test_black_pictures_are_no_duplicates_of_each_other():
    assert near_pairs(np.zeros((5, 8, 8), np.uint8)) == []
    assert near_pairs(np.zeros((0, 8, 8), np.uint8)) == near_pairs(np.zeros((1, 8, 8), np.uint8)) == []


def test_equal_pictures_hang_together_in_one_group():
    images = np.concatenate([pictures(6), pictures(6)[:2], pictures(6)[:1]])
    pairs = near_pairs(images, 0.01)
    assert groups_of(pairs) == [(0, 6, 8), (1, 7)]
    assert all(pair.distance == 0 for pair in pairs)


def test_of_two_opposite_moves_one_is_looked_at():
    for is_mirrored, moves in MOVES.items():
        opposite = {(-rows, columns if is_mirrored else -columns) for rows, columns in moves}
        everything = {(rows, columns) for rows in (-1, 0, 1) for columns in (-1, 0, 1)}
        assert {*moves} | opposite == everything
    assert NearPair(0, 1, 0.5) == NearPair(0, 1, 0.5, False, (0, 0))


def brute_in_features(features, usual, share):
    """Every pair, one by one in float64."""
    points = features.astype(float)
    usual = np.maximum(usual, LEAST_USUAL * np.median(usual))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) / np.minimum(usual[:, None], usual[None])
    return {(int(a), int(b)): distances[a, b] for a, b in np.argwhere(distances <= share) if a < b}


@pytest.mark.parametrize("width", [3, 24, 90])
def test_in_features_the_search_is_equal_to_brute_force(width):
    generator = np.random.default_rng(width)
    centres = 30 * generator.normal(size=(6, width))
    features = centres[generator.integers(0, 6, 700)] + generator.normal(size=(700, width)) * generator.uniform(
        0.2, 3, (700, 1)
    )
    features[600:] = features[:100] + 0.05 * generator.normal(size=(100, width))
    features = features.astype(np.float16)
    usual = neighbour_distances(features)
    expected = brute_in_features(features, usual, 0.4)
    found = {(pair.first, pair.second): pair.distance for pair in near_in_features(features, usual, share=0.4)}
    assert len(expected) > 60
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.soak
def test_on_ten_thousand_real_images_the_search_in_features_is_equal_to_brute_force():
    import fittingroom as fr
    from fittingroom.inference.predictor import open_predictor
    from fittingroom.models.feature_extractor import feature_extractor, in_batches

    images = fr.load("fashion-mnist").test.images
    features = in_batches(feature_extractor(open_predictor("fashion-mnist/90").model, (28, 28)), images)
    usual, expected = neighbour_distances(features), {}
    least = np.maximum(usual, LEAST_USUAL * np.median(usual))
    points = features.astype(np.float64)
    squares = (points**2).sum(axis=1)
    for start in range(0, len(points), BLOCK):
        rows = slice(start, start + BLOCK)
        far = np.sqrt(np.maximum(squares[rows, None] + squares - 2 * points[rows] @ points.T, 0))
        share = far / np.minimum(least[rows, None], least)
        near = np.argwhere(share <= 0.3)
        expected |= {(start + a, b): share[a, b] for a, b in near.tolist() if start + a < b}
    found = {(pair.first, pair.second) for pair in near_in_features(features, usual, share=0.3)}
    assert found
    assert found == expected.keys()


def test_where_neighbours_are_nearer_a_pair_has_to_be_nearer_still():
    generator = np.random.default_rng(0)
    dense, loose = generator.normal(size=(60, 5)), 100 + 10 * generator.normal(size=(60, 5))
    features = np.concatenate([dense, loose, dense[:1] + 0.5, loose[:1] + 0.5])
    found = {(pair.first, pair.second) for pair in near_in_features(features, neighbour_distances(features))}
    assert (60, 121) in found
    assert (0, 120) not in found


def test_a_network_that_sees_pictures_as_the_same_tells_nothing():
    features = np.random.default_rng(0).normal(size=(100, 4))
    usual = neighbour_distances(features)
    assert near_in_features(features, usual) == []
    same = features.copy()
    same[:60] = same[0]
    assert near_in_features(same, neighbour_distances(same)) is None
    assert near_in_features(np.zeros((50, 3)), np.zeros(50)) is None
    assert near_in_features(features[:1], usual[:1]) == near_in_features(features[:0], usual[:0]) == []


def test_a_thousand_copies_are_a_thousand_pairs_and_no_million():
    images = np.concatenate([pictures(20), np.repeat(pictures(3, 5)[:1], 1000, axis=0)])
    images[15] = images[1000] // 2  # a darker copy belongs to them
    pairs = near_pairs(images, 0.02)
    assert len(pairs) == 1000
    assert groups_of(pairs) == [(15, *range(20, 1020))]
