"""Whole jobs over the layers above: explore a dataset, evaluate a model, write a page, run the walk-through."""
