"""Sentences with entities, made from words of our own: enough for a tiny tagger to learn from, in both languages."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

PEOPLE = ("Nora Berg", "Tom Hale", "Ines Roth", "Ravi Sen", "Lena Moor", "Omar Diaz")
PLACES = ("Oslo", "Port Vale", "Lund", "Sarno", "Bregenz", "Kota Baru")
人 = ("林小雨", "王大海", "赵云亭", "陈一鸣")
地 = ("青石镇", "云川", "白河县", "南屏")
ENGLISH = (
    ("", "PER", " lives in ", "LOC", "."),
    ("Yesterday ", "PER", " met ", "PER", " near ", "LOC", "."),
    ("The train to ", "LOC", " was late, said ", "PER", "."),
    ("Nobody was at home."),
)
CHINESE = (("", "PER", "住在", "LOC", "。"), ("昨天", "PER", "去了", "LOC", "和", "LOC", "。"), ("没有人在家。",))
LABELS = ("LOC", "PER")


def entity_rows(num: int, seed: int = 0) -> list[dict[str, Any]]:
    """``{"text", "entities": [[start, end, label], …]}``, English and Chinese in turn."""
    choice = random.Random(seed)
    rows = []
    for i in range(num):
        words = {"PER": PEOPLE, "LOC": PLACES} if i % 2 == 0 else {"PER": 人, "LOC": 地}
        template = choice.choice(ENGLISH if i % 2 == 0 else CHINESE)
        text, spans = "", []
        for part in (template,) if isinstance(template, str) else template:
            name = choice.choice(words[part]) if part in words else part
            if part in words:
                spans.append([len(text), len(text) + len(name), part])
            text += name
        rows.append({"text": text, "entities": spans})
    return rows


def write_entities(path: Path, num: int, seed: int = 0) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in entity_rows(num, seed))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
