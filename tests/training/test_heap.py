"""Freed memory stays with the process while it trains, and goes back to the system afterwards."""

import resource
import subprocess
import sys

import pytest

from fittingroom.training import heap
from fittingroom.training.heap import kept_heap

BLOCK_BYTES = 48 << 20  # above glibc's largest sliding threshold: without the setting each block is mapped anew
PAGES = BLOCK_BYTES // resource.getpagesize()
SCRIPT = f"""
import contextlib, resource, sys
from fittingroom.training.heap import kept_heap

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        bytearray({BLOCK_BYTES}).find(b"x")
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with kept_heap() if sys.argv[1] == "kept" else contextlib.nullcontext():
    faults()
    print(faults())
print(faults())
"""


def faults(way):
    done = subprocess.run([sys.executable, "-c", SCRIPT, way], capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


@pytest.mark.skipif(heap._c_library() is None, reason="the C library is not glibc")
def test_blocks_taken_again_cause_no_page_faults_inside_the_block_and_do_after_it():
    inside, after = faults("kept")
    plain, _ = faults("plain")
    assert plain > 3 * PAGES
    assert inside < PAGES
    assert after > 3 * PAGES


def test_without_glibc_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(heap, "_c_library", lambda: None)
    with kept_heap() as kept:
        assert not kept
