"""The browser's side: its own tests under Node, and how much stands in a file and a line."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "src" / "fittingroom" / "studio" / "static"
FILES = sorted(path for path in STATIC.rglob("*") if path.suffix in (".js", ".css", ".html"))
LONGEST_FILE, LONGEST_LINE = 300, 120


def test_what_needs_no_page_is_right_under_node():
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node: the tests in tests/studio/js were left out")
    tests = sorted(map(str, (ROOT / "tests" / "studio" / "js").glob("*.test.js")))
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    assert int(re.search(r"^# pass (\d+)$|^ℹ pass (\d+)$", done.stdout, re.MULTILINE).group().split()[-1]) > 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_file_holds_one_idea_and_a_line_can_be_read(path):
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= LONGEST_FILE
    assert [number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE] == []


def test_the_page_loads_every_sheet_of_styles_that_there_is():
    page = (STATIC / "index.html").read_text("utf-8")
    assert sorted(re.findall(r"css/(\w+)\.css", page)) == sorted(path.stem for path in STATIC.rglob("*.css"))


def test_every_file_of_the_browser_is_reached_from_the_page():
    reached, left = set(), [STATIC / "js" / "main.js"]
    while left:
        path = left.pop()
        if path in reached:
            continue
        reached.add(path)
        left += [
            (path.parent / found).resolve()
            for found in re.findall(r'"(\.{1,2}/[\w/.-]+\.js)"', path.read_text("utf-8"))
        ]
    assert reached == {path.resolve() for path in STATIC.rglob("*.js")}
