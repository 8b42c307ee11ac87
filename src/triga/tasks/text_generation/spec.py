"""Text generation without its network: records to dialogues, dialogues to tokens of which the answers' are learned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from tokenizers import AddedToken
from tokenizers import Tokenizer as RawTokenizer

from triga.core.arrays import IGNORED, Encoding, FloatArray, IntArray, Outputs, Ragged
from triga.core.errors import DataError, Language
from triga.data.rows import Role, Row
from triga.tasks.base import CardWords
from triga.tasks.text_generation.formats import Turn, read_turns
from triga.tasks.text_generation.metrics import METRICS, likelihood_scores
from triga.tasks.text_generation.recipe import TextGenerationSection
from triga.tasks.written import WrittenPrediction, written_predictions
from triga.text.prepare import prepare_text
from triga.text.tokenizers.chat import CHATML, CHATML_TOKENS, Chat
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["TextGeneration", "answer_of_row", "question_of_row", "turns_of", "without_answer"]

ROLES = (
    Role(
        "prompt",
        ("prompt", "instruction", "question", "query", "text", "问题", "指令"),
        required=False,
        is_text=True,
    ),
    Role("messages", ("messages", "conversations", "conversation", "dialogue", "turns"), required=False),
    Role("input", ("input",), required=False),
    Role("answer", ("answer", "output", "response", "completion", "reply", "回答", "答案"), required=False),
    Role("system", ("system", "system_prompt"), required=False),
    Role("history", ("history",), required=False),
)
TURN = pa.struct([("role", pa.string()), ("content", pa.string())])


@dataclass(frozen=True)
class TextGeneration:
    """See ``TaskSpec``. ``offsets`` of an encoding are (0, 0) for what is asked, and characters of the whole dialogue
    for the answers' tokens: these alone are learned."""

    section: TextGenerationSection

    roles = ROLES
    labels = ()
    target_names = ()
    least_classes = 0
    needs_target = False
    baseline_name = "nearest question"
    metrics = METRICS
    main_metric = "likelihood"
    has_windows = False
    schema = pa.schema([("prompt", pa.string()), ("turns", pa.list_(TURN))])

    @property
    def kind(self) -> str:
        return self.section.kind

    def in_words(self, labels: Collection[str], roles: Collection[str], language: Language) -> str:
        several = "messages" in roles or "history" in roles
        if language == "zh":
            return "对话中助手的回答" if several else "对每个问题的回答"
        return "the assistant's answers in dialogues" if several else "an answer to each question, in words"

    def card(self) -> CardWords:
        return CardWords(
            "A model that answers in words",
            "the next token; `tokenizer.apply_chat_template` writes a dialogue as it was taught",
            "AutoModelForCausalLM",
            "cut, the oldest turns first",
        )

    def with_labels(self, labels: Sequence[str]) -> TextGeneration:
        """As it is: answers have no labels."""
        return self

    def restored(self, saved: Mapping[str, Any]) -> TextGeneration:
        return self

    def as_dict(self) -> dict[str, Any]:
        return {"task": self.section.model_dump(mode="json"), "labels": []}

    # -- rows ---------------------------------------------------------------------------------------------------

    @property
    def reading(self) -> Mapping[str, Any]:
        return self.section.model_dump(mode="json", include={"kind", "prepare"})

    def prepare(self, text: str) -> str:
        return prepare_text(text, self.section.prepare)

    def parse(self, values: Mapping[str, Any]) -> Row:
        turns = [Turn(turn.speaker, self.prepare(turn.text).strip()) for turn in read_turns(values)]
        if any(not turn.text for turn in turns):
            raise DataError(
                "turn-nothing-left",
                "nothing of a turn is left once it is prepared (task.prepare)",
                fix="let triga check --fix delete the row",
            )
        written = [{"role": turn.speaker, "content": turn.text} for turn in turns]
        return {"prompt": None, "turns": written}

    def text_of(self, row: Row) -> str:
        return question_of_row(row)

    def targets_of(self, row: Row) -> tuple[str, ...]:
        return ()

    def answer_of(self, row: Row) -> str:
        """None that counts: one question may be answered in many ways."""
        return ""

    # -- model in and out ---------------------------------------------------------------------------------------

    def tokenizer_for(self, tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
        """With ChatML, and its two tokens, where the base was taught no dialogues."""
        if tokenizer.chat is not None:
            return tokenizer
        raw = RawTokenizer.from_str(tokenizer.raw.to_str())
        raw.add_special_tokens([AddedToken(token, normalized=False) for token in CHATML_TOKENS])
        before, _ = tokenizer.document_ids
        begin = "" if before is None else str(raw.id_to_token(before))
        with_chat = Tokenizer(raw, uses_token_types=tokenizer.uses_token_types)
        with_chat.chat = Chat(CHATML, {"bos_token": begin}, with_chat.special_names)
        return with_chat

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
        """Dialogues with their answers, or where a row only asks, up to where the answer begins."""
        return [_encoded(turns_of(row), tokenizer, max_length, i) for i, row in enumerate(rows)]

    def targets(self, rows: Sequence[Row], encodings: Sequence[Encoding]) -> Ragged:
        """The ids of the answers' tokens, each at its own place."""
        return Ragged.of([np.where(_is_answer(one), one.input_ids, IGNORED) for one in encodings])

    def probabilities(self, encodings: Sequence[Encoding], outputs: Outputs) -> FloatArray:
        """(N, 1) of the true answers' tokens, as a geometric mean."""
        said = np.asarray(outputs["logits"], dtype=np.float64)
        return np.asarray(np.exp(said[:, :1] / np.maximum(said[:, 1:2], 1)))

    def claims(self, outputs: Outputs, targets: Any) -> None:
        """None: a temperature is for whoever draws."""

    def calibrated(self, outputs: Outputs, targets: Any, temperature: float) -> TextGeneration:
        return self

    def decode(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> list[WrittenPrediction]:
        return written_predictions(outputs)

    def score(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> dict[str, float]:
        return likelihood_scores(outputs["logits"])


def turns_of(row: Row) -> list[dict[str, str]]:
    """The dialogue of a row, or the one question that was asked."""
    if row["turns"]:
        return [dict(turn) for turn in row["turns"]]
    return [{"role": "user", "content": row["prompt"]}]


def without_answer(row: Row) -> Row:
    """The row as it would be asked."""
    return {**row, "turns": turns_of(row)[:-1]}


def question_of_row(row: Row) -> str:
    """All but the last answer, a turn a line."""
    turns = turns_of(row)
    asked = turns[:-1] if turns[-1]["role"] == "assistant" else turns
    return "\n".join(turn["content"] for turn in asked)


def answer_of_row(row: Row) -> str:
    """The last answer; empty where there is none."""
    last = turns_of(row)[-1]
    return last["content"] if last["role"] == "assistant" else ""


def _is_answer(encoding: Encoding) -> IntArray:
    assert encoding.offsets is not None
    return np.asarray(encoding.offsets[:, 1] > 0)


def _encoded(turns: list[dict[str, str]], tokenizer: Tokenizer, max_length: int, row: int) -> Encoding:
    """The oldest exchanges go where all do not fit; then the beginning of the question, then the end of the answer."""
    encoding = _whole(turns, tokenizer, row)
    while len(encoding) > max_length and (shorter := _without_oldest(turns)) is not None:
        turns = shorter
        encoding = _whole(turns, tokenizer, row)
    if len(encoding) <= max_length:
        return encoding
    assert encoding.offsets is not None
    num_asked = int(np.argmax(encoding.offsets[:, 1] > 0)) if encoding.offsets.any() else len(encoding)
    first = min(len(encoding) - max_length, max(num_asked - max_length // 2, 0))
    kept = slice(first, first + max_length)
    return replace(encoding, input_ids=encoding.input_ids[kept], offsets=encoding.offsets[kept])


def _without_oldest(turns: list[dict[str, str]]) -> list[dict[str, str]] | None:
    """Without the first question and its answer; None where nothing would be asked then."""
    start = 1 if turns[0]["role"] == "system" else 0
    rest = turns[start + 2 :]
    return [*turns[:start], *rest] if rest else None


def _whole(turns: list[dict[str, str]], tokenizer: Tokenizer, row: int) -> Encoding:
    chat = tokenizer.chat
    if chat is None:  # a model that was taught no dialogues goes on with the text
        ids = tokenizer.raw.encode("\n".join(turn["content"] for turn in turns)).ids
        return Encoding(np.array(ids, dtype=np.int32), offsets=np.zeros((len(ids), 2), dtype=np.int32), row=row)
    if turns[-1]["role"] == "assistant":
        text, spans = chat.spans(turns)
    else:
        text, spans = chat.render(turns, is_open=True), []
    raw = tokenizer.raw.encode(text, add_special_tokens=False)
    places = np.array(raw.offsets, dtype=np.int32).reshape(-1, 2)
    is_answer = np.zeros(len(places), dtype=np.bool_)
    for start, end in spans:
        is_answer |= (places[:, 0] >= start) & (places[:, 1] <= end) & (places[:, 1] > 0)
    return Encoding(np.array(raw.ids, dtype=np.int32), offsets=np.where(is_answer[:, None], places, 0), row=row)
