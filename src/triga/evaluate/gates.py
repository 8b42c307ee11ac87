"""Quality gates: ``evaluate.gates: {macro_f1: 0.8}``. A miss is no failure of triga, and ends with exit code 3."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triga.core.errors import GateError, RecipeError
from triga.evaluate.intervals import Interval

__all__ = ["Gate", "check_gates", "measure_gates", "require_gates"]


@dataclass(frozen=True)
class Gate:
    """The least score that was asked for, and the one that was reached."""

    name: str
    bound: float
    value: float
    interval: Interval
    passed: bool

    @property
    def uncertain(self) -> bool:
        """Another draw of test rows might decide otherwise."""
        return self.interval.low < self.bound <= self.interval.high

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "bound": self.bound,
            "value": self.value,
            "interval": self.interval.as_dict(),
            "passed": self.passed,
            "uncertain": self.uncertain,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Gate:
        return cls(saved["name"], saved["bound"], saved["value"], Interval(**saved["interval"]), saved["passed"])


def check_gates(gates: Mapping[str, float], metrics: Sequence[str]) -> None:
    """Raise ``RecipeError`` for a metric that the task does not have; call it before training, not after."""
    for name in gates:
        if name not in metrics:
            near = difflib.get_close_matches(name, metrics, n=1, cutoff=0.4)
            raise RecipeError(
                "gate-metric-unknown",
                "evaluate.gates has no metric '{name}'",
                where=f"evaluate.gates.{name}",
                fix="did you mean '{near}'? The metrics: {metrics}",
                name=name,
                near=near[0] if near else metrics[0],
                metrics=", ".join(metrics),
            )


def measure_gates(gates: Mapping[str, float], scores: Mapping[str, Interval]) -> tuple[Gate, ...]:
    return tuple(
        Gate(name, bound, scores[name].value, scores[name], scores[name].value >= bound)
        for name, bound in gates.items()
    )


def require_gates(gates: Iterable[Gate]) -> None:
    """Raise one ``GateError`` that lists every missed gate."""
    missed = [gate for gate in gates if not gate.passed]
    if missed:
        raise GateError(
            "gate-missed",
            "{count} quality gate(s) missed: {missed}",
            fix="read the dossier for what goes wrong, then improve the data or the model, or lower evaluate.gates",
            count=len(missed),
            missed="; ".join(f"{gate.name} {gate.value:.4f} < {gate.bound:g}" for gate in missed),
        )
