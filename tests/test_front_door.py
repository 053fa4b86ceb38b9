"""`import fittingroom` and the command line's first answer."""

import json
import os
import subprocess
import sys

import pytest

import fittingroom

HEAVY = ("keras", "torch", "matplotlib", "pooch", "requests", "pandas", "sklearn")


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {
        key: value for key, value in os.environ.items() if key not in ("KERAS_BACKEND", "GOMP_SPINCOUNT")
    } | environment
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=False)


def heavy_after(code: str) -> list[str]:
    done = run_python(f"import sys, json\n{code}\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_all_is_sorted_and_equals_what_can_be_imported():
    assert fittingroom.__all__ == sorted(fittingroom.__all__)
    for name in fittingroom.__all__:
        assert getattr(fittingroom, name) is not None
    assert dir(fittingroom) == fittingroom.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        fittingroom.tarin  # noqa: B018


def test_import_fittingroom_loads_nothing_heavy():
    assert heavy_after("import fittingroom") == []


def test_loading_the_class_names_loads_nothing_heavy():
    assert heavy_after("import fittingroom as fr; fr.class_names; fr.load; fr.judge") == []


@pytest.mark.parametrize("words", [["--help"], ["tutorial", "--help"], ["data", "--help"], ["train", "--help"]])
def test_help_loads_nothing_heavy(words):
    code = f"from fittingroom.cli.app import main\nassert main({words!r}) == 0"
    assert heavy_after(code) == []


def test_import_prefers_torch_where_nobody_chose_a_backend():
    done = run_python("import fittingroom, os; print(os.environ['KERAS_BACKEND'])")
    assert done.stdout.strip() == "torch"


def test_import_leaves_a_chosen_backend_alone():
    done = run_python("import fittingroom, os; print(os.environ['KERAS_BACKEND'])", KERAS_BACKEND="jax")
    assert done.stdout.strip() == "jax"


def test_another_backend_is_refused_in_one_sentence():
    code = "import fittingroom as fr\ntry: fr.build()\nexcept fr.FittingRoomError as error: print(error)"
    done = run_python(code, KERAS_BACKEND="jax")
    assert "needs Keras on the torch backend, but KERAS_BACKEND=jax" in done.stdout


def test_import_bounds_how_long_threads_spin_unless_the_user_chose():
    code = "import fittingroom, os; print(os.environ.get('GOMP_SPINCOUNT'))"
    assert run_python(code).stdout.strip() == "2000"
    assert run_python(code, GOMP_SPINCOUNT="5").stdout.strip() == "5"
    assert run_python(code, OMP_WAIT_POLICY="active").stdout.strip() == "None"


def test_a_plot_backend_that_is_not_installed_gives_way_with_a_sentence_and_one_that_is_stays():
    code = "import fittingroom, os; fittingroom.load; print(os.environ['MPLBACKEND'])"
    lacking = run_python(code, MPLBACKEND="module://no_such_widgets.backend")
    assert lacking.stdout.strip() == "agg"
    assert "names a package that is not installed here" in lacking.stderr
    there = run_python(code, MPLBACKEND="module://matplotlib.backends.backend_agg")
    assert there.stdout.strip() == "module://matplotlib.backends.backend_agg"
    assert there.stderr == ""
