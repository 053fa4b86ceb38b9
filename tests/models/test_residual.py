"""The residual networks."""

import numpy as np

from fittingroom.models import build
from fittingroom.models.residual import residual


def test_the_small_one_has_fewer_than_100_000_parameters():
    assert build("residual-16-32-38").count_params() < 100_000


def test_each_stage_after_the_first_begins_at_half_the_resolution():
    shapes = [layer.output.shape[1:] for layer in build("residual-16-32-64").layers if layer.name.startswith("add")]
    assert shapes == [(28, 28, 16)] * 3 + [(14, 14, 32)] * 3 + [(7, 7, 64)] * 3


def test_any_image_size_and_number_of_classes_will_do():
    model = residual((20, 24), 3, channels=(4, 6), blocks=1)
    answers = model(np.zeros((2, 20, 24, 1), np.float32))
    assert tuple(answers.shape) == (2, 3)
