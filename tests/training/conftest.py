"""What the training tests share: small random images, and float64 all through Keras."""

import os

import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Tensors this small are faster on one thread, and many times so where other work shares the processor.

    ``FITTINGROOM_TEST_THREADS`` says another number, as tests/test_other_machines.py does.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(int(os.environ.get("FITTINGROOM_TEST_THREADS", "1")))
    yield
    torch.set_num_threads(before)


@pytest.fixture
def float64(monkeypatch):
    """Let Keras compute in float64: outside of TensorFlow it lowers every product to float32."""
    import keras
    from keras.src.backend.common import dtypes

    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # the policy remembers the first floatx it saw
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")
    yield
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(before)


@pytest.fixture
def images():
    """96 images of 12x12 in four classes that a network can tell apart: where the bright stripe is."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 80, (96, 12, 12), dtype=np.uint8)
    for label, image in zip(np.arange(96) % 4, pixels, strict=True):
        image[3 * label : 3 * label + 3] += 120
    return pixels


@pytest.fixture
def labels():
    return (np.arange(96) % 4).astype(np.uint8)
