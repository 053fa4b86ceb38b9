"""From pictures to probabilities: one Predictor, opened from a run, a file, a shipped name or a model."""
