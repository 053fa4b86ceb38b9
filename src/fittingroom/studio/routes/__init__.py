"""The studio's API, one file a part."""
