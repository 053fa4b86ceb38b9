"""Pages and pictures: a folder a page, and the figures and words that they share."""
