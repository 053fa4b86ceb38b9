"""The recipe's loss against Keras's."""

import pytest
import torch

from fittingroom.training.losses import cross_entropy
from helpers.networks import keras

LOGITS = torch.randn(32, 5, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(32) % 5


@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_kerass(probabilities, smoothing):
    outputs = torch.softmax(LOGITS, dim=1) if probabilities else LOGITS
    ours = cross_entropy(probabilities=probabilities, label_smoothing=smoothing)(outputs, (LABELS,))
    one_hot = torch.nn.functional.one_hot(LABELS, 5).float()
    theirs = keras.losses.CategoricalCrossentropy(from_logits=not probabilities, label_smoothing=smoothing)
    assert float(ours) == pytest.approx(float(theirs(one_hot, outputs)), rel=1e-5)


def test_two_labels_are_weighed_by_their_share():
    loss = cross_entropy(probabilities=False)
    other = LABELS.roll(1)
    mixed = loss(LOGITS, (LABELS, other, torch.tensor(0.3)))
    expected = 0.3 * loss(LOGITS, (LABELS,)) + 0.7 * loss(LOGITS, (other,))
    assert float(mixed) == pytest.approx(float(expected))
