"""``evaluate:`` what the dossier measures and which gates the model must pass."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from triga.core.section import Section

__all__ = ["EvaluateSection"]


class EvaluateSection(Section):
    gates: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Least score on test by metric name (``macro_f1: 0.8``); a miss ends the run with exit code 3."""
    baseline: bool = True
    """Train TF-IDF with logistic regression on the same rows and compare (McNemar)."""
    num_bootstrap: int = Field(default=1000, ge=100, le=100_000)
    """Resamples for the 95 % intervals."""
    num_mistakes: int = Field(default=50, ge=0, le=10_000)
    """Most confident mistakes shown in the dossier."""
