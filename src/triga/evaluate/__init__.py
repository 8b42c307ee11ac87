"""Honest numbers: scores with intervals, a simple baseline beside them, calibration, slices, mistakes; the dossier.

    dossier = evaluate(evidence, section, seed=seed)     # dossier.py: numbers only; same evidence and seed, same bytes
    save(dossier, folder)                                # html.py: dossier.json and one self-contained dossier.html
    require_gates(dossier.gates)                         # gates.py: exit code 3 where one was missed

``calibration.fit_temperature`` and ``thresholds.tune_thresholds`` are for whoever trains, on dev. Nothing here imports
torch; scikit-learn is imported when a baseline is fitted.
"""
