"""The layers of the design: a module imports what stands above it, never beside or below."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "fittingroom"

LAYERS = (  # top to bottom; docs/design-notes.md tells what each is
    ("errors", "_version"),
    ("lookup", "progress", "files", "words", "extras", "processes", "mapped_arrays"),
    ("arrays",),
    ("judging",),
    ("pictures",),
    ("data",),
    ("backend", "private_apis"),
    ("graphs",),
    ("models",),
    ("inference",),
    ("runs",),
    ("training",),
    ("recipes",),
    ("photos",),
    ("web",),
    ("export",),
    ("jobs",),
    ("workflows",),
    ("audit",),
    ("pages",),
    ("tutorial_plan",),
    ("tutorial",),
    ("speed",),
    ("ladder",),
    ("serving",),
    ("baselines",),
    ("studio",),
    ("cli",),
    ("__main__", "__init__"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported_parts(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "fittingroom" else [f"fittingroom.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("fittingroom.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_layers_above_it(path):
    own = part(path)
    below = {name for name in imported_parts(path) if name != own and RANK[name] >= RANK[own]}
    assert not below, f"{own} (layer {RANK[own]}) imports {below}"


def test_judging_imports_nothing_but_numpy_and_the_first_layer():
    allowed = {"errors", "lookup", "arrays", "words", "judging"}
    for path in (PACKAGE / "judging").glob("*.py"):
        assert imported_parts(path) <= allowed


def test_training_never_names_the_test_split():
    for path in (PACKAGE / "training").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Attribute) and node.attr == "test"), f"{path.name}:{node.lineno}"
