"""The whitening stem: outputs uncorrelated and of equal size, filters fixed, and what does not fit refused."""

import numpy as np
import pytest

from fittingroom.errors import ModelError
from fittingroom.models import build
from fittingroom.training.whiten import whiten, whitening_filters


def correlated_images(n=400, side=12):
    generator = np.random.default_rng(0)
    smooth = generator.normal(size=(n, side + 2, side + 2)) * 40 + 120
    smooth = (smooth[:, :-2, 1:-1] + smooth[:, 1:-1, :-2] + smooth[:, 2:, 2:]) / 3
    return np.clip(smooth, 0, 255).astype(np.uint8)


def test_filters_make_patches_uncorrelated_and_of_equal_size():
    images = correlated_images()
    filters = whitening_filters(images, 4, 4, 16)[..., :8].reshape(16, 8)
    patches = np.lib.stride_tricks.sliding_window_view(images / 255, (4, 4), axis=(1, 2))[:, ::2, ::2].reshape(-1, 16)
    covariance = np.cov(patches @ filters, rowvar=False)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-5
    assert np.all((np.diag(covariance) > 0.5) & (np.diag(covariance) <= 1.0))


def test_the_second_half_of_the_filters_is_the_first_with_its_sign_changed():
    filters = whitening_filters(correlated_images(), 4, 4, 10)
    np.testing.assert_array_equal(filters[..., :5], -filters[..., 5:])


def test_a_whitened_stem_is_frozen():
    model = build("stem-16-16-32")
    whiten(model, correlated_images(side=28))
    assert model.get_layer("stem").trainable is False
    assert not any("stem" in weight.path for weight in model.trainable_weights)


def test_a_model_without_a_fitting_convolution_is_refused():
    with pytest.raises(ModelError, match="first Conv2D reads one channel"):
        whiten(build("walkthrough"), correlated_images(side=28))
