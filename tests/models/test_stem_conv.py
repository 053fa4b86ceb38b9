"""The network with a stem of stride 2."""

import numpy as np
import pytest

from fittingroom.models import MODELS, build
from fittingroom.models.stem_conv import dirac

STEMS = [name for name in MODELS if name.startswith("stem-")]


@pytest.mark.parametrize("name", STEMS)
def test_the_widths_are_those_of_the_name(name):
    widths = [int(part) for part in name.split("-")[1:]]
    kernels = [layer.kernel.shape[-1] for layer in build(name).layers if type(layer).__name__ == "Conv2D"]
    assert kernels == [widths[0], *(width for width in widths[1:] for _ in range(2))]


def test_a_deep_group_has_three_convolutions_and_a_shortcut_around_what_follows_its_pool():
    kinds = [type(layer).__name__ for layer in build("deep-24-64-128").layers]
    assert kinds.count("Conv2D") == 1 + 2 * 3
    assert kinds.count("Add") == 2
    assert kinds[-2:] == ["GlobalAveragePooling2D", "Dense"]


def test_a_dirac_convolution_passes_its_first_channels_on_unchanged():
    keras = pytest.importorskip("keras")
    layer = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)
    layer.build((None, 6, 6, 3))
    layer.kernel.assign(dirac(layer.kernel.numpy()))
    images = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    outputs = layer(images).detach().numpy()
    np.testing.assert_allclose(outputs[..., :3], images, atol=1e-6)
