"""Translations and summaries: scores of the whole test set, and what can be had by copying."""
