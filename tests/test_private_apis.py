"""What Torch and Keras do not promise stands in one file, and training goes on without each of it."""

import re
from pathlib import Path

import pytest
import torch

import fittingroom as fr
from fittingroom import private_apis

PACKAGE = Path(__file__).parent.parent / "src" / "fittingroom"
PRIVATE = re.compile(r"torch\._(?!_)|torch(?:\.\w+)+\._(?!_)|keras\.src|experimental|proxy_tensor")
LACKING = {
    "no make_fx": {("torch.fx.experimental.proxy_tensor", "make_fx")},
    "no module of it at all": {(private_apis.PROXY_TENSOR, "make_fx"), (private_apis.PROXY_TENSOR, "get_proxy_mode")},
    "no dispatch modes": {(private_apis.DISPATCH, "TorchDispatchMode")},
}


@pytest.fixture
def lack(monkeypatch):
    """A Torch or Keras that lacks some names."""

    def lack(names):
        real = private_apis.lookup.__wrapped__
        monkeypatch.setattr(private_apis, "lookup", lambda *name: None if name in names else real(*name))
        private_apis._hold_no_grad.cache_clear()

    yield lack
    private_apis._hold_no_grad.cache_clear()


def trained(toy, folder, **options):
    said = []
    run = fr.train("walkthrough", toy, epochs=1, out=folder, onnx=False, log=said.append, **options)
    return run, "\n".join(said)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_file_names_what_is_private(path):
    lines = [line.split("#")[0] for line in path.read_text("utf-8").splitlines()]
    assert path.name == "private_apis.py" or [line for line in lines if PRIVATE.search(line)] == []


@pytest.mark.parametrize("names", LACKING.values(), ids=LACKING)
def test_without_it_training_is_eager_says_so_and_gives_the_same_to_rounding(names, lack, toy, tmp_path):
    usual, _ = trained(toy, tmp_path / "usual")
    lack(names)
    run, said = trained(toy, tmp_path / "run")
    assert "eagerly, without a trace" in said
    assert run.history[0]["loss"] == pytest.approx(usual.history[0]["loss"], rel=1e-4)
    assert fr.predict(run, toy.test.images).shape == (200, 10)


def test_without_shared_shapes_the_trace_is_the_same(lack):
    def twice(tensor):
        return [tensor * 2]

    usual = private_apis.recorded(twice, (torch.ones(3),)).code
    lack({(private_apis.GUARDS, "TracingContext")})
    assert private_apis.recorded(twice, (torch.ones(3),)).code == usual


def test_without_torchs_gamma_draws_have_the_same_distribution_and_the_generator_decides(lack):
    lack({("torch", "_standard_gamma")})
    shapes = torch.full((4000,), 0.2, dtype=torch.float64)
    drawn = [private_apis.standard_gamma(shapes, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(*drawn)
    assert float(drawn[0].mean()) == pytest.approx(0.2, abs=0.03)


def test_without_kerass_global_state_models_train_too(lack, toy, tmp_path):
    names = ("get_global_attribute", "set_global_attribute")
    lack({(private_apis.KERAS_STATE, name) for name in names})
    assert trained(toy, tmp_path / "run")[0].history[0]["epoch"] == 1
