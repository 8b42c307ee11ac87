"""Corpora: raw text to clean, counted, checksummed token shards (``build_corpus``)."""
