"""Many lines at once, without looks: lines to questions, questions to rows in bounded requests, rows to CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from triga.console.answers import Answer
from triga.console.client import BUSY_CODE, STRANGE_CODE, Question, Reply, Trouble
from triga.console.model_info import Pairs
from triga.console.playground import MAX_RETRIES, Playground
from triga.core.errors import InputError, Language

__all__ = ["MAX_LINES", "Batch", "BatchRow", "as_csv", "read_lines"]

MAX_LINES = 2_000
"""Beyond, the command line is the better tool."""
CHUNK = 64
"""Questions of one request: small enough that progress moves."""
PAIR_MARK = "\t"
INPUT_PLACE = re.compile(r"inputs\[(\d+)\]")


@dataclass(frozen=True)
class BatchRow:
    text: str
    pair: str | None
    answer: Answer

    @classmethod
    def of(cls, question: Question, answer: Answer) -> BatchRow:
        text, pair = (question, None) if isinstance(question, str) else question
        return cls(text, pair, answer)

    def csv_cells(self) -> dict[str, str]:
        return {"text": self.text, "text_pair": self.pair or "", **self.answer.csv_cells()}


def read_lines(text: str, pairs: Pairs) -> list[Question]:
    """A question for each line that is not empty; a tab divides the two texts of a pair. Raises ``InputError``."""
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) > MAX_LINES:
        raise InputError(
            "batch-too-long",
            "{num_lines} lines are more than this page takes ({max_lines})",
            fix="paste fewer, or run triga predict on a file",
            num_lines=len(lines),
            max_lines=MAX_LINES,
        )
    return [_question(number, line, pairs) for number, line in lines]


def _question(number: int, line: str, pairs: Pairs) -> Question:
    first, _, second = (part.strip() for part in line.partition(PAIR_MARK))
    if pairs == "never":
        return line
    if first and second:
        return first, second
    if pairs == "optional":
        return line
    raise InputError(
        "batch-pair-needed",
        "line {number} has one text; the model takes two",
        fix="put a tab between the two texts of a line",
        number=number,
    )


def as_csv(rows: list[BatchRow]) -> str:
    """``text[,text_pair]`` and the answers' own columns, with a header. The rows' answers are of one kind."""
    out = io.StringIO()
    has_pairs = any(row.pair is not None for row in rows)
    columns = [name for name in (rows[0].csv_cells() if rows else ()) if has_pairs or name != "text_pair"]
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")  # RFC 4180
    writer.writeheader()
    writer.writerows(row.csv_cells() for row in rows)
    return out.getvalue()


class Batch:
    """The lines that were pasted, and how far they are. ``changed`` is called after each request."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.text = ""
        self.rows: list[BatchRow] = []
        self.num_questions = 0
        self.trouble: Trouble | None = None
        self.running = False
        self.changed: Callable[[], None] = lambda: None
        self._turn = 0

    async def run(self) -> None:
        """Ask for all lines, from the start. What was answered before a trouble or a stop remains."""
        if self.running:
            return
        self.rows, self.trouble = [], None
        questions = self._read(self.playground.language)
        self.num_questions = len(questions)
        self._turn += 1
        self.running = bool(questions)
        self.changed()
        await self._run(questions, self._turn)

    def stop(self) -> None:
        self._turn += 1
        self.running = False
        self.changed()

    def forget(self) -> None:
        """Drop all answers: what they come from is no longer served."""
        self.rows, self.num_questions, self.trouble = [], 0, None
        self.stop()

    def _read(self, language: Language) -> list[Question]:
        try:
            return read_lines(self.text, self.playground.model.pairs if self.playground.model else "never")
        except InputError as error:
            self.trouble = Trouble.of(error, language)
            return []

    async def _run(self, questions: list[Question], turn: int) -> None:
        model = self.playground.model
        size = min(CHUNK, model.max_inputs) if model else CHUNK
        for start in range(0, len(questions), size):
            chunk = questions[start : start + size]
            outcome = await self._patiently(chunk, turn)
            if turn != self._turn:
                return
            if isinstance(outcome, Trouble):
                await self._give_up(_placed(outcome, start))
                break
            self.rows += [
                BatchRow.of(question, answer) for question, answer in zip(chunk, outcome.answers, strict=True)
            ]
            self.changed()
        self.running = False
        self.changed()

    async def _give_up(self, trouble: Trouble) -> None:
        """Where the answers were strange, another server may stand there now: the page looks."""
        self.trouble = trouble
        if trouble.code == STRANGE_CODE:
            await self.playground.recover()

    async def _patiently(self, chunk: list[Question], turn: int) -> Reply | Trouble:
        """The answers; a busy server is asked again when it said so, a few times."""
        for _ in range(MAX_RETRIES):
            outcome = await self.playground.predict(chunk)
            if isinstance(outcome, Reply) or outcome.code != BUSY_CODE or outcome.retry_s is None:
                return outcome
            await asyncio.sleep(outcome.retry_s)
            if turn != self._turn:
                return outcome
        return await self.playground.predict(chunk)


def _placed(trouble: Trouble, start: int) -> Trouble:
    """A place within a request (``inputs[3]``) as the number that the table gives the line."""
    found = INPUT_PLACE.match(trouble.where or "")
    return replace(trouble, where=f"#{start + int(found[1]) + 1}") if found else trouble
