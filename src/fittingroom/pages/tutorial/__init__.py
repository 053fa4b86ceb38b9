"""The page of the walk-through."""
