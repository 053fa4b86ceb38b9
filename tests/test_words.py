"""The field's own words: names that the package gave up do not come back, and a file's name stands for one file.

A word given up was given up as a name, in one meaning; in plain English, and as the metric `recall`, it stays.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "fittingroom"
FILES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((PACKAGE / "studio" / "static" / "js").rglob("*.js"))

INSTEAD = {  # no identifier at all: of a variable, an argument, a keyword, an attribute, a function, a class, an import
    "say": "log",
    "Say": "Log",
    "silent": "no_log",
    "watch": "on_progress",
    "Watch": "OnProgress",
    "unwatched": "no_progress",
    "require_torch": "import_keras",
    "Material": "TrainingPlan",
    "Plan": "TrainingPlan",
    "Outlets": "Hooks",
    "Sinks": "Hooks",
    "Host": "CallbackRunner",
    "Position": "LoopState",
    "Subject": "FunctionalModel",
    "Chance": "Generators",
    "seeing": "feature_extractor",
    "See": "FeatureExtractor",
    "Namer": "Predictor",
    "open_namer": "open_predictor",
    "judge_file": "none_of_these_file",
    "Errand": "FetchRequest",
    "Given": "FetchedFile",
    "Kept": "CachedFile",
    "answering": "run_predictions",
    "Answered": "run_predictions",
    "own_data": "run_dataset",
    "exhibit": "Answer",
    "Exhibit": "Answer",
    "Shown": "Answer",
    "Mistake": "Answer",
    "ImageAnswer": "Answer",
    "PickedAnswer": "Answer",
    "sureness_figures": "judged_figures",
    "run_words": "judged",
    "Collection": "FlatDataset",
    "Shelf": "DatasetRegistry",
    "shelf": "registry",
    "shelf_of_runs": "run_table",
    "Askable": "ModelEntry",
    "asking": "prediction_jobs",
    "telling": "job_messages",
    "trying": "photo_answers",
    "discretion": "path_redaction",
    "Gate": "LimitsMiddleware or QualityGate",
    "Guard": "AccessMiddleware",
    "Door": "Access",
    "Bench": "TaskQueue",
    "desk": "work_dir",
    "Climb": "LadderPlan",
    "Look": "TestLook",
}
NOT_A_FUNCTION = {  # no function, class or alias: as a variable these are plain English, or a metric
    "about": "temperature_report",
    "again": "reproduce",
    "beside": "references_line",
    "draws": "sampling",
    "feed": "batching",
    "forget": "invalidate",
    "recall": "read",
    "shown": "Answer",
    "tidy": "simplify",
    "warning": "too_good_warning",
}
NOT_A_FILE = {
    **{name: word for name, word in {**INSTEAD, **NOT_A_FUNCTION}.items() if name.islower()},
    "door": "loading or validation",
    "picking": "plots",
    "sentences": "values",
    "tables": "lookup",
}
NOT_IN_THE_BROWSER = {
    "bin": "deleteButton",
    "beat": "pollRunning",
    "hang": "placeTitles",
    "turn": "mountToken",
    "T": "TEXT",
}
DEFINED = re.compile(r"\bfunction (\w+)\(|^(?:export )?(?:const|let) (\w+) =", re.MULTILINE)
PAGE_FILES = {"gather", "page", "values"}  # of every page's folder


def names_of(tree: ast.AST) -> list[tuple[str, int]]:
    """Every identifier with its line, without underscores around it."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.append((name, node.lineno))
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                found.append((name, node.lineno))
            case ast.alias(name=name, asname=other):
                found += [(part, node.lineno) for part in (*name.split("."), other or "")]
    return [(name.strip("_"), line) for name, line in found] + functions_of(tree)


def functions_of(tree: ast.AST) -> list[tuple[str, int]]:
    """What is defined as a function, method or class, with its line."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [(node.name.strip("_"), node.lineno) for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_identifier_is_a_word_that_was_given_up(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    found = [(line, name, INSTEAD[name]) for name, line in names_of(tree) if name in INSTEAD]
    found += [(line, name, NOT_A_FUNCTION[name]) for name, line in functions_of(tree) if name in NOT_A_FUNCTION]
    assert not found, "; ".join(f"line {line}: '{name}' is '{word}' now" for line, name, word in sorted(found))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_function_or_table_of_the_browser_is_a_word_that_was_given_up(path: Path) -> None:
    defined = DEFINED.findall(path.read_text("utf-8"))
    found = {name for pair in defined for name in pair} & NOT_IN_THE_BROWSER.keys()
    assert not found, {name: NOT_IN_THE_BROWSER[name] for name in found}


NOUNS = "answer|class|epoch|file|image|item|label|picture|prediction|row|run|seed|time"
COUNTED = re.compile(rf"^ (?:[a-z-]+ )?({NOUNS})(s|es)\b")
NOT_A_COUNT = ("name", "where", "folder", "'validation'", "per_second", "error")  # a name, a place, a rate, a factor
OTHERS = ("studio", "photos", "inference", "predict_commands.py")  # not gone through yet


def counts_without_a_plural(tree: ast.AST) -> list[tuple[int, str]]:
    """The f-strings that write a number before a noun in the plural, whatever the number is."""
    found = []
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for number, words in pairwise(parts):
            if isinstance(number, ast.FormattedValue) and isinstance(words, ast.Constant):
                value = ast.unparse(number.value)
                if COUNTED.match(str(words.value)) and not value.endswith(NOT_A_COUNT):
                    found.append((node.lineno, f"{value}{words.value}"))
    return found


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if not set(path.relative_to(PACKAGE).parts) & set(OTHERS)],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_a_number_and_its_noun_are_written_by_counted(path: Path) -> None:
    assert counts_without_a_plural(ast.parse(path.read_text("utf-8"))) == []


def test_the_search_finds_a_plural_that_is_wrong_for_one() -> None:
    assert counts_without_a_plural(ast.parse('f"{n:,} test images of {m}"')) == [(1, "n test images of ")]
    assert counts_without_a_plural(ast.parse("f\"{counted(n, 'image')} of {m}, {self.name} images\"")) == []


def test_no_file_is_called_by_a_word_that_was_given_up() -> None:
    named = {path.stem: path for path in (*FILES, *SCRIPTS)}
    assert not named.keys() & NOT_A_FILE.keys()


def test_a_files_name_stands_for_one_file() -> None:
    counts = Counter(path.stem for path in FILES if not path.stem.startswith("__"))
    assert {name for name, count in counts.items() if count > 1} <= PAGE_FILES
    for name in PAGE_FILES:
        folders = {path.parent.parent.name for path in FILES if path.stem == name}
        assert folders == {"pages"}, f"{name}.py belongs into a page's folder"


def test_the_search_finds_what_was_given_up() -> None:
    tree = ast.parse("import door.say as x\ndef _recall(silent): return y.Shelf(watch=1)")
    assert {name for name, _ in names_of(tree)} & INSTEAD.keys() == {"say", "silent", "Shelf", "watch"}
    assert [name for name, _ in functions_of(tree)] == ["recall"]
