"""Triga: from raw text and a handful of labels to a language model that you own.

>>> import triga
>>> model = triga.load("workspace/runs/support-intents/bundle")   # doctest: +SKIP
>>> model.predict(["where is my parcel?"])                         # doctest: +SKIP
"""

from __future__ import annotations

__version__ = "0.1.0"
