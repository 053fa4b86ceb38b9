"""Models in files of other kinds: HDF5 opened without running foreign code; weights alone answered with code."""

import json
import pickle

import h5py
import keras
import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.errors import ModelError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28)).astype(np.uint8)
layers = keras.layers


def network(*more):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((28, 28)), layers.Flatten(), *more, layers.Dense(10, "softmax")])


def convolutional():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((28, 28, 1))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(inputs))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def module():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))


def save_h5(model, path):
    from keras.src.legacy.saving.legacy_h5_format import save_model_to_hdf5

    save_model_to_hdf5(model, str(path), include_optimizer=False)
    return path


@pytest.mark.filterwarnings("ignore:.*its first layers do not tell what pixels")
@pytest.mark.parametrize("make", [network, convolutional])
@pytest.mark.parametrize("ending", ["h5", "hdf5"])
def test_a_keras_model_in_hdf5_answers_as_itself(tmp_path, make, ending):
    model = make()
    path = save_h5(model, tmp_path / f"model.{ending}")
    np.testing.assert_allclose(fr.predict(path, IMAGES), fr.predict(model, IMAGES), atol=1e-6)
    np.testing.assert_allclose(fr.load_model(str(path)).get_weights()[0], model.get_weights()[0])


MARK = []


def with_code(tmp_path):
    """A layer of Python code, whose running would leave a file."""
    target = tmp_path / "ran"
    return network(layers.Lambda(lambda x, where=str(target): (open(where, "w").close(), x)[1]))  # noqa: PTH123


def changed(path, change):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"][-1])
        file.attrs["model_config"] = json.dumps(config)
    return path


FOREIGN = {
    "a class of one's own": lambda layer: layer.update(class_name="Mine", registered_name="mine>Mine", module="mine"),
    "a package": lambda layer: layer.update(class_name="mine>Mine"),
    "another module": lambda layer: layer["config"].update(
        activation={"class_name": "f", "module": "os", "config": "system"}
    ),
    "a torch module": lambda layer: layer.update(class_name="TorchModuleWrapper"),
}


def test_a_layer_of_code_is_refused_and_not_run(tmp_path):
    path = save_h5(with_code(tmp_path), tmp_path / "code.h5")
    (tmp_path / "ran").unlink(missing_ok=True)
    with pytest.raises(ModelError, match="received 'Lambda', which runs code"):
        fr.load_model(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", FOREIGN)
def test_a_class_that_is_not_kerass_own_is_refused(tmp_path, name):
    path = changed(save_h5(network(), tmp_path / "foreign.h5"), FOREIGN[name])
    with pytest.raises(ModelError, match=r"foreign\.h5: expected a model of Keras's own layers, received"):
        fr.load_model(path)


WEIGHTS = {  # a file's name, how it is written, the network that its owner makes
    "mine.weights.h5": (lambda model, path: model.save_weights(path), network),
    "mine.pt": (lambda model, path: torch.save(model.state_dict(), path), module),
    "mine.pth": (lambda model, path: torch.save(model.state_dict(), path), module),
    "mine.safetensors": (lambda model, path: safetensors_torch().save_file(model.state_dict(), path), module),
}


def safetensors_torch():
    import safetensors.torch

    return safetensors.torch


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_alone_are_answered_with_python_that_uses_them(tmp_path, name):
    write, make = WEIGHTS[name]
    trained = make()
    for weight in trained.parameters():
        weight.data.mul_(1.5)
    write(trained, tmp_path / name)
    with pytest.raises(ModelError, match=r"expected a model, received \S+ weights, which hold none") as caught:
        fr.predict(tmp_path / name, IMAGES)
    load, _, ask = str(caught.value).partition("Python, then ")[2].partition("; ")
    fresh = make()
    safetensors_torch()
    import safetensors

    names = {"model": fresh, "module": fresh, "torch": torch, "safetensors": safetensors, "fr": fr, "images": IMAGES}
    exec(load, names)
    np.testing.assert_allclose(eval(ask, names), fr.predict(trained, IMAGES), atol=1e-6)


def test_hdf5_with_weights_under_a_models_name_is_answered_likewise(tmp_path):
    network().save_weights(tmp_path / "w.weights.h5")
    (tmp_path / "w.weights.h5").rename(tmp_path / "w.h5")
    with pytest.raises(ModelError, match="received Keras's weights, which hold none"):
        fr.load_model(tmp_path / "w.h5")


def test_a_pickle_of_a_module_is_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return MARK.append, ("ran",)

    (tmp_path / "trap.pt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError, match="PyTorch's weights"):
        fr.load_model(tmp_path / "trap.pt")
    assert MARK == []


def test_a_damaged_file_is_one_sentence(tmp_path):
    (tmp_path / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n nothing more")
    with pytest.raises(ModelError, match=r"bad\.h5: expected a Keras model in HDF5 that can be read"):
        fr.load_model(tmp_path / "bad.h5")
