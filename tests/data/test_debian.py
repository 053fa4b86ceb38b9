from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import fittingroom.data.debian as debian
from fittingroom.data.catalog import DATASETS
from fittingroom.data.debian import apt_get, is_possible, unpack
from fittingroom.data.idx import UnwritableError
from fittingroom.data.verified import read_verified
from fittingroom.errors import DataError


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that makes a machine whose apt-get and dpkg-deb are these lines of a shell's `case`."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")

    def make(*cases, dpkg_deb='mkdir -p "$3/usr"'):
        for name, body in (("apt-get", f'case "$*" in {" ".join(cases)} esac'), ("dpkg-deb", dpkg_deb)):
            (tools / name).write_text(f"#!/bin/sh\n{body}\n")
            (tools / name).chmod(0o755)

    return make


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_a_package_is_downloaded_and_unpacked_each_step_in_a_line(machine, work, lines):
    machine('*" update") true;;', '*" download tiny-data") touch tiny-data_1_all.deb;;')
    root = unpack("tiny-data", work, lines.append)
    assert (root / "usr").is_dir()
    assert root.is_relative_to(work)
    assert [line.split(" ")[1] for line in lines] == ["reading", "downloading", "unpacking"]


def test_the_machines_lists_and_cache_are_never_named(work):
    command = " ".join(apt_get(work, "update"))
    assert f"Dir::State::Lists={work}/lists" in command
    assert f"Dir::Cache={work}/cache" in command
    assert "/var" not in command


def test_the_machines_hooks_are_not_run(machine, work, lines):
    machine('*" update") cp "$3" seen.conf;;', '*" download tiny-data") touch tiny-data_1_all.deb;;')
    unpack("tiny-data", work, lines.append)
    assert "#clear APT::Update::Post-Invoke;" in (work / "seen.conf").read_text()


def test_one_source_that_does_not_answer_is_no_reason_to_give_up(machine, work, lines):
    machine('*" update") echo "E: Failed to fetch"; exit 100;;', '*" download tiny-data") touch tiny-data_1_all.deb;;')
    assert unpack("tiny-data", work, lines.append).is_dir()


def test_a_package_that_is_not_there_is_told_in_apts_own_words(machine, work, lines):
    machine('*" update") true;;', '*" download tiny-data") echo "E: Unable to locate package tiny-data"; exit 100;;')
    with pytest.raises(DataError, match=r"tiny-data could not be downloaded \(Unable to locate package tiny-data\)"):
        unpack("tiny-data", work, lines.append)


def test_an_archive_that_cannot_be_unpacked_is_told_in_dpkgs_own_words(machine, work, lines):
    machine('*" download tiny-data") touch tiny-data_1_all.deb;;', dpkg_deb='echo "dpkg-deb: error: not an archive"')
    with pytest.raises(DataError, match=r"tiny-data_1_all.deb could not be unpacked \(dpkg-deb: error: not an archive"):
        unpack("tiny-data", work, lines.append)


def test_a_full_disk_is_one_sentence(machine, work, lines):
    machine('*" update") echo "E: write, still had 3 to write (28: No space left on device)" >&2; exit 100;;')
    with pytest.raises(UnwritableError, match=r"could not be written, received 'No space left on device'. Free 200 MB"):
        unpack("tiny-data", work, lines.append)


def test_a_step_that_never_ends_is_ended_with_its_helpers(machine, work, lines, monkeypatch):
    machine('*" update") sleep 600 & echo $! > helper; wait;;')
    helper = work / "helper"

    def clock():
        """Stands still until the helper runs, then is far beyond any deadline."""
        return 1e9 if helper.exists() and helper.read_text().endswith("\n") else 0.0

    monkeypatch.setattr(debian.time, "monotonic", clock)
    monkeypatch.setattr(debian, "PROGRESS_SECONDS", 0.05)
    with pytest.raises(DataError, match="expected an end within 300 s, received none"):
        unpack("tiny-data", work, lines.append)
    assert is_gone(int(helper.read_text()))


def is_gone(process_id, tries=100):
    """Whether a process ends; its entry may outlive it by a moment."""
    stat = Path("/proc", str(process_id), "stat")
    for _ in range(tries):
        try:
            if stat.read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_step_that_takes_long_says_so(machine, work, lines, monkeypatch):
    machine(
        '*" update") until [ -e said ]; do sleep 0.05; done;;', '*" download tiny-data") touch tiny-data_1_all.deb;;'
    )
    monkeypatch.setattr(debian, "PROGRESS_SECONDS", 0.05)

    def log(line):
        lines.append(line)
        if line.endswith(" s"):
            (work / "said").touch()

    unpack("tiny-data", work, log)
    assert "  0 s" in lines


def test_a_machine_without_apt_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not is_possible()


AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
from fittingroom.data.debian import unpack
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print(unpack("dataset-fashion-mnist", Path(sys.argv[1]), print))
"""


@pytest.mark.debian
@pytest.mark.skipif(not is_possible(), reason="this is not a Debian-like system")
def test_debians_real_package_is_fetched_without_root_and_is_the_real_data():
    with tempfile.TemporaryDirectory() as work:  # pytest's own folders cannot be entered by another user
        if os.getuid() == 0:
            os.chown(work, 65534, 65534)
        check_debians_real_package(Path(work))


def check_debians_real_package(work):
    lists = Path("/var/lib/apt/lists")
    before = sorted((path.name, path.stat().st_mtime_ns) for path in lists.iterdir())
    ended = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(work)], capture_output=True, text=True, check=False, cwd=work
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    known = DATASETS["fashion-mnist"]
    root = Path(ended.stdout.splitlines()[-1])
    for file in known.files:
        array = read_verified(root / known.debian.folder / f"{file.name}.gz", file)
        assert len(array) in (60000, 10000)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in lists.iterdir()) == before
