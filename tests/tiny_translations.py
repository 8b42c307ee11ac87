"""Sentences about meals in English and in Chinese, of our own: enough for a tiny encoder-decoder to learn from."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tiny_ratings import CHINESE, DISHES, ENGLISH, 菜


def translation_rows(num: int, seed: int = 0) -> list[dict[str, str]]:
    """``{"source", "target"}``: ``The soup at table 7 was good.`` and ``7号桌的汤不错。``"""
    choice = random.Random(seed)
    rows = []
    for _ in range(num):
        rating, dish, table = choice.randrange(5), choice.randrange(5), choice.randrange(1, 10)
        source = f"The {DISHES[dish]} at table {table} was {ENGLISH[rating]}."
        rows.append({"source": source, "target": f"{table}号桌的{菜[dish]}{CHINESE[rating]}。"})
    return rows


def write_translations(path: Path, num: int, seed: int = 0) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in translation_rows(num, seed))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
