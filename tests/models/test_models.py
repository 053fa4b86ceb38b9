import numpy as np
import pytest

from fittingroom.errors import UsageError
from fittingroom.models import MODELS, build


@pytest.mark.parametrize("name", MODELS)
def test_every_architecture_answers_with_probabilities(name):
    from fittingroom.inference.keras_engine import predictor

    images = np.random.default_rng(0).integers(0, 256, (5, 20, 16), np.uint8)
    probabilities = predictor(build(name, image_shape=(20, 16), classes=7))(images)
    assert probabilities.shape == (5, 7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_every_architecture_has_one_line_of_its_own(name):
    assert MODELS[name].title
    assert MODELS[name].source


def test_the_walkthrough_network_is_the_articles():
    model = build("walkthrough")
    assert model.count_params() == 101_770
    assert [layer.units for layer in model.layers] == [128, 10]
    assert [layer.activation.__name__ for layer in model.layers] == ["relu", "softmax"]
    assert model.input_shape == (None, 784)
    assert not model.compiled


def test_the_same_seed_gives_the_same_weights_and_another_others():
    one, two, other = (build(seed=seed).get_weights()[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_an_unknown_architecture_suggests_a_close_one():
    with pytest.raises(UsageError, match=r"Unknown model 'walkthru'\. Did you mean 'walkthrough'"):
        build("walkthru")
