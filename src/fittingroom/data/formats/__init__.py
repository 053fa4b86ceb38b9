"""The forms in which people have pictures with labels: each is read into parts and written from parts, in chunks."""
