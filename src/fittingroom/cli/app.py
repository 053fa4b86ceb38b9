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

COMMANDS = {  # name: (file of this folder, less _commands, and function; one line; an example)
    "tutorial": ("train:tutorial", "The walk-through, from the data to a page with the results.", "tutorial --seed 1"),
    "explore": ("data:explore", "Look at a dataset: shapes, counts, pictures.", "explore --dataset mnist"),
    "train": ("train:train", "Train a model and keep the run.", "train --model thin-conv --epochs 3"),
    "sweep": (
        "sweep:sweep",
        "Try many settings of a recipe, and judge the best of them again.",
        "sweep space.toml --trials 40",
    ),
    "evaluate": ("judging:evaluate", "Evaluate a run or a model on the test images.", "evaluate runs/my-run"),
    "judge": (
        "judging:judge",
        "Judge predictions from any framework.",
        "judge predictions.npz --dataset fashion-mnist",
    ),
    "compare": (
        "judging:compare",
        "Compare runs: which one is better, with p-values and intervals.",
        "compare runs/a runs/b",
    ),
    "predict": ("predict:predict", "Classify photos of garments, and 28x28 images.", "predict shirt.jpg --explain why"),
    "explain": (
        "predict:explain",
        "Draw which pixels an answer hangs on, and why not another class.",
        "explain shirt.jpg --out why --against Coat",
    ),
    "export": ("predict:export", "Write a model as one file for other programs.", "export --model runs/my-run"),
    "serve": (
        "serve:serve",
        "Serve models over HTTP, for programs and other machines.",
        "serve --model shoes=runs/my-run",
    ),
    "mistakes": ("report:mistakes", "Look at what a run gets wrong.", "mistakes runs/my-run --class Shirt"),
    "report": ("report:report", "Write the page of a run.", "report runs/my-run"),
    "audit": (
        "audit:audit",
        "Look for what is wrong in a dataset: labels, near-duplicates, leaks.",
        "audit --dataset fashion-mnist",
    ),
    "suggest-labels": (
        "audit:suggest_labels",
        "Choose, of pictures without labels, those that would teach most.",
        "suggest-labels unlabelled --model runs/my-run",
    ),
    "ladder": ("measuring:ladder", "Measure the ladder of recipes, and write its page.", "ladder 90 --seeds 1"),
    "baselines": (
        "measuring:baselines",
        "Fit the classifiers of the dataset's paper again, and set them beside its figures.",
        "baselines SVC --budget 10m",
    ),
    "studio": ("studio:studio", "Open the studio in a browser.", "studio --port 9000"),
    "glossary": ("model:glossary", "What the technical words mean.", "glossary epoch"),
    "doctor": ("studio:doctor", "Versions and settings, to paste into a bug report.", "doctor"),
}
GROUPS = {
    "data": (
        "Get, check and find datasets.",
        {
            "list": ("data:list_", "The known datasets.", "data list"),
            "info": ("data:info", "Shapes, counts and fingerprint of a dataset.", "data info fashion-mnist"),
            "get": ("data:get", "Get a dataset and verify it.", "data get fashion-mnist"),
            "verify": (
                "data:verify",
                "Check every byte of a dataset against its known hash.",
                "data verify fashion-mnist",
            ),
            "import": ("data:import_", "Make a dataset of your own photos.", "data import my-photos --out my-mnist"),
            "convert": (
                "data:convert",
                "Turn a dataset from one form of files into another.",
                "data convert fashion-mnist fashion.npz",
            ),
            "path": ("data:path", "Where a dataset is on this machine.", "data path fashion-mnist"),
        },
    ),
    "class": (
        "The runs of a class.",
        {
            "collect": (
                "report:class_collect",
                "What a class has handed in, as one table and one page, without names.",
                "class collect handed-in",
            )
        },
    ),
    "bench": (
        "Measure this machine.",
        {
            "speed": (
                "measuring:speed",
                "Time an epoch of this trainer and of other frameworks, in turns.",
                "bench speed --rounds 3",
            ),
            "step": (
                "measuring:step",
                "Where the seconds of a training step go, operation by operation.",
                "bench step 92",
            ),
        },
    ),
    "runs": (
        "The runs on this machine.",
        {
            "list": ("run:list_runs_", "Every run in a folder.", "runs list"),
            "show": ("run:show_run", "One run: its settings and its results.", "runs show runs/my-run"),
        },
    ),
    "recipes": (
        "The ladder of recipes.",
        {
            "list": ("model:list_recipes", "The recipes, with their measured figures.", "recipes list"),
            "show": ("model:show_recipe", "One recipe's file.", "recipes show 92"),
        },
    ),
    "models": (
        "The architectures that can be trained.",
        {
            "list": ("model:list_models", "The architectures by name.", "models list"),
            "info": ("model:model_info", "Layers and parameters of one.", "models info walkthrough"),
        },
    ),
}


def build_app() -> App:
    """Return the application; no command's module is loaded yet."""
    app = _app("fittingroom", "The fitting room for Fashion-MNIST and every dataset in its format.", EPILOGUE)
    _add(app, COMMANDS)
    for name, (title, commands) in GROUPS.items():
        group = _app(name, title, f"Example: fittingroom {next(iter(commands.values()))[2]}")
        _add(group, commands)
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


def _add(app: App, commands: dict[str, tuple[str, str, str]]) -> None:
    for name, (where, title, example) in commands.items():
        file, _, function = where.partition(":")
        app.command(
            f"fittingroom.cli.{file}_commands:{function}",
            name=name,
            help=title,
            help_epilogue=f"Example: fittingroom {example}",
        )


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
