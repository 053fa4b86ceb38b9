"""The `.keras` files that are written open in older versions of Keras too, and lose nothing by it."""

import json
import zipfile

import keras
import numpy as np
import pytest

from fittingroom.inference.model_files import WEIGHTS, shipped_names
from fittingroom.models import MODELS, build
from fittingroom.models.keras_file import (
    CONFIG,
    NEW_SETTINGS,
    make_portable,
    portable_json,
    save_keras,
    without_new_settings,
)


def settings(path):
    """Every settings object of Keras's own classes in a file."""

    def inside(part):
        if isinstance(part, list):
            return [found for one in part for found in inside(one)]
        if not isinstance(part, dict):
            return []
        own = [part["config"]] if isinstance(part.get("config"), dict) else []
        return own + [found for one in part.values() for found in inside(one)]

    with zipfile.ZipFile(path) as archive:
        return inside(json.loads(archive.read(CONFIG)))


@pytest.mark.parametrize("name", shipped_names())
def test_no_shipped_file_has_a_setting_that_an_older_keras_refuses(name):
    assert not [key for each in settings(WEIGHTS / f"{name}.keras") for key in each if key in NEW_SETTINGS]


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_has_none_either_and_is_the_same_model(name, tmp_path):
    model = build(name)
    save_keras(model, tmp_path / "model.keras")
    assert not [key for each in settings(tmp_path / "model.keras") for key in each if key in NEW_SETTINGS]
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_all_but_the_description_stays_bit_for_bit(tmp_path):
    build("walkthrough").save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as before:
        told = {entry.filename: (entry.date_time, before.read(entry)) for entry in before.infolist()}
    make_portable(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as after:
        again = {entry.filename: (entry.date_time, after.read(entry)) for entry in after.infolist()}
    assert list(told) == list(again)
    assert {name for name in told if told[name] != again[name]} == {CONFIG}
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_an_architecture_in_a_checkpoint_has_no_new_setting_either_and_is_the_same():
    model = build("thin-conv")
    told = portable_json(model)
    assert not [key for key in NEW_SETTINGS if f'"{key}"' in told]
    assert json.dumps(keras.models.model_from_json(told).get_config()) == json.dumps(model.get_config())


def test_a_new_setting_that_was_set_stays():
    layer = {"module": "keras.layers", "class_name": "BatchNormalization", "config": {"renorm": True, "axis": -1}}
    assert without_new_settings(layer) == layer


def test_a_users_own_class_is_left_as_it_is_and_kerass_inside_it_is_not():
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2, "quantization_config": None}}
    mine = {"module": "mine", "class_name": "Mine", "config": {"renorm": False, "inner": dense}}
    kept = without_new_settings(mine)["config"]
    assert kept["renorm"] is False
    assert kept["inner"]["config"] == {"units": 2}
