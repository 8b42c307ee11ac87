"""The dossier as one HTML file: no network, no script needed to read it, both languages inside, made to be printed.

Everything that comes from users passes Jinja's autoescape and ``visible``. The page's policy (a ``meta`` tag) allows
its own style and small script, by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from triga.core.artifact import dump_json
from triga.core.errors import Language
from triga.evaluate import charts
from triga.evaluate.charts.axes import floor_share
from triga.evaluate.charts.svg import visible
from triga.evaluate.dossier import Dossier
from triga.evaluate.written import (
    BARE,
    gap_text,
    is_share,
    measured_text,
    number_text,
    p_value,
    percent,
    score_text,
    signed,
)

__all__ = ["DOSSIER_HTML", "DOSSIER_JSON", "render", "save"]

DOSSIER_HTML, DOSSIER_JSON = "dossier.html", "dossier.json"
OPEN_CLASSES = 25
"""Tables of more classes are folded."""
OPEN_MISTAKES = 10
SPEEDS = ("batch", "tokens", "median_ms", "p95_ms", "rows_per_second")


def render(dossier: Dossier, *, language: Language = "en") -> str:
    """The page, shown in ``language`` at first; the reader may switch."""
    values = dossier.as_dict()
    return (
        _environment()
        .get_template("dossier.html.j2")
        .render(
            d=values,
            language=language,
            style=Markup(_file("dossier.css")),  # noqa: S704 - a file of this package
            script=Markup(_file("dossier.js")),  # noqa: S704 - a file of this package
            policy=_policy(),
            served=_served(values["parts"]),
            lineage=list(_flat(values["lineage"])),
            open_classes=OPEN_CLASSES,
            open_mistakes=OPEN_MISTAKES,
        )
    )


def save(dossier: Dossier, folder: Path, *, language: Language = "en") -> None:
    """``dossier.html`` and ``dossier.json`` into an artifact's folder that is being written."""
    (folder / DOSSIER_JSON).write_bytes(dump_json(dossier.as_dict()))
    (folder / DOSSIER_HTML).write_text(render(dossier, language=language), encoding="utf-8")


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "pct": percent,
        "p": p_value,
        "bytes": _bytes,
        "signed": signed,
        "score": score_text,
        "gap": gap_text,
        "number": number_text,
        "range": _range,
        "measured": measured_text,
        "measured_range": _measured_range,
        "breakable": _breakable,
        "fact": _fact,
    }
    environment.globals |= {
        "t": _label,
        "both": _both,
        "charts": charts,
        "count": "{:,}".format,
        "lowest": _lowest,
        "furthest": _furthest,
        "named": _named,
        "speeds": SPEEDS,
    }
    return environment


def _served(parts: Mapping[str, Any]) -> Any:
    """The calibration of what is served, where there is one."""
    calibration = parts.get("confidence", {}).get("calibration")
    return calibration and calibration["after" if calibration["applied"] else "before"]


def _finalize(value: Any) -> Any:
    """What a template prints: texts with their control characters spelt out."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _both(english: str, chinese: str) -> Markup:
    if english == chinese:
        return Markup("{}").format(visible(english))
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh">{}</span>').format(
        visible(english), visible(chinese)
    )


def _label(key: str, **params: object) -> Markup:
    return _both(*(text.format(**params) if params else text for text in _labels()[key]))


@functools.cache
def _labels() -> Mapping[str, tuple[str, str]]:
    return {key: (pair[0], pair[1]) for key, pair in json.loads(_file("labels.json")).items()}


@functools.cache
def _file(name: str) -> str:
    return resources.files("triga.evaluate").joinpath("templates", name).read_text(encoding="utf-8")


def _policy() -> str:
    style, script = (
        "'sha256-" + base64.b64encode(hashlib.sha256(_file(name).encode()).digest()).decode() + "'"
        for name in ("dossier.css", "dossier.js")
    )
    return f"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Any:
    """``("data.train", "…")`` of nested mappings."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _lowest(group: Mapping[str, Any]) -> float:
    """Where the small charts of a kind of slices begin."""
    return floor_share(min((one["accuracy"]["low"] for one in group["slices"] if not one["small"]), default=0.0))


def _furthest(errors: Sequence[Mapping[str, Any]]) -> float:
    """Where small charts of errors end."""
    return float(max(max(one["error"]["high"], one["baseline_error"] or 0.0) for one in errors))


def _breakable(label: str) -> Markup:
    """A name that a narrow column may break at its underscores."""
    return Markup("_<wbr>").join(visible(label).split("_"))


def _named(key: str) -> Markup:
    """A fact's name in both languages where there is one, else as it is."""
    known = next((name for name in (f"{key}-fact", key) if name in _labels()), None)
    return Markup("{}").format(visible(key)) if known is None else _label(known)


def _fact(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _range(interval: Mapping[str, float], metric: str = "accuracy") -> str:
    if not is_share(metric):
        return f"{score_text(interval['low'], metric)} – {score_text(interval['high'], metric)}"
    unit = "" if metric in BARE else "%"
    return f"{100 * interval['low']:.1f}–{100 * interval['high']:.1f}{unit}"


def _measured_range(interval: Mapping[str, float]) -> str:
    return f"{measured_text(interval['low'])} – {measured_text(interval['high'])}"


def _bytes(size: float) -> str:
    return f"{size / 2**20:,.1f} MiB" if size >= 2**20 else f"{size / 2**10:,.1f} KiB"
