"""Photos made up for the tests: an article of one colour on a background of another, with a camera's noise."""

import numpy as np


def shirt_mask(height=240, width=180):
    """A t-shirt's outline: a trunk and two short sleeves, well inside the picture."""
    mask = np.zeros((height, width), bool)
    mask[50:200, 60:120] = True
    mask[50:95, 30:150] = True
    return mask


def photo(mask, article=(40, 50, 110), background=(215, 205, 190), noise=6, seed=0):
    """Colours laid out by a mask, uint8 (h, w, 3)."""
    generator = np.random.default_rng(seed)
    colours = np.where(mask[..., None], article, background)
    return np.clip(colours + generator.normal(0, noise, (*mask.shape, 3)), 0, 255).astype(np.uint8)


def overlap(one, other):
    """Area in both over area in either."""
    return (one & other).sum() / (one | other).sum()
