"""Text regression: a number for a text or for a pair of texts (how alike they are, a rating, a risk)."""
