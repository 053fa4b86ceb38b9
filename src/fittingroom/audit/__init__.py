"""The audit of a dataset: labels that are wrong, pictures that stand twice, and odd ones."""
