"""What is wrong, doubtful or worth knowing about data: findings with places, in both languages, and their tally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from triga.core.errors import DataError, Language, chinese_messages, render

__all__ = ["MAX_PLACES", "Finding", "Severity", "Tally", "by_severity", "percent", "raise_errors"]

Severity = Literal["error", "warning", "info"]
MAX_PLACES = 20
"""Places that a finding names; it counts them all."""
SHOWN_PLACES = 5
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found. ``error``: training cannot start; ``warning``: scores may mislead.

    ``what`` and ``fix`` are templates filled from ``params``, like an error's; ``count`` is how many rows (for findings
    about labels: labels) it concerns; ``places`` are the first of them, ``train.csv, line 3``. A place may name two:
    ``a = b`` the same text, ``a ≈ b`` nearly, ``a ≠ b`` the same text with different labels.
    """

    code: str
    severity: Severity
    what: str
    fix: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    places: tuple[str, ...] = ()

    def fields(self, language: Language = "en") -> dict[str, str]:
        """``what`` and, where known, ``fix`` as sentences."""
        what, fix = (
            chinese_messages().get(self.code, (self.what, self.fix)) if language == "zh" else (self.what, self.fix)
        )
        params = dict(self.params)
        return {"what": render(what, params)} | ({"fix": render(fix, params)} if fix else {})

    def text(self, language: Language = "en") -> str:
        """The finding as lines for a terminal."""
        names = {"where": "位置", "fix": "办法"} if language == "zh" else {"where": "where", "fix": "fix"}
        fields = self.fields(language)
        lines = [fields["what"] + (f"  ×{self.count}" if self.count > 1 else "")]
        if self.places:
            more = "; …" if self.count > SHOWN_PLACES else ""
            lines.append(f"  {names['where']}: {'; '.join(self.places[:SHOWN_PLACES])}{more}")
        if "fix" in fields:
            lines.append(f"  {names['fix']}: {fields['fix']}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with both languages' sentences; ``from_dict`` reads it back."""
        return {
            "code": self.code,
            "severity": self.severity,
            "count": self.count,
            "places": list(self.places),
            "templates": [self.what, self.fix],
            "params": dict(self.params),
            "en": self.fields("en"),
            "zh": self.fields("zh"),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Finding:
        what, fix = saved["templates"]
        return cls(saved["code"], saved["severity"], what, fix, saved["params"], saved["count"], tuple(saved["places"]))


class Tally:
    """Counts what cannot be used while rows are read: one finding a code, the first places of each.

    The parameters of a finding are those of its first row.
    """

    def __init__(self) -> None:
        self._found: dict[str, _Count] = {}

    def fault(self, error: DataError, place: object) -> None:
        """A row, or the rest of a file, that cannot be used."""
        count = self._found.get(error.code)
        if count is None:
            params = {name: _plain(value) for name, value in error.params.items()}
            finding = Finding(error.code, "error", error.what_template, error.fix_template, params)
            count = self._found[error.code] = _Count(finding)
        count.add(place)

    def findings(self) -> list[Finding]:
        return [count.finding() for count in self._found.values()]


@dataclass
class _Count:
    first: Finding
    count: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, place: object) -> None:
        self.count += 1
        if len(self.places) < MAX_PLACES:
            self.places.append(str(place))

    def finding(self) -> Finding:
        first = self.first
        return Finding(first.code, first.severity, first.what, first.fix, first.params, self.count, tuple(self.places))


def by_severity(findings: Sequence[Finding]) -> list[Finding]:
    """Errors first, then warnings, then what is only worth knowing; within each, as found."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def raise_errors(findings: Sequence[Finding]) -> None:
    """Raise if training cannot start: as the one error where all are of one kind, else their number and kinds."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return
    places = [place for finding in errors for place in finding.places]
    count = sum(finding.count for finding in errors)
    where = "; ".join(places[:SHOWN_PLACES]) + (f"; … ({count})" if count > SHOWN_PLACES else "")
    if len(errors) == 1:
        only = errors[0]
        raise DataError(only.code, only.what, where=where or None, fix=only.fix, **only.params)
    raise DataError(
        "data-has-errors",
        "{count} rows or labels cannot be used: {kinds}",
        where=where or None,
        fix="triga check lists all of them, and triga check --fix mends what can be mended",
        count=count,
        kinds=", ".join(f"{finding.code} ×{finding.count}" for finding in errors),
    )


def percent(share: float) -> str:
    """A share of rows, as findings say it."""
    if share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
