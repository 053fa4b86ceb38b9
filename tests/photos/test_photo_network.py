"""How the network for photos is trained and scored: nobody's photo is answered by a network that knows its person."""

import importlib
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from fittingroom.inference.model_files import PHOTO_MODEL, WEIGHTS, find_onnx, read_card
from fittingroom.inference.predictor import open_predictor

pytest.importorskip("onnx", reason="no ONNX: install the export extra")
SCRIPTS = Path(__file__).parent.parent.parent / "scripts" / "photo_network"


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """The training's modules, which import each other by their bare names."""
    sys.path.insert(0, str(SCRIPTS))
    before = set(sys.modules)
    yield
    sys.path.remove(str(SCRIPTS))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(SCRIPTS)):
            del sys.modules[name]


def module(name):
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index of photos by persons who sent 1 to 30 each, some of them into the part validation."""
    folder = tmp_path_factory.mktemp("photos")
    rows = ["file,label,classes,person,part,kids"]
    for person in range(31):
        for number in range(max(1, person)):
            part = ("train", "extra", "validation")[number % 3]
            rows.append(f"a/{person}-{number}.jpg,Pants,Trouser,{person},{part},no")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return module("material").index_of(folder)


def test_every_person_is_in_one_fold_and_folds_have_about_equally_many_photos(index):
    folds = module("material").fold_of_person(index)
    assert 0 not in folds  # nobody knows who that is
    counts = np.bincount([folds[photo.person] for photo in index if photo.part != "validation" and photo.person])
    assert counts.max() - counts.min() <= 20


@pytest.mark.parametrize("fold", [None, 0, 3])
def test_a_folds_network_learns_from_nobody_in_it_and_none_from_the_part_validation(index, fold):
    learned = module("folds").is_learned(fold, index)
    folds = module("material").fold_of_person(index)
    for photo, is_learned in zip(index, learned, strict=True):
        held = photo.part == "validation" or (fold is not None and folds.get(photo.person, fold) == fold)
        assert is_learned != held


def test_each_kind_of_nothing_is_held_out_of_one_fold():
    held = [kind for kinds in module("folds").KINDS_HELD_OUT for kind in kinds]
    assert sorted(held) == sorted(module("material").KINDS)


def test_pictures_of_a_seed_are_the_same_each_time():
    nothing = module("nothing")
    for kind in nothing.DRAWN:
        if kind not in ("text", "digits", "letters"):  # drawn with Debian's fonts
            one, same, other = (nothing.drawn(kind, np.random.default_rng(seed)) for seed in (3, 3, 4))
            np.testing.assert_array_equal(one, same)
            assert not np.array_equal(one, other)
            assert (one.shape, one.dtype) == ((224, 168, 3), np.uint8)


def test_a_garment_on_another_background_is_still_there_and_its_own_is_gone(monkeypatch):
    solid = np.zeros((224, 168), np.float32)
    solid[60:180, 40:130] = 1
    photo = np.where(solid[..., None] > 0, (200, 30, 30), (20, 200, 20)).astype(np.uint8)
    pictures = module("pictures")
    monkeypatch.setattr(pictures, "augmented", lambda pixels, generator: pixels)
    wall = pictures.relaid(photo, solid, np.full((224, 168, 3), 90, np.uint8), np.random.default_rng(0))
    shop = pictures.relaid(photo, solid, None, np.random.default_rng(0))
    for seen in (wall, shop):
        np.testing.assert_allclose(seen[100, 80], (200, 30, 30), atol=1)
    np.testing.assert_allclose(wall[5, 5], (90, 90, 90), atol=1)
    assert shop[5, 5].min() >= 165


def test_the_onnx_file_says_what_torch_says(tmp_path):
    torch.manual_seed(0)
    network, onnx_file = module("network"), module("onnx_file")
    trunk, tail = network.Trunk().eval(), network.Tail().eval()
    (tmp_path / "photo.onnx").write_bytes(onnx_file.photo_model(trunk, tail, 0.9, 0.1).SerializeToString())
    pixels = np.random.default_rng(0).integers(0, 256, (2, 224, 168, 3), np.uint8)
    both = np.concatenate([pixels, pixels[:, :, ::-1]])
    with torch.no_grad():
        logits = tail(trunk(torch.from_numpy(both.copy()))).reshape(2, 2, -1).mean(dim=0)
    predictor = open_predictor(tmp_path / "photo.onnx")
    probabilities, scores = predictor.ask(pixels)
    np.testing.assert_allclose(probabilities, torch.softmax(logits[:, :10], dim=1), atol=5e-3)
    distance = logits[:, 10:].logsumexp(dim=1) - logits[:, :10].logsumexp(dim=1)
    np.testing.assert_allclose(scores, torch.sigmoid(0.9 * distance + 0.1), atol=5e-3)
    assert predictor.class_names == network.CLASSES


@pytest.fixture
def few(tmp_path):
    """Return a function that makes a training of six steps on made-up activations, in a folder of this name."""
    network, learning, material = module("network"), module("learning"), module("material")
    torch.manual_seed(0)
    trunk, tail = network.Trunk(), network.Tail()
    weights = dict(trunk.state_dict())
    for name, value in tail.state_dict().items():
        number, _, rest = name.removeprefix("_blocks.").partition(".")
        weights[f"_blocks.{int(number) + network.CUT}.{rest}" if name.startswith("_blocks.") else name] = value
    generator = np.random.default_rng(0)

    def some(name, count):
        accepted = np.eye(len(network.OUTPUTS), dtype=bool)[generator.integers(0, len(network.OUTPUTS), count)]
        activations = generator.normal(size=(count, 14, 11, 112)).astype(np.float16)
        return material.Set(name, activations, accepted, np.ones(count, np.int64), [""] * count)

    sets = {name: some(name, 12) for name in ("photos-0", "photos-1", "articles")}
    sets |= {f"nothing-{kind}": some(f"nothing-{kind}", 4) for kind in material.KINDS}
    stages = learning.Stage(1, 5e-4, 4, 2, 1, mixup=0.2, smoothing=0.1), learning.Stage(1, 3e-4, 4, 2, 1)

    def training(folder):
        known = learning.without(sets, set(), set(), np.ones(12, bool), seed=7)
        return learning.Training(weights, known, tmp_path / folder, tmp_path, learning.Recipe(stages))

    return training


def hash_of_file(tail):
    trunk = module("network").Trunk().eval()
    for parameter in trunk.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    return sha256(module("onnx_file").photo_model(trunk, tail, 0.9, 0.1).SerializeToString()).hexdigest()


def test_the_same_seed_gives_the_same_file_also_where_the_training_was_stopped(few):
    whole, stopped = few("whole"), few("stopped")
    first = hash_of_file(few("other").averaged)
    for _ in range(stopped.steps[0]):
        stopped.one_step()
    stopped.keep()
    stopped.one_step = None  # what was stopped does nothing any more
    found = [hash_of_file(one.run(lambda _: None)) for one in (whole, few("again"), few("stopped"))]
    assert found[0] == found[1] == found[2] != first


def test_a_temperature_is_found_again():
    generator, folds = np.random.default_rng(0), module("folds")
    logits = np.float32(generator.normal(0, 2, (4000, 14)))
    chances = folds.probabilities(logits, 1.7)
    right = np.zeros((4000, 10), bool)
    right[np.arange(4000), [generator.choice(10, p=row) for row in chances]] = True
    assert folds.best_temperature(logits, right) == pytest.approx(1.7, abs=0.15)


def test_the_shipped_files_card_is_its_own_and_its_notices_lie_beside_it():
    card = read_card(find_onnx(PHOTO_MODEL))
    assert card["sha256"] == sha256(find_onnx(PHOTO_MODEL).read_bytes()).hexdigest()
    assert find_onnx(PHOTO_MODEL).stat().st_size <= module("train").MOST_BYTES
    notices = (WEIGHTS / "fashion-mnist" / "photo-notices.md").read_text()
    for words in ("Apache License, Version 2.0", "CC0 1.0", "Zalando", "Fluent Emoji", "scikit-image", "Poly Haven"):
        assert words in notices
    archives = {name: sha for name, (sha, _) in module("material").ARCHIVES.items()}
    assert card["learned_from"]["archives_sha256"] == archives
    assert open_predictor(PHOTO_MODEL).temperature == card["temperature"]
    assert open_predictor(PHOTO_MODEL).threshold == card["none_of_these"]["threshold"]
