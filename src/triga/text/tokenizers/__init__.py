"""Tokenizers: opened, trained, reported on, extended; token ids in memory and on disk."""
