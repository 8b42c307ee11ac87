"""Honest numbers: scores with intervals, a simple baseline beside them, calibration, slices, mistakes; the dossier."""
