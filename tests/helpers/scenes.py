"""Photos made up for the tests: an article of one colour on a background of another, with a camera's noise."""

import numpy as np


def shirt_mask(height=240, width=180):
    """A t-shirt's outline: a trunk and two short sleeves, well inside the picture."""
    rows, columns = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    trunk = (rows > 0.21) & (rows < 0.83) & (abs(columns - 0.5) < 0.17)
    sleeves = (rows > 0.21) & (rows < 0.4) & (abs(columns - 0.5) < 0.33)
    return trunk | sleeves


def photo(mask, article=(40, 50, 110), background=(215, 205, 190), noise=6, seed=0):
    """Colours laid out by a mask, uint8 (h, w, 3)."""
    generator = np.random.default_rng(seed)
    colours = np.where(mask[..., None], article, background)
    return np.clip(colours + generator.normal(0, noise, (*mask.shape, 3)), 0, 255).astype(np.uint8)


def overlap(one, other):
    """Area in both over area in either."""
    return (one & other).sum() / (one | other).sum()
