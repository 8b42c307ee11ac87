"""``metrics.jsonl`` to the facts of a training run. A resumed run writes some steps twice: the later line counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["training_summary"]


def training_summary(metrics: Path, *, metric: str, best_step: int | None) -> dict[str, Any]:
    """``minutes, num_steps, num_tokens, losses, dev_scores, …``: pairs (step, value), JSON-able."""
    steps: dict[int, dict[str, Any]] = {}
    scores: dict[int, float] = {}
    for line in metrics.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "TrainStep":
            steps[event["step"]] = event
        elif event["event"] == "Scored":
            scores[event["step"]] = event["scores"][metric]
    seconds = sum(event["seconds"] for event in steps.values())
    return {
        "minutes": seconds / 60,
        "num_steps": len(steps),
        "num_tokens": sum(event["num_tokens"] for event in steps.values()),
        "num_skipped": sum(event["skipped"] for event in steps.values()),
        "losses": [(step, event["loss"]) for step, event in sorted(steps.items()) if event["loss"] is not None],
        "dev_scores": sorted(scores.items()),
        "dev_metric": metric,
        "best_step": best_step,
    }
