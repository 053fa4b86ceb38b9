"""Maps of what an answer hangs on: they lie on what decides, and follow the weights."""

from __future__ import annotations

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import ModelError, UsageError
from fittingroom.inference.attribution import occlusion_maps, smoothgrad_maps
from fittingroom.inference.predictor import open_predictor

SIDE = 7  # of the patch that the class is


def patches(n, seed):
    """Two classes and a third without: a 7x7 patch of upright or of lying stripes somewhere in faint noise."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(n) % 3).astype(np.uint8)
    images = generator.integers(0, 40, (n, 28, 28), np.uint8)
    corners = generator.integers(0, 28 - SIDE + 1, (n, 2))
    stripes = np.where(np.arange(SIDE) % 2 == 0, 250, 0).astype(np.uint8)
    for image, label, (top, left) in zip(images, labels, corners, strict=True):
        if label < 2:
            patch = np.tile(stripes, (SIDE, 1))
            image[top : top + SIDE, left : left + SIDE] = patch if label else patch.T
    return images, labels, corners


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    images, labels, _ = patches(3000, 0)
    out = tmp_path_factory.mktemp("runs") / "patches"
    settings = {"epochs": 3, "batch_size": 50, "optimizer": "muon", "learning_rate": 0.05, "label_smoothing": 0.1}
    return fr.train("thin-conv", (images, labels), settings=settings, onnx=False, out=out)


@pytest.mark.soak
def test_the_highest_point_and_half_the_weight_are_on_the_patch_that_is_the_class(trained):
    predictor = open_predictor(trained)
    images, labels, corners = patches(120, 1)
    chosen = np.flatnonzero((labels < 2) & (predictor.predict(images).argmax(axis=1) == labels))[:40]
    assert len(chosen) >= 38  # it has learned the patches
    hits, shares = [], []
    for each, index in zip(occlusion_maps(predictor.predict, images[chosen]), chosen, strict=True):
        top, left = corners[index]
        own = np.maximum(each[labels[index]], 0)
        row, column = np.unravel_index(own.argmax(), own.shape)
        hits.append(0 <= row - top < SIDE and 0 <= column - left < SIDE)
        shares.append(own[top : top + SIDE, left : left + SIDE].sum() / own.sum())
    assert np.mean(hits) >= 0.95
    assert np.mean(np.array(shares) >= 0.5) >= 0.9, np.sort(shares)[:8]


def test_a_network_with_other_weights_gives_another_map(toy):
    model = fr.build("thin-conv", seed=0)
    first = occlusion_maps(open_predictor(model).predict, toy.test.images[:4])
    generator = np.random.default_rng(0)
    model.set_weights([generator.permutation(value.ravel()).reshape(value.shape) for value in model.get_weights()])
    other = occlusion_maps(open_predictor(model).predict, toy.test.images[:4])
    for one, two in zip(first.reshape(4, -1), other.reshape(4, -1), strict=True):
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.7


def test_occlusion_is_the_drop_of_the_centred_logit():
    def ask(images):
        bright = images[:, 10, 10] > 100
        return np.where(bright[:, None], [[0.9, 0.1]], [[0.2, 0.8]])

    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10, 10] = 255
    maps = occlusion_maps(ask, image)
    drop = (np.log(0.9 / 0.1) - np.log(0.2 / 0.8)) / 2
    assert maps[0, 0, 10, 10] == pytest.approx(drop, rel=1e-5)  # every patch on it covers it
    assert maps[0, 1, 10, 10] == pytest.approx(-drop, rel=1e-5)
    assert maps[0, 0, 20, 20] == 0
    assert 0 < maps[0, 0, 12, 12] < maps[0, 0, 10, 10]


def test_no_images_give_no_maps(toy):
    predictor = open_predictor(fr.build("walkthrough"))
    assert occlusion_maps(predictor.predict, toy.test.images[:0]).shape == (0, 10, 28, 28)


def of_patches(run, maps_of, count=100):
    """Of images whose patch a network tells right: is a map's highest point on it, and what share of its weight."""
    images, labels, corners = patches(300, 1)
    right = open_predictor(run).predict(images).argmax(axis=1) == labels
    assert right.mean() > 0.95  # it has learned them
    chosen = np.flatnonzero((labels < 2) & right)[:count]
    hits, shares = [], []
    for each, index in zip(maps_of(run.model(), images[chosen]), chosen, strict=True):
        top, left = corners[index]
        own = np.maximum(each[labels[index]], 0)
        row, column = np.unravel_index(own.argmax(), own.shape)
        hits.append(0 <= row - top < SIDE and 0 <= column - left < SIDE)
        shares.append(own[top : top + SIDE, left : left + SIDE].sum() / max(own.sum(), 1e-9))
    return np.mean(hits), np.mean(np.array(shares) >= 0.5)


@pytest.mark.soak
def test_smoothgrad_points_at_the_patch_and_half_its_weight_is_there(trained):
    pytest.importorskip("captum")
    hits, half = of_patches(trained, smoothgrad_maps)
    assert hits >= 0.95
    assert half >= 0.95


@pytest.mark.parametrize("name", ["walkthrough", "thin-conv"])
def test_gradients_of_a_network_with_other_weights_give_another_map_and_the_same_network_the_same(toy, name):
    pytest.importorskip("captum")
    model, images = fr.build(name, seed=0), toy.test.images[:3]
    first = smoothgrad_maps(model, images)
    assert first.shape == (3, 10, 28, 28)
    np.testing.assert_array_equal(first, smoothgrad_maps(model, images))
    generator = np.random.default_rng(0)
    model.set_weights([generator.permutation(value.ravel()).reshape(value.shape) for value in model.get_weights()])
    for one, two in zip(first.reshape(3, -1), smoothgrad_maps(model, images).reshape(3, -1), strict=True):
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.7


def test_smoothgrad_without_noise_adds_up_to_a_linear_networks_logits(toy, monkeypatch):
    pytest.importorskip("captum")
    from fittingroom.backend import import_keras

    keras = import_keras()
    monkeypatch.setattr("fittingroom.inference.attribution.NOISE", 1e-7)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, use_bias=False)])
    maps = smoothgrad_maps(model, toy.test.images[:2])
    logits = np.log(fr.predict(model, toy.test.images[:2]).astype(np.float64))
    centred = logits - logits.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), centred, atol=1e-3)


def test_a_method_that_a_model_does_not_have_is_refused(toy, tmp_path, monkeypatch):
    pytest.importorskip("captum")
    import torch

    images = toy.test.images[:1]
    with pytest.raises(UsageError, match="Unknown method 'grad-cam'"):
        fr.explain(fr.build("walkthrough"), images, method="grad-cam")
    with pytest.raises(ModelError, match="Expected a Keras model"):
        fr.explain(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10)), images, method="smoothgrad")
    with pytest.raises(ModelError, match="smoothgrad is of Keras models"):
        fr.explain("fashion-mnist/photo", [np.zeros((40, 40, 3), np.uint8)], method="smoothgrad")
    with pytest.raises(UsageError, match=r"Unknown method 'smoothgrd'\. Did you mean 'smoothgrad'"):
        fr.explain(fr.build("walkthrough"), images, method="smoothgrd")
    monkeypatch.setattr("fittingroom.inference.attribution.missing", lambda extra: ("captum",))
    with pytest.raises(UsageError, match="need captum, which is not installed"):
        fr.explain(fr.build("walkthrough"), images, method="smoothgrad")


def test_a_network_that_does_not_bear_the_noise_gets_less_or_none(toy):
    pytest.importorskip("captum")
    images = toy.test.images[:2]
    maps = smoothgrad_maps(open_predictor("fashion-mnist/90").model, images)  # it whitens its input
    assert all(each.any() for each in maps)
    import torch

    from fittingroom.inference.attribution import NOISE, _bearable_noise

    bears = lambda pixels: torch.stack([pixels.sum(dim=(1, 2)), -pixels.sum(dim=(1, 2))], dim=1)  # noqa: E731
    never = lambda pixels: torch.eye(2)[(pixels.std(dim=(1, 2)) > 1e-5).long()]  # noqa: E731
    assert _bearable_noise(bears, torch.full((1, 9, 9), 0.5)) == NOISE
    assert _bearable_noise(never, torch.full((1, 9, 9), 0.5)) == 0.0
