"""How answers to questions are scored: exact match and F1, by kinds of questions, beside the nearest sentence."""
