"""The studio: a page on one's own machine, to see the data, watch a network learn, and try it on."""
