#!/bin/sh
# Makes the virtual environment and installs into it what is named, with the pins of constraints.txt.
# Says beforehand where that would bring gigabytes of CUDA packages to a machine without a GPU.
set -eu
what=$1
bin=$VENV/bin

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "fittingroom needs Python 3.11 or newer as '$PYTHON'; install it, or run: make PYTHON=/path/to/python3.11" >&2
    exit 2
fi
has_pip() {
    "$bin/python" -m pip --version >/dev/null 2>&1 || "$bin/python" -m ensurepip >/dev/null 2>&1 # uv makes none
}
# --clear: one that was interrupted, or copied from elsewhere, has a Python that does not run, or no pip
if ! has_pip && ! "$PYTHON" -m venv --clear "$VENV"; then
    rm -rf "$VENV"
    echo "Python's venv module is missing; on Debian or Ubuntu install it with: sudo apt-get install python3-venv" >&2
    exit 2
fi

set -- install --quiet --disable-pip-version-check --constraint constraints.txt
if [ -n "$TORCH_INDEX" ]; then
    set -- "$@" --extra-index-url "$TORCH_INDEX"
fi

if ! command -v nvidia-smi >/dev/null 2>&1 && ! "$bin/python" -c 'import torch' 2>/dev/null; then
    echo "Looking at what will be downloaded ..."
    if "$bin/python" -m pip "$@" --dry-run --report "$VENV/plan.json" torch >/dev/null 2>&1; then
        "$bin/python" scripts/warn_cuda.py "$VENV/plan.json"
    fi
fi
echo "Installing $what into $VENV ..."
"$bin/python" -m pip "$@" --editable "$what"
