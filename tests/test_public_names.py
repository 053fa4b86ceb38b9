"""Python has what the command line has, by the same words, and no public name is also a module's."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fittingroom as fr
from fittingroom.cli.app import COMMANDS, GROUPS

FUNCTIONS = {  # of each command: the public function that does the same
    "explore": "explore",
    "train": "train",
    "sweep": "sweep",
    "evaluate": "evaluate",
    "judge": "judge",
    "compare": "compare",
    "predict": "predict_photos",
    "export": "export_model",
    "audit": "audit_dataset",
    "suggest-labels": "suggest_labels",
    "explain": "explain",
    "mistakes": "interpret",
    "report": "report",
    "data list": "list_datasets",
    "data info": "load",
    "data get": "load",
    "data verify": "verify",
    "data import": "import_photos",
    "data convert": "convert_data",
    "data path": "locate",
    "class collect": "collect_class",
    "runs list": "list_runs",
    "runs show": "open_run",
    "recipes list": "list_recipes",
    "recipes show": "load_recipe",
    "models list": "list_models",
    "models info": "build",
}
NONE_NEEDED = {  # why there is none
    "tutorial": "it tells a reader load, build, train, evaluate, predict and report, which are all public",
    "ladder": "it measures the package's own recipes; list_recipes has the figures",
    "serve": "it serves models until it is told to end",
    "baselines": "it fits other libraries' classifiers; baselines.csv has the rows",
    "studio": "it serves a page until Ctrl-C",
    "glossary": "it prints the definitions of words",
    "doctor": "it prints a block of text to paste into a bug report",
    "bench speed": "it measures this machine in processes of its own",
    "bench step": "it measures this machine",
}
NOT_A_COMMAND = {  # public functions that need no command: they take or make Python values, or are an option of one
    "evaluate_corruptions",
    "check",
    "export_model_repository",
    "export_web_page",
    "hold_out",
    "load_data",
    "find_learning_rate",
    "load_model",
    "look_inside",
    "plot_image",
    "plot_value_array",
    "predict",
    "predict_sets",
    "prepare_photo",
    "preview",
    "train_seeds",
}
EVERY_COMMAND = [*COMMANDS, *(f"{group} {name}" for group, (_, names) in GROUPS.items() for name in names)]


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_every_command_has_a_public_function_or_a_reason_why_not(command):
    assert (command in FUNCTIONS) != (command in NONE_NEEDED)


def test_the_two_lists_hold_nothing_else():
    assert {*FUNCTIONS, *NONE_NEEDED} == set(EVERY_COMMAND)
    functions = {
        name
        for name in fr.__all__
        if name != "__version__" and callable(getattr(fr, name)) and not isinstance(getattr(fr, name), type)
    }
    assert functions == {*FUNCTIONS.values()} | NOT_A_COMMAND


def test_no_public_name_is_also_a_modules_whatever_was_imported_first():
    code = """
import importlib, pkgutil
import fittingroom
names = [found.name for found in pkgutil.walk_packages(fittingroom.__path__, "fittingroom.")]
assert len(names) > 100, names
for name in names:
    if name != "fittingroom.__main__":
        importlib.import_module(name)
for name, home in fittingroom._HOMES.items():
    found, meant = getattr(fittingroom, name), getattr(importlib.import_module(home), name)
    assert found is meant, f"fittingroom.{name} is {found!r}"
print("same", len(fittingroom._HOMES))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("same"), done.stderr
