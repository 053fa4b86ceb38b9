"""The reference: a page for each public name, from its docstring, and one for each command, from its help."""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from cyclopts.docs import generate_markdown_docs

import fittingroom as fr
from fittingroom.cli.app import COMMANDS, GROUPS, build_app, example_of
from fittingroom.errors import FittingRoomError

if TYPE_CHECKING:
    from cyclopts import App

NAMES: Final = {  # what one wants to do: the names for it, the commonest first
    "Get data": ("load", "load_data", "list_datasets", "verify", "locate", "hold_out", "explore"),
    "Make data": ("convert_data", "import_photos"),
    "Choose": ("list_recipes", "load_recipe", "list_models", "build", "load_model"),
    "Train": ("train", "train_seeds", "preview", "find_learning_rate"),
    "Ask": ("predict", "predict_photos", "prepare_photo"),
    "Judge": ("evaluate", "judge", "compare", "audit_dataset"),
    "Look": ("report", "interpret", "explain", "plot_image", "plot_value_array"),
    "Share": ("export_model", "export_web_page", "export_model_repository"),
    "Go through runs": ("list_runs", "open_run"),
    "What comes back": ("Run", "Verdict", "Dataset", "Split", "PreparedPhoto", "Recipe"),
    "In scikit-learn": ("Classifier",),
    "Besides": ("class_names", "FittingRoomError", "__version__"),
}
COMMAND_OF: Final = {  # of each name the command that does the same, where it is not called the same
    "audit_dataset": "audit",
    "build": "models info",
    "collect_class": "class collect",
    "convert_data": "data convert",
    "export_model": "export",
    "import_photos": "data import",
    "interpret": "mistakes",
    "list_datasets": "data list",
    "list_models": "models list",
    "list_recipes": "recipes list",
    "list_runs": "runs list",
    "load": "data get",
    "load_recipe": "recipes show",
    "locate": "data path",
    "open_run": "runs show",
    "predict_photos": "predict",
    "verify": "data verify",
    "suggest_labels": "suggest-labels",
}
WHOLE: Final = {"Recipe": "()"}  # signatures that a table tells better: all settings are optional


def command_of(name: str) -> str | None:
    """Return the command that does what a public name does; None where there is none.

    Example:
        >>> command_of("train"), command_of("interpret"), command_of("hold_out")
        ('train', 'mistakes', None)
    """
    return COMMAND_OF.get(name, name if name in COMMANDS else None)


def grouped() -> dict[str, tuple[str, ...]]:
    """Return every public name by what one wants to do; what no group names comes under "More"."""
    named = {name for names in NAMES.values() for name in names}
    more = tuple(name for name in fr.__all__ if name not in named)
    return {**NAMES, **({"More": more} if more else {})}


def slug(name: str) -> str:
    """Return a name as the name of its page.

    Example:
        >>> slug("__version__"), slug("data get")
        ('version', 'data-get')
    """
    return name.strip("_").replace(" ", "-")


def says(name: str) -> str:
    """Return the first sentence of a public name's docstring."""
    if name == "__version__":
        return "The version of this package."
    value = getattr(fr, name)
    if isinstance(value, tuple):
        return "The ten classes of Fashion-MNIST, in the order of their labels."
    return re.split(r"(?<=[.])\s", (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " "))[0]


def api_pages() -> dict[str, str]:
    """Return the pages of the Python reference: name on the site, and text in MyST."""
    pages = {f"api/{slug(name)}": _api_page(name) for names in grouped().values() for name in names}
    return {"api/index": _api_index(), **pages}


def _api_index() -> str:
    parts = [
        "# Python\n\n`import fittingroom as fr`, and everything is there by these names; nothing is loaded before "
        "it is used.\n"
    ]
    for title, names in grouped().items():
        rows = "\n".join(f"| [`fr.{name}`]({slug(name)}.md) | {_in_markdown(says(name))} |" for name in names)
        parts.append(f"## {title}\n\n| name | what it does |\n| --- | --- |\n{rows}\n")
    return "\n".join(parts)


def _in_markdown(words: str) -> str:
    return words.replace("``", "`").replace("|", "\\|")


def _api_page(name: str) -> str:
    if name == "__version__":
        return f"# `fr.{name}`\n\n{says(name)} This site is of version `{fr.__version__}`.\n"
    value = getattr(fr, name)
    if isinstance(value, tuple):
        rows = "\n".join(f"| {label} | {words} |" for label, words in enumerate(value))
        return f"# `fr.{name}`\n\n{says(name)}\n\n| label | name |\n| --: | --- |\n{rows}\n"
    kind = "exception" if _is_error(value) else "class" if inspect.isclass(value) else "function"
    options = f"   :members: {', '.join(members(value))}\n" if kind == "class" and members(value) else ""
    told = f"# `fr.{name}`\n\n```{{eval-rst}}\n.. auto{kind}:: fittingroom.{name}{WHOLE.get(name, '')}\n{options}```\n"
    if name == "Recipe":
        told += "\nEvery setting with its default: [the recipe's settings](../reference/recipe.md).\n"
    if (command := command_of(name)) is not None:
        told += f"\nOn the command line: [`fittingroom {command}`](../commands/{slug(command)}.md).\n"
    return told


def members(value: type) -> list[str]:
    """Return the public methods and properties that a class of ours has itself, without what libraries add to it."""
    own = (FunctionType, property, classmethod, staticmethod, cached_property)
    return [name for name, each in vars(value).items() if not name.startswith("_") and isinstance(each, own)]


def _is_error(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, FittingRoomError)


def commands() -> dict[str, tuple[str, str]]:
    """Return every command by its words: one line, and an example."""
    single = {name: (row[1], example_of(name)) for name, row in COMMANDS.items()}
    in_groups = {
        f"{group} {name}": (row[1], example_of(group, name))
        for group, (_, members) in GROUPS.items()
        for name, row in members.items()
    }
    return single | in_groups


def command_pages() -> dict[str, str]:
    """Return the pages of the command line: name on the site, and text in MyST."""
    app = build_app()
    pages = {f"commands/{slug(name)}": _command_page(app, name) for name in commands()}
    return {"commands/index": _command_index(), **pages}


def _command_index() -> str:
    rows = "\n".join(f"| [`{name}`]({slug(name)}.md) | {title} |" for name, (title, _) in commands().items())
    hidden = "\n".join(slug(name) for name in commands())
    return (
        "# The command line\n\n`fittingroom` alone says what is where and what to do first; `fittingroom COMMAND "
        "--help` prints what these pages say. Results go to stdout, messages to stderr. Exit codes: 0 done, 1 a check "
        "failed, 2 wrong use or bad input, 130 interrupted. `--debug` shows the traceback of an error.\n\n"
        f"| command | what it does |\n| --- | --- |\n{rows}\n\n```{{toctree}}\n:hidden:\n\n{hidden}\n```\n"
    )


def _command_page(app: App, name: str) -> str:
    title, example = commands()[name]
    text = generate_markdown_docs(
        app, commands_filter=[name.replace(" ", ".")], no_root_title=True, generate_toc=False, skip_preamble=True
    )
    text = re.sub(r"(?<![\w`-])--[a-z][\w-]*(?![\w`-])", r"`\g<0>`", text)  # an option that another one's words name
    text = text.replace(" *[default: False]*", "").replace("**Parameters**:", "## Options")
    return f"# `fittingroom {name}`\n\n{title}\n\n```sh\n{example}\n```\n\n{text}"
