"""The ladder: the best accuracy for every amount of waiting, measured by one protocol."""
