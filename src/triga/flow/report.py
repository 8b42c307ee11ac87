"""``dossier.html`` and ``dossier.json`` in the run's folder: the evaluation, with the bundle's speed and size.

They are drawn from the artifacts at the end of each run, so a gate that was missed leaves a dossier that says why.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from triga.core.artifact import Artifact, dump_json, load_json
from triga.core.durable import write_file
from triga.core.errors import ModelError
from triga.evaluate.dossier import Dossier
from triga.evaluate.html import render
from triga.flow.context import Context

__all__ = ["write_report"]


def write_report(context: Context) -> Path | None:
    """The path of ``dossier.html``, or None where nothing was evaluated."""
    try:
        evaluation = Artifact.open(context.evaluation)
    except ModelError:
        return None
    dossier = _with_bundle(Dossier.from_dict(load_json(evaluation.path / "dossier.json")), context.bundle, evaluation)
    html = context.folder / "dossier.html"
    write_file(context.folder / "dossier.json", dump_json(dossier.as_dict()))
    write_file(html, render(dossier).encode())
    return html


def _with_bundle(dossier: Dossier, bundle: Path, evaluation: Artifact) -> Dossier:
    """Latency and sizes of the engines too, where the bundle was made from the model that was evaluated."""
    try:
        artifact = Artifact.open(bundle)
    except ModelError:
        return dossier
    if artifact.inputs.get("model") != evaluation.inputs["model"]:
        return dossier
    engines = load_json(bundle / "parity.json")["engines"]
    latency = {engine["engine"]: engine["latency"] for engine in engines}
    sizes = {engine["engine"]: engine["size_bytes"] for engine in engines}
    return replace(dossier, latency={**dossier.latency, **latency}, sizes={**dossier.sizes, **sizes})
