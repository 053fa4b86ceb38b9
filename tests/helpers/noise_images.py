"""Pictures of noise: whatever a network says of them, it is to say the same by every way."""

import numpy as np


def noise_images(count: int, seed: int) -> np.ndarray:
    """uint8 ``(count, 28, 28)``."""
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)
