"""Who lives where and does what, with a question to each: enough for a tiny reader to learn from, in both languages."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

NAMES, CITIES, JOBS = (
    ("Nora", "Omar", "Lena", "Ivan"),
    ("Oslo", "Lund", "Riga", "Port Vale"),
    ("baker", "nurse", "pilot"),
)
姓名, 城市, 职业 = ("小雨", "大明", "思远", "文静"), ("青石镇", "海城", "白河", "南岭"), ("面包师", "护士", "飞行员")


def question_rows(num: int, seed: int = 0) -> list[dict[str, Any]]:
    """``{"question", "context", "answers"}`` as SQuAD on Hugging Face has them, English and Chinese in turn."""
    choice = random.Random(seed)
    return [_chinese(choice) if i % 2 else _english(choice) for i in range(num)]


def write_questions(path: Path, num: int, seed: int = 0) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in question_rows(num, seed))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _english(choice: random.Random) -> dict[str, Any]:
    name, city, job, day = choice.choice(NAMES), choice.choice(CITIES), choice.choice(JOBS), choice.randrange(1, 29)
    context = f"On May {day} we met {name}. She lives in {city} and works as a {job}."
    return _row(context, *choice.choice(((f"Where does {name} live?", city), (f"What is the work of {name}?", job))))


def _chinese(choice: random.Random) -> dict[str, Any]:
    name, city, job, day = choice.choice(姓名), choice.choice(城市), choice.choice(职业), choice.randrange(1, 29)
    context = f"五月{day}日我们遇见了{name}。她住在{city}，是一名{job}。"
    return _row(context, *choice.choice(((f"{name}住在哪里？", city), (f"{name}做什么工作？", job))))


def _row(context: str, question: str, answer: str) -> dict[str, Any]:
    answers = {"text": [answer], "answer_start": [context.rindex(answer)]}
    return {"question": question, "context": context, "answers": answers}
