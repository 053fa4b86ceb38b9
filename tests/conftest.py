"""What every test shares: no window, no accidental network, the torch backend."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "2")

import fittingroom  # noqa: E402, F401  (sets KERAS_BACKEND before a test imports keras)
