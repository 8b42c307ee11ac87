"""Labelled records: read, check, mend, split, and keep as one Arrow file a split."""
