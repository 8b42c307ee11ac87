"""Data for whole runs: four intents of the demo's own questions."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "recipes/demo/data/train.csv"
INTENTS = ("invoice", "order_status", "refund_status", "store_hours")


@pytest.fixture(scope="session")
def write_questions() -> Callable[[Path], None]:
    """Write 192 rows ``question,intent`` in two languages to a CSV file."""

    def write(path: Path) -> None:
        with open(DEMO, encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["intent"] in INTENTS]
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["question", "intent"])
            writer.writeheader()
            writer.writerows(rows)

    return write
