"""`fr.explain` and `fittingroom explain`: maps for every class, a picture for each answer, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import fittingroom as fr
from fittingroom.cli.app import main
from fittingroom.errors import DataError, UsageError


@pytest.fixture(scope="module")
def model():
    return fr.build("walkthrough", seed=0)


def test_the_difference_of_two_maps_is_why_one_class_and_not_the_other(model, toy):
    found = fr.explain(model, toy.test.images[:2])
    assert found.maps.shape == (2, 10, 28, 28)
    np.testing.assert_allclose(found.probabilities, fr.predict(model, toy.test.images[:2]), atol=1e-6)
    np.testing.assert_allclose(found.why("Coat", "shirt"), found.maps[:, 4] - found.maps[:, 6])
    np.testing.assert_allclose(found.why(4), found.maps[:, 4])
    with pytest.raises(UsageError, match=r"Expected a class, received 'Shirtt'\. Did you mean 'Shirt'"):
        found.why("Coat", "Shirtt")
    with pytest.raises(UsageError, match="Expected a class, received '10'"):
        found.why(10)


def test_the_command_draws_data_and_photos_and_overwrites_nothing(tmp_path, toy, capsys):
    picture = tmp_path / "small.png"
    Image.fromarray(toy.test.images[0]).save(picture)
    several = tmp_path / "several.npy"
    np.save(several, toy.test.images[:2])
    out = tmp_path / "why"
    words = ["explain", str(picture), str(several), "--model", "fashion-mnist/90", "--out", str(out), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "fittingroom/explain/1"
    names = ["small-why.png", "several-0-why.png", "several-1-why.png"]
    assert [row["picture"] for row in told["answers"]] == [str(out / name) for name in names]
    with Image.open(out / names[0]) as drawn:
        assert drawn.size[0] > 600
    before = (out / names[0]).read_bytes()
    assert main([*words[:2], *words[3:-1], "--against", "Bag"]) == 0
    assert main([*words[:2], *words[3:-1]]) == 0
    assert (out / names[0]).read_bytes() == before
    assert len(list(out.iterdir())) == 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "why"], "Expected at least one picture or folder"),
        (["missing.png", "--out", "why"], "missing.png"),
        (
            ["small.png", "--out", "why", "--against", "Hat", "--model", "fashion-mnist/90"],
            "Expected a class, received",
        ),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(tmp_path, toy, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(toy.test.images[0]).save("small.png")
    assert main(["explain", *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_images_that_are_none_are_refused(model):
    with pytest.raises(DataError):
        fr.explain(model, np.full((1, 28, 28), np.nan))
