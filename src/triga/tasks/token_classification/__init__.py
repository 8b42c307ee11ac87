"""Token classification: find and name spans of a text (named entities)."""
