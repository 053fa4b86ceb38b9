"""Export: a model as one file for other programs, checked in a fresh process, with its card beside it."""

from __future__ import annotations
