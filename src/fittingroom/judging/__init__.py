"""Judging: functions of arrays, NumPy only, for anybody's predictions."""

from __future__ import annotations

from fittingroom.judging.intervals import wilson_interval
from fittingroom.judging.scores import check_predictions, confusion_matrix, log_loss
from fittingroom.judging.verdict import ClassScore, Verdict, judge

__all__ = ["ClassScore", "Verdict", "check_predictions", "confusion_matrix", "judge", "log_loss", "wilson_interval"]
