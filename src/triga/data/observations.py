"""What one text alone shows: control characters, a wrong encoding, markup, personal data, nothing but digits …

``observe`` is asked for every row while it is read and gives a number whose bits stand for ``OBSERVED``; the findings
are made afterwards, when it is known how many rows there are. What does no harm in a few rows is said from a share on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from triga.core.arrays import IntArray
from triga.data.facts import Split, place_of
from triga.data.findings import MAX_PLACES, Finding, percent
from triga.data.rows import RowSpec
from triga.text.cleaning.markup import markup_in
from triga.text.language import Script, TextLanguage, script_of
from triga.text.normalize import control_in, full_width_in, mojibake_in
from triga.text.personal.redact import PersonalKind, find_personal

__all__ = ["observation_findings", "observe"]

PERSONAL: tuple[PersonalKind, ...] = ("email", "phone", "card", "resident_id")
"""What is nobody else's; addresses are often those of shops."""
MAX_NO_WORDS_CHARS = 500
"""Longer texts are not looked at whole for words."""
MAX_SHOWN_CHARS = 40
ENOUGH = 0.01
"""Share of the rows from which another way of writing is worth mending; below, a model hardly meets it."""
_NO_WORDS = re.compile(r"(?:https?://\S++|www\.\S++|[\d\s.,:/+#%()-]++)++")  # possessive: never tries twice


def _personal_in(text: str) -> str | None:
    found = find_personal(text, PERSONAL)
    return found[0].kind if found else None


def _no_words_in(text: str) -> str | None:
    return "" if len(text) <= MAX_NO_WORDS_CHARS and _NO_WORDS.fullmatch(text) else None


@dataclass(frozen=True)
class _Observation:
    """``finding`` has the sentences, ``find`` gives what they show of the first such text."""

    finding: Finding
    find: Callable[[str], str | None]
    least_share: float = 0.0


OBSERVED = (
    _Observation(
        Finding(
            "text-controls",
            "warning",
            "texts hold control characters (the first: {first}), {share} of all",
            "triga check --fix removes them from its copy; with task.prepare.repair the served model does so too",
        ),
        control_in,
    ),
    _Observation(
        Finding(
            "text-mojibake",
            "warning",
            "texts look as if they were read in a wrong encoding once (the first: {first}), {share} of all",
            "export them again as UTF-8 from where they came from; task.prepare.repair mends what can be mended",
        ),
        mojibake_in,
    ),
    _Observation(
        Finding(
            "text-markup",
            "info",
            "texts hold markup (the first: {first}), {share} of all",
            "task.prepare.markup (html, markdown or auto) takes it away, in training and in serving alike",
        ),
        markup_in,
        ENOUGH,
    ),
    _Observation(
        Finding(
            "text-full-width",
            "info",
            "texts hold full-width letters or digits (the first: {first}), {share} of all",
            "task.prepare.width: half makes them ASCII, in training and in serving alike",
        ),
        full_width_in,
        ENOUGH,
    ),
    _Observation(
        Finding(
            "text-personal",
            "info",
            "texts hold personal data (the first: {first}), {share} of all",
            "a model may give away what it learned from; task.prepare.redact: [email, phone, card, resident_id] takes "
            "it out, in training and in serving alike",
        ),
        _personal_in,
    ),
    _Observation(
        Finding("text-no-words", "info", "texts are nothing but digits, marks or addresses, {share} of all"),
        _no_words_in,
    ),
)
SCRIPTS: Mapping[Script, Finding] = {
    "simplified": Finding(
        "text-some-simplified",
        "info",
        "{share} of the Chinese texts are in simplified characters, the others in traditional ones",
        "task.prepare.script: traditional converts them, in training and in serving alike",
    ),
    "traditional": Finding(
        "text-some-traditional",
        "info",
        "{share} of the Chinese texts are in traditional characters, the others in simplified ones",
        "task.prepare.script: simplified converts them, in training and in serving alike",
    ),
}
SCRIPT_BIT = {script: 1 << (len(OBSERVED) + i) for i, script in enumerate(SCRIPTS)}


def observe(text: str, language: TextLanguage) -> int:
    """What is odd about a text, as bits; a few microseconds where nothing is."""
    seen = 0
    for i, observation in enumerate(OBSERVED):
        if observation.find(text) is not None:
            seen |= 1 << i
    script = script_of(text) if language == "zh" else None
    return seen if script is None else seen | SCRIPT_BIT[script]


def observation_findings(splits: Sequence[Split], spec: RowSpec) -> list[Finding]:
    """What ``observe`` saw in the rows of all splits, in the order of ``OBSERVED``."""
    seen = np.concatenate([split.facts.seen for split in splits])
    findings = []
    for i, observation in enumerate(OBSERVED):
        rows = np.flatnonzero(seen & (1 << i))
        if len(rows) and len(rows) >= observation.least_share * len(seen):
            split, row = place_of(splits, int(rows[0]))
            first = observation.find(spec.text_of(split.table[row])) or ""
            findings.append(_finding(observation.finding, splits, rows, len(seen), first=first[:MAX_SHOWN_CHARS]))
    return findings + _script_findings(splits, seen)


def _script_findings(splits: Sequence[Split], seen: IntArray) -> list[Finding]:
    """Of the two scripts the rarer, where there is enough of it: three Chinese tweets among thousands do not count."""
    rows = {script: np.flatnonzero(seen & bit) for script, bit in SCRIPT_BIT.items()}
    rarer = min(SCRIPTS, key=lambda script: len(rows[script]))
    total = sum(map(len, rows.values()))
    is_said = len(rows[rarer]) and len(rows[rarer]) >= ENOUGH * len(seen)
    return [_finding(SCRIPTS[rarer], splits, rows[rarer], total)] if is_said else []


def _finding(template: Finding, splits: Sequence[Split], rows: IntArray, total: int, **params: object) -> Finding:
    places = [place_of(splits, int(row)) for row in rows[:MAX_PLACES]]
    return replace(
        template,
        params={"share": percent(len(rows) / total), **params},
        count=len(rows),
        places=tuple(split.table.places(np.array([row]))[0] for split, row in places),
    )
