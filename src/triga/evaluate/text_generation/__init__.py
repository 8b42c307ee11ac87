"""Answers in words: how near they come to the true ones, and how likely the model held those."""
