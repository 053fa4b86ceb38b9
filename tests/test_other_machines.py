"""Bounds in float32 hold whatever the processor computes with: threads, and instruction sets of Torch and oneDNN."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = ("training", "graphs", "inference")
MACHINES = {  # threads, ATen's and oneDNN's highest instruction set
    "one thread, default": (1, "default", "SSE41"),
    "two threads, AVX2": (2, "avx2", "AVX2"),
    "three threads, default and AVX2": (3, "default", "AVX2"),
    "four threads, AVX2 and default": (4, "avx2", "SSE41"),
}


@pytest.mark.soak
@pytest.mark.parametrize("machine", MACHINES)
def test_training_agrees_with_the_framework_on(machine, tmp_path):
    threads, aten, onednn = MACHINES[machine]
    asked = {
        "FITTINGROOM_TEST_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "ATEN_CPU_CAPABILITY": aten,
        "ONEDNN_MAX_CPU_ISA": onednn,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-k", "float32", "-m", "not debian", "-p", "no:cacheprovider"]
    command.append(f"--basetemp={tmp_path / 'inner'}")
    done = subprocess.run(
        [*command, *(str(HERE / file) for file in FILES)],
        env=os.environ | asked,
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
