"""Measuring speed: contenders side by side, in turns, as ratios."""
