"""The command line: one table of commands, each loaded when it is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

from cyclopts import App, CycloptsError, Parameter

from fittingroom._version import __version__
from fittingroom.cli.output import carrying_out, emit, log, write_what_the_console_lacks
from fittingroom.errors import FittingRoomError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


FAULT = 70  # EX_SOFTWARE: our own mistake, not the user's

EPILOGUE = """Example: fittingroom tutorial --seed 1

What a word means, such as seed, epoch or calibration: fittingroom glossary WORD
Data goes to stdout, messages to stderr.
Exit codes: 0 done, 1 a check failed, 2 wrong use or bad input, 130 interrupted.
Add --debug to any command to see the traceback of an error."""

# Name: (its file, less _commands.py, and after a colon its function where named otherwise; one line; an example, less
# the name)
COMMANDS = {
    "tutorial": ("train", "The walk-through, from the data to a page with the results.", "--seed 1"),
    "explore": ("data", "Look at a dataset: shapes, counts, pictures.", "--dataset mnist"),
    "train": ("train", "Train a model and keep the run.", "--model thin-conv --epochs 3"),
    "sweep": ("sweep", "Try many settings of a recipe, and judge the best of them again.", "space.toml --trials 40"),
    "evaluate": ("judging", "Evaluate a run or a model on the test images.", "runs/my-run"),
    "judge": ("judging", "Judge predictions from any framework.", "predictions.npz --dataset fashion-mnist"),
    "compare": ("judging", "Compare runs: which one is better, with p-values and intervals.", "runs/a runs/b"),
    "predict": ("predict", "Classify photos of garments, and 28x28 images.", "shirt.jpg --explain why"),
    "explain": (
        "predict",
        "Draw which pixels an answer hangs on, and why not another class.",
        "shirt.jpg --against Coat",
    ),
    "export": ("predict", "Write a model as one file for other programs.", "--model runs/my-run"),
    "serve": ("serve", "Serve models over HTTP, for programs and other machines.", "--model shoes=runs/my-run"),
    "mistakes": ("report", "Look at what a run gets wrong.", "runs/my-run --class Shirt"),
    "report": ("report", "Write the page of a run.", "runs/my-run"),
    "audit": ("audit", "Look for what is wrong in data: labels, near-duplicates, leaks.", "--dataset fashion-mnist"),
    "suggest-labels": (
        "audit",
        "Choose which pictures without labels would teach most.",
        "pictures --model runs/my-run",
    ),
    "ladder": ("measuring", "Measure the ladder of recipes, and write its page.", "90 --seeds 1"),
    "baselines": ("measuring", "Fit the classifiers of the dataset's paper, beside its figures.", "SVC --budget 10m"),
    "studio": ("studio", "Open the studio in a browser.", "--port 9000"),
    "glossary": ("model", "What the technical words mean.", "epoch"),
    "doctor": ("studio", "Versions and settings, to paste into a bug report.", ""),
}
GROUPS = {
    "data": (
        "Get, check and find datasets.",
        {
            "list": ("data:list_", "The known datasets.", ""),
            "info": ("data", "Shapes, counts and fingerprint of a dataset.", "fashion-mnist"),
            "get": ("data", "Get a dataset and verify it.", "fashion-mnist"),
            "verify": ("data", "Check every byte of a dataset against its known hash.", "fashion-mnist"),
            "import": ("data:import_", "Make a dataset of your own photos.", "my-photos --out my-mnist"),
            "convert": ("data", "Turn a dataset from one form of files into another.", "fashion-mnist fashion.npz"),
            "path": ("data", "Where a dataset is on this machine.", "fashion-mnist"),
        },
    ),
    "class": (
        "The runs of a class.",
        {
            "collect": ("report", "What a class has handed in, as a table and a page, without names.", "handed-in"),
        },
    ),
    "bench": (
        "Measure this machine.",
        {
            "speed": ("measuring", "Time an epoch of this trainer and of other frameworks, in turns.", "--rounds 3"),
            "step": ("measuring", "Where the seconds of a training step go, operation by operation.", "92"),
        },
    ),
    "runs": (
        "The runs on this machine.",
        {
            "list": ("run:list_runs_", "Every run in a folder.", ""),
            "show": ("run:show_run", "One run: its settings and its results.", "runs/my-run"),
        },
    ),
    "recipes": (
        "The ladder of recipes.",
        {
            "list": ("model:list_recipes", "The recipes, with their measured figures.", ""),
            "show": ("model:show_recipe", "One recipe's file.", "92"),
        },
    ),
    "models": (
        "The architectures that can be trained.",
        {
            "list": ("model:list_models", "The architectures by name.", ""),
            "info": ("model:model_info", "Layers and parameters of one.", "walkthrough"),
        },
    ),
}


def build_app() -> App:
    """Return the application; no command's module is loaded yet."""
    app = _app("fittingroom", "The fitting room for Fashion-MNIST and every dataset in its format.", EPILOGUE)
    _add(app, COMMANDS)
    for name, (title, commands) in GROUPS.items():
        group = _app(name, title, f"Example: {example_of(name, next(iter(commands)))}")
        _add(group, commands, name)
        app.command(group)
    return app


def _app(name: str, title: str, epilogue: str) -> App:
    return App(
        name=name,
        help=title,
        help_epilogue=epilogue,
        help_format="plaintext",
        version=__version__,
        default_parameter=Parameter(negative=()),
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )


def _add(app: App, commands: dict[str, tuple[str, str, str]], *group: str) -> None:
    for name, (where, title, _) in commands.items():
        file, function = place_of(name, where)
        epilogue = f"Example: {example_of(*group, name)}"
        app.command(f"{file}:{function}", name=name, help=title, help_epilogue=epilogue)


def place_of(name: str, where: str) -> tuple[str, str]:
    """Return the module and the function of a command.

    Args:
        name: its last word.
        where: the first entry of its row.
    """
    file, _, function = where.partition(":")
    return f"fittingroom.cli.{file}_commands", function or name.replace("-", "_")


def example_of(*names: str) -> str:
    """Return the example of a command, as it is typed.

    Args:
        names: its words, of which there are two where it is one of a group.
    """
    group = COMMANDS if len(names) == 1 else GROUPS[names[0]][1]
    return " ".join(("fittingroom", *names, group[names[-1]][2])).rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: without the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    write_what_the_console_lacks()
    try:
        with carrying_out(words):
            if "WORLD_SIZE" in os.environ:
                _refuse_several(words)
            if not words:
                _welcome()
            result = build_app()(_as_parsed(words), exit_on_error=False, print_error=False)
    except BrokenPipeError:
        raise
    except (CycloptsError, FittingRoomError, OSError, MemoryError) as error:
        if debug:
            traceback.print_exc()
        if _may_speak(error):
            log(f"fittingroom: {describe(error)}")
        return getattr(error, "exit_code", 2)
    except KeyboardInterrupt:
        log("fittingroom: interrupted.")
        return 130
    except Exception:
        traceback.print_exc()
        log("fittingroom: this is our mistake, not yours. Please report it with the output of `fittingroom doctor`.")
        return FAULT
    return result if isinstance(result, int) else 0


def _refuse_several(words: Sequence[str]) -> None:
    """Raise where torchrun has started several processes of a command that is done by one."""
    if words[:1] != ["train"]:
        from fittingroom.training.ranks import refuse_ranks

        refuse_ranks(f"fittingroom {words[0] if words else ''}".strip())


def _may_speak(error: BaseException) -> bool:
    """Say whether this process prints an error: one of several ranks, or of those on a machine, is enough."""
    ranks = sys.modules.get("fittingroom.training.ranks")
    if ranks is not None and ranks.has_joined():
        return bool(ranks.may_speak(error))
    is_of_words = isinstance(error, CycloptsError) or type(error) is UsageError  # every rank was given the same words
    return not is_of_words or os.environ.get("LOCAL_RANK", "0") == "0"


def _welcome() -> None:
    """Say where one is and what to do first, above the commands."""
    from fittingroom.cli.start import welcome

    emit(f"{welcome()}\n")


def _as_parsed(words: Sequence[str]) -> list[str]:
    """Return the words for Cyclopts, which takes a - alone, standard input, for an option."""
    return ["./-" if word == "-" else word for word in words if word != "--debug"]


def describe(error: BaseException) -> str:
    """Return an error as one sentence for the user."""
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}."
    if isinstance(error, MemoryError):
        return "expected more memory than this machine has free. Close other programs, or use a smaller batch."
    return " ".join(str(error).split())
