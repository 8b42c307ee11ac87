"""The charts of a dossier, drawn as SVG from its plain values. How they look is in ``templates/dossier.css``."""

from triga.evaluate.charts.confidence import reliability, selective
from triga.evaluate.charts.confusion import confusion
from triga.evaluate.charts.curves import curves, lengths
from triga.evaluate.charts.scatter import scatter
from triga.evaluate.charts.scores import agreement, class_scores, scores, spark

__all__ = [
    "agreement",
    "class_scores",
    "confusion",
    "curves",
    "lengths",
    "reliability",
    "scatter",
    "scores",
    "selective",
    "spark",
]
