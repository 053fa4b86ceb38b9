"""Would the tests notice? Plants small mistakes, one at a time, and runs the tests of the file they are in.

Usage: python benchmarks/mutants.py [--count 300] [--seed 0] [--workers 2] [--patience 180] [--kept FILE]; prints a
page, benchmarks/mutants.md. With FILE each outcome is kept as it comes, and the same command goes on where it stopped.
A mistake is one operator, comparison, constant or condition of the code that is another one; the tests are run in a
copy of the tree. What no test notices is listed, and each of those is either equivalent, with the reason in
``EQUIVALENT``, or a test that is missing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGE = Path("src/fittingroom")
TESTS = {  # of the files below: what is run
    "judging": ["tests/judging"],
    "training/augment.py": ["tests/training/test_augment.py", "tests/training/test_before_training.py"],
    "training/schedules.py": ["tests/training/test_schedules.py"],
    "data/idx.py": ["tests/data/test_idx.py", "tests/data/test_files.py"],
}
PYTEST = ["-x", "-q", "-p", "no:cacheprovider", "--no-header"]
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["torch", "keras", "sklearn.metrics", "statsmodels.api", "matplotlib.pyplot"])
HALF = "torch.rand((len(images), 1, 1), generator=generator, device=images.device)"
CHUNK = "how many counts are held at once changes no sum"
ROWS = "only the first row of the sums is read"
EQUIVALENT: dict[str, str] = {  # by `Mutant.key`: why no test can notice
    f"training/augment.py: {HALF} < 0.5 -> {HALF} <= 0.5 in heads = {HALF} < 0.5": (
        "a number drawn from 0..1 is 0.5 once in 16 million draws"
    ),
    "judging/intervals.py: 4000000 -> 4000001 in _CELLS = 4_000_000": CHUNK,
    "judging/intervals.py: 1 -> 2 in at_once = max(1, _CELLS // n)": CHUNK,
    "judging/calibration.py: 1 -> 2 in curve=tuple(_bin(index, len(n), *row) for index, row in enumerate("
    "sums.reshape(3, -1).T.tolist())),": "NumPy takes any number below 0 for the axis that it is to find",
    "judging/conformal.py: 0 -> 1 in known, judged = counts if per_class else ([len(calibration[0])], [len(labels)])": (
        "there are as many labels as answers"
    ),
    "judging/compare.py: found.difference > 0 -> found.difference >= 0 in better = (found.second if found.difference "
    "> 0 else found.first) if told_apart else None": "who is exactly as good is never told apart",
    "judging/verdict.py: 0 -> 1 in if len(known[0]) == len(labels) and np.array_equal(known[1], probabilities) and "
    "np.array_equal(known[0], labels):": "there are as many labels as answers",
    "judging/calibration.py: function(left) <= function(right) -> function(left) < function(right) in low, high = "
    "(low, right) if function(left) <= function(right) else (left, high)": "of equal heights either side may go",
    "data/idx.py: 4 -> 5 in header = parse_header(bytes(raw[: MAGIC_BYTES + 4 * MAX_RANK]), where)": (
        "more bytes than the header are looked at, and not read"
    ),
    "training/augment.py: first + second > 0 -> first + second >= 0 in return float(first / (first + second)) if "
    "first + second > 0 else 1.0": "Torch draws nothing below its smallest number",
    "judging/conformal.py: True -> False in weights = _sum_weights([_covered_weights(*each, coverage) for each in "
    "zip(calibrated_on, n, strict=True)])": "there are as many of the one as of the other",
    "judging/verdict.py: 1 -> 2 in once = np.ones((1, len(checked)))": ROWS,
}

OTHERS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "argmin": "argmax", "argmax": "argmin"}


class Mutant(NamedTuple):
    """One planted mistake.

    Attributes:
        file: in the package.
        line: where.
        before: the statement's first line as it was.
        after: as it became.
        source: of the whole file, with the mistake.
    """

    file: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """What it is listed by."""
        return f"{self.file}: {self.after} in {self.before}"

    @property
    def stamp(self) -> str:
        """What its outcome is kept by: the whole file with the mistake in it."""
        return hashlib.sha256(f"{self.file}\n{self.source}".encode()).hexdigest()


def changed(node: ast.AST) -> list[ast.AST]:
    """Return what a node may become."""
    new = copy.deepcopy(node)
    match new:
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp() if type(new.op) in OTHERS:
            new.op = OTHERS[type(new.op)]()
        case ast.Compare(ops=[op]) if type(op) in OTHERS:
            new.ops = [OTHERS[type(op)]()]
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return [new.operand]
        case ast.Constant(value=bool() as value):
            new.value = not value
        case ast.Constant(value=int() | float() as value):
            new.value = value + 1 if isinstance(value, int) else value * 1.5 + 0.1 * (value == 0)
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES:
            setattr(new, "id" if isinstance(new, ast.Name) else "attr", NAMES[name])
        case ast.IfExp():
            new.body, new.orelse = new.orelse, new.body
        case _:
            return []
    return [new]


class Places(ast.NodeVisitor):
    """Finds the expressions that run: no annotations, docstrings, messages or imports for types alone."""

    def __init__(self) -> None:
        self.found: list[ast.AST] = []

    def generic_visit(self, node: ast.AST) -> None:
        """Note a node, and go on below it."""
        if changed(node):
            self.found.append(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not isinstance(child, ast.Raise | ast.JoinedStr):
                    self.visit(child)

    def visit_If(self, node: ast.If) -> None:
        """Leave out what is there for the type checker alone."""
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)


class Put(ast.NodeTransformer):
    """Puts one node in another's place, found by its position."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.where, self.new = self.position(old), new

    @staticmethod
    def position(node: ast.AST) -> tuple[object, ...]:
        """Return what tells a node from all others of a file."""
        names = ("lineno", "col_offset", "end_lineno", "end_col_offset")
        return (type(node), *(getattr(node, name, None) for name in names))

    def visit(self, node: ast.AST) -> ast.AST:
        """Return the new node for the old one, and every other as it is."""
        return self.new if self.position(node) == self.where else self.generic_visit(node)


def mutants_of(file: Path) -> list[Mutant]:
    """Return every mistake that can be planted in a file."""
    source = (ROOT / PACKAGE / file).read_text("utf-8")
    tree, lines, found = ast.parse(source), source.splitlines(), []
    places = Places()
    places.visit(tree)
    for node in places.found:
        for new in changed(node):
            mutated = ast.unparse(ast.fix_missing_locations(Put(node, new).visit(copy.deepcopy(tree))))
            words = f"{ast.unparse(node)} -> {ast.unparse(new)}"
            line = node.lineno  # type: ignore[attr-defined]
            found.append(Mutant(file.as_posix(), line, lines[line - 1].partition("  #")[0].strip(), words, mutated))
    return found


def files_of(part: str) -> list[Path]:
    """Return the Python files of a part, relative to the package."""
    path = ROOT / PACKAGE / part
    return [file.relative_to(ROOT / PACKAGE) for file in (sorted(path.glob("*.py")) if path.is_dir() else [path])]


def near_first(tests: list[str], file: Path) -> list[str]:
    """Return test files and a file's own examples, those first that are named after it: they notice soonest."""
    every = [path for test in tests for path in (sorted((ROOT / test).glob("test_*.py")) or [ROOT / test])]
    names = [str(path.relative_to(ROOT)) for path in every]
    first, *others = sorted(names, key=lambda name: file.stem not in Path(name).stem)
    return [first, str(PACKAGE / file), *others]


def is_noticed(mutant: Mutant, tree: Path, tests: list[str], patience: int) -> bool:
    """Say whether the tests fail with a mistake planted in a copy of the tree; the copy is as it was afterwards."""
    file = tree / PACKAGE / mutant.file
    original = file.read_bytes()
    try:
        file.write_text(mutant.source, "utf-8")
        return fail(tests, tree, patience)
    finally:
        file.write_bytes(original)


def fail(tests: list[str], tree: Path, patience: int) -> bool:
    """Say whether tests fail, or take too long, in a process that has what is imported for long imported already."""
    process = WARM.Process(target=run_tests, args=(tests, tree, patience))
    process.start()
    process.join(20 * patience)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode != 0


def run_tests(tests: list[str], tree: Path, patience: int) -> None:
    """Run tests in this process, in a copy of the tree; the limit of processor time is the same on a busy machine."""
    os.setpgrp()
    resource.setrlimit(resource.RLIMIT_CPU, (patience, patience))
    os.chdir(tree)
    sys.path.insert(0, str(tree / "src"))
    os.environ["PYTHONPATH"] = str(tree / "src")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    import pytest

    os._exit(int(pytest.main([*PYTEST, *tests])))


def tested(mutants: list[tuple[Mutant, list[str]]], workers: int, patience: int, kept: Path | None) -> list[Mutant]:
    """Return the mutants that no test notices; what ``kept`` has is not tried again."""
    known = dict(map(json.loads, kept.read_text("utf-8").splitlines())) if kept and kept.is_file() else {}
    trees: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            tree = Path(folder) / str(number)
            for name in ("src", "tests", "pyproject.toml"):
                copy_ = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                tree.mkdir(exist_ok=True)
                copy_(ROOT / name, tree / name)
            trees.put(tree)
        every = sorted({test for _, tests in mutants for test in tests}, reverse=True)  # tests before examples
        if fail(every, tree, 10 * patience):
            raise SystemExit(f"Without any mistake some of these fail already: {', '.join(every)}")

        def survives(item: tuple[Mutant, list[str]]) -> bool:
            if item[0].stamp in known:
                return bool(known[item[0].stamp])
            tree = trees.get()
            try:
                alive = not is_noticed(item[0], tree, item[1], patience)
            finally:
                trees.put(tree)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([item[0].stamp, alive]) + "\n")
            print(f"not noticed: {item[0].key}" if alive else "noticed", file=sys.stderr, flush=True)
            return alive

        return [mutant for (mutant, _), alive in zip(mutants, pool.map(survives, mutants), strict=True) if alive]


def main() -> int:
    """Print the page; return 1 where fewer than nine in ten are noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--patience", type=int, default=180, help="processor seconds; a mistake that makes the tests hang is noticed"
    )
    parser.add_argument("--kept", type=Path, help="a file of outcomes, read and added to")
    asked = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "KERAS_BACKEND": "torch"}
    every = [
        (mutant, near_first(tests, file))
        for part, tests in TESTS.items()
        for file in files_of(part)
        for mutant in mutants_of(file)
    ]
    random.Random(asked.seed).shuffle(every)
    chosen = every[: asked.count]
    alive = tested(chosen, asked.workers, asked.patience, asked.kept)
    equivalent = [mutant for mutant in alive if mutant.key in EQUIVALENT]
    count = len(chosen) - len(equivalent)
    caught = len(chosen) - len(alive)
    parts = ", ".join(f"`{part}`" for part in TESTS)
    print(
        "<!-- Written by `make mutants`; do not edit. -->\n\n# Would the tests notice?\n\n"
        f"{len(chosen)} of the {len(every)} small mistakes that can be planted in {parts} were planted, one at a time "
        f"(seed {asked.seed}). {len(equivalent)} change nothing that anybody could see. Of the other {count} the tests "
        f"noticed {caught}: {caught / count:.3f}.\n\n| not noticed | line | why |\n| --- | --- | --- |"
    )
    for mutant in alive:
        why = EQUIVALENT.get(mutant.key, "**a test is missing**")
        print(f"| {mutant.file}: `{mutant.after.replace('|', chr(92) + '|')}` | `{mutant.before}` | {why} |")
    return int(caught / count < 0.9)


if __name__ == "__main__":
    sys.exit(main())
