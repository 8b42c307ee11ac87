"""Meals rated from 1 to 5, in words of our own: enough for a tiny regressor to learn from, in both languages."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

ENGLISH = ("awful", "poor", "ordinary", "good", "wonderful")
CHINESE = ("难吃", "较差", "一般", "不错", "美味")
DISHES = ("soup", "rice", "fish", "bread", "tea")
菜 = ("汤", "米饭", "鱼", "面包", "茶")


def rating_rows(num: int, seed: int = 0) -> list[dict[str, Any]]:
    """``{"text", "rating"}``, English and Chinese in turn."""
    choice = random.Random(seed)
    rows = []
    for i in range(num):
        rating, dish = choice.randrange(5), choice.randrange(5)
        text = f"the {DISHES[dish]} was {ENGLISH[rating]}, table {choice.randrange(90)}"
        if i % 2:
            text = f"{choice.randrange(90)} 号桌的{菜[dish]}很{CHINESE[rating]}"
        rows.append({"text": text, "rating": rating + 1 + choice.choice((0, 0.25))})
    return rows


def write_ratings(path: Path, num: int, seed: int = 0) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rating_rows(num, seed))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
