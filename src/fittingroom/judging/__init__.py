"""Judging: functions of arrays, NumPy only, for anybody's predictions."""

from __future__ import annotations

from fittingroom.judging.calibration import Calibration, ReliabilityBin
from fittingroom.judging.class_scores import ClassScore
from fittingroom.judging.confused import ConfusedPair, most_confused
from fittingroom.judging.door import check_predictions
from fittingroom.judging.intervals import wilson_interval
from fittingroom.judging.scores import confusion_matrix, log_loss, losses
from fittingroom.judging.selective import RiskCoverage, risk_coverage
from fittingroom.judging.temperature import fit_temperature, tempered
from fittingroom.judging.verdict import Verdict, judge

__all__ = [
    "Calibration",
    "ClassScore",
    "ConfusedPair",
    "ReliabilityBin",
    "RiskCoverage",
    "Verdict",
    "check_predictions",
    "confusion_matrix",
    "fit_temperature",
    "judge",
    "log_loss",
    "losses",
    "most_confused",
    "risk_coverage",
    "tempered",
    "wilson_interval",
]
