"""Pictures and words from a verdict: the walk-through's plots, the terminal, one self-contained HTML page."""
