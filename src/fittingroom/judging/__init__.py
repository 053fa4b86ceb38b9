"""Judging: functions of arrays, NumPy only, for anybody's predictions."""

from __future__ import annotations

from fittingroom.judging.calibration import Calibration, ReliabilityBin, Tempering, fit_temperature, tempered, tempering
from fittingroom.judging.compare import Comparison, Seeds, compare, differing, over_seeds
from fittingroom.judging.conformal import (
    PredictionSets,
    check_coverage,
    judge_sets,
    names_in,
    set_thresholds,
    set_words,
    sets_of,
)
from fittingroom.judging.gates import QualityGate, check_gates, parse_gate
from fittingroom.judging.intervals import wilson_interval
from fittingroom.judging.references import Reference, references_for, references_line, too_good_warning
from fittingroom.judging.scores import (
    ClassScore,
    ConfusedPair,
    RiskCoverage,
    confusion_matrix,
    log_loss,
    losses,
    most_confused,
    risk_coverage,
)
from fittingroom.judging.validation import check_predictions, hard_answers
from fittingroom.judging.verdict import Verdict, judge, score_rows

__all__ = [
    "Calibration",
    "ClassScore",
    "Comparison",
    "ConfusedPair",
    "PredictionSets",
    "QualityGate",
    "Reference",
    "ReliabilityBin",
    "RiskCoverage",
    "Seeds",
    "Tempering",
    "Verdict",
    "check_coverage",
    "check_gates",
    "check_predictions",
    "compare",
    "confusion_matrix",
    "differing",
    "fit_temperature",
    "hard_answers",
    "judge",
    "judge_sets",
    "log_loss",
    "losses",
    "most_confused",
    "names_in",
    "over_seeds",
    "parse_gate",
    "references_for",
    "references_line",
    "risk_coverage",
    "score_rows",
    "set_thresholds",
    "set_words",
    "sets_of",
    "tempered",
    "tempering",
    "too_good_warning",
    "wilson_interval",
]
