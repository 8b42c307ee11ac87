"""Question answering without its network: records to questions, contexts and answers, windows, logits to answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from triga.core.arrays import Encoding, FloatArray, IntArray, Outputs
from triga.core.errors import DataError, Language
from triga.data.rows import Role, Row
from triga.tasks.base import CardWords
from triga.tasks.question_answering.answers import NUM_CANDIDATES, AnswerPrediction, Span, apart
from triga.tasks.question_answering.formats import Answer, read_answers
from triga.tasks.question_answering.metrics import METRICS, AnswerScores, answer_scores
from triga.tasks.question_answering.recipe import QuestionAnsweringSection
from triga.tasks.question_answering.windows import (
    NOWHERE,
    Window,
    best_span,
    best_spans,
    candidates,
    log_probabilities,
    window_of,
)
from triga.tasks.texts import written_text
from triga.tasks.token_classification.moved import moved_spans
from triga.tasks.token_classification.spans import Span as LabelledSpan
from triga.text.language import language_of
from triga.text.prepare import prepare_text
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["QuestionAnswering", "answers_of", "scores_of_row"]

ROLES = (
    Role("question", ("question", "query", "问题"), is_text=True),
    Role("context", ("context", "paragraph", "passage", "document", "文章", "原文"), is_text=True, is_anchored=True),
    Role("answers", ("answers", "answer", "答案")),
)
FORBIDDEN = -1e9


@dataclass(frozen=True)
class QuestionAnswering:
    """See ``TaskSpec``. ``threshold``: by how much (log probability) an answer must be likelier than none; of use only
    where rows may have none, and tuned on dev."""

    section: QuestionAnsweringSection
    threshold: float = 0.0

    roles = ROLES
    labels = ()
    target_names = ()
    least_classes = 0
    needs_target = False
    baseline_name = "nearest sentence"
    metrics = METRICS
    main_metric = "f1"
    has_windows = True
    schema = pa.schema(
        [
            ("question", pa.string()),
            ("context", pa.string()),
            ("answers", pa.list_(pa.struct([("start", pa.int32()), ("text", pa.string())]))),
        ]
    )

    @property
    def kind(self) -> str:
        return self.section.kind

    def in_words(self, labels: Collection[str], roles: Collection[str], language: Language) -> str:
        if language == "zh":
            return "每个问题在原文中的答案" + ("，或没有答案" if self.section.no_answer else "")
        return "the answer to each question in its context" + (", or none" if self.section.no_answer else "")

    def card(self) -> CardWords:
        none = "; token 0 says that there is no answer" if self.section.no_answer else ""
        return CardWords(
            "A reader that finds the answer to a question in a text",
            f"logits of first and last token of the answer, over the tokens of the context{none}",
            "AutoModelForQuestionAnswering",
            "read in windows",
        )

    def with_labels(self, labels: Sequence[str]) -> QuestionAnswering:
        """As it is: answers have no labels."""
        return self

    def with_threshold(self, threshold: float) -> QuestionAnswering:
        return replace(self, threshold=threshold)

    def restored(self, saved: Mapping[str, Any]) -> QuestionAnswering:
        return self.with_threshold(saved.get("threshold", 0.0))

    def as_dict(self) -> dict[str, Any]:
        return {"task": self.section.model_dump(mode="json"), "labels": [], "threshold": self.threshold}

    # -- rows ---------------------------------------------------------------------------------------------------

    @property
    def reading(self) -> Mapping[str, Any]:
        return self.section.model_dump(mode="json", exclude={"max_answer_length"})

    def prepare(self, text: str) -> str:
        return prepare_text(text, self.section.prepare)

    def parse(self, values: Mapping[str, Any]) -> Row:
        question, context = self.prepare(written_text(values.get("question"))), written_text(values.get("context"))
        prepared = self.prepare(context)
        if not question.strip():
            raise DataError(
                "question-empty", "the question is empty", fix="fill it, or let triga check --fix delete the row"
            )
        if not prepared.strip():
            raise DataError(
                "context-empty", "the context is empty", fix="fill it, or let triga check --fix delete the row"
            )
        answers = _moved(read_answers(values.get("answers"), context), context, prepared)
        if not answers and not self.section.no_answer:
            raise DataError(
                "answer-none",
                "the row has no answer",
                fix="set task.no_answer: true where that may be so, or let triga check --fix delete the row",
            )
        written = [{"start": one.start, "text": one.text} for one in answers]
        return {"question": question, "context": prepared, "answers": written}

    def text_of(self, row: Row) -> str:
        return f"{row['question']}\n{row['context']}"

    def targets_of(self, row: Row) -> tuple[str, ...]:
        return ()

    def answer_of(self, row: Row) -> str:
        return "\n".join(sorted(f"{one.start} {one.text}" for one in answers_of(row)))

    # -- model in and out ---------------------------------------------------------------------------------------

    def tokenizer_for(self, tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
        return tokenizer

    def encode(self, rows: Sequence[Row], tokenizer: Tokenizer, max_length: int) -> list[Encoding]:
        """Windows over the context, each with the whole question, or as much of it as fits into half of one."""
        return tokenizer.encode_pair_windows([(row["question"], row["context"]) for row in rows], max_length)

    def targets(self, rows: Sequence[Row], encodings: Sequence[Encoding]) -> IntArray:
        """(M, 5) of each window: first and last token of the first answer that is whole in it, twice ``NOWHERE`` where
        none is; where the context's tokens begin and stop; its row."""
        targets = np.zeros((len(encodings), 5), dtype=np.int64)
        for target, encoding in zip(targets, encodings, strict=True):
            window = window_of(encoding)
            found = (window.tokens_of(one.start, one.end) for one in answers_of(rows[encoding.row]))
            answer = next(filter(None, found), (NOWHERE, NOWHERE))
            target[:] = (*answer, window.first, window.stop, encoding.row)
        return targets

    def probabilities(self, encodings: Sequence[Encoding], outputs: Outputs) -> FloatArray:
        """(K, 2): of beginning and of ending at each token that may be chosen, window by window."""
        windows = map(window_of, encodings)
        said = [
            np.exp(log_probabilities(logits, window.first, window.stop))
            for logits, window in zip(outputs["logits"], windows, strict=True)
        ]
        return np.concatenate(said) if said else np.zeros((0, 2))

    def claims(self, outputs: Outputs, targets: IntArray) -> tuple[FloatArray, IntArray]:
        """Of first and last tokens (2M, T): which one is it?"""
        logits = np.asarray(outputs["logits"])
        may_be = candidates(targets[:, 2:4], logits.shape[1])
        masked = np.where(may_be[:, None], logits.transpose(0, 2, 1), FORBIDDEN)
        return masked.reshape(-1, logits.shape[1]), targets[:, :2].reshape(-1)

    def calibrated(self, outputs: Outputs, targets: IntArray, temperature: float) -> QuestionAnswering:
        """With the threshold by which most rows are right, to the token, where rows may have no answer."""
        if not self.section.no_answer or not len(targets):
            return self
        logits = np.asarray(outputs["logits"]) / temperature
        verdicts = [
            self._verdict(logits[targets[:, 4] == row], targets[targets[:, 4] == row]) for row in _rows(targets)
        ]
        margins, if_given, if_none = np.array(verdicts, dtype=np.float64).T
        return self.with_threshold(_best_threshold(margins, if_given, if_none))

    def decode(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> list[AnswerPrediction]:
        own: list[list[int]] = [[] for _ in rows]
        for i, encoding in enumerate(encodings):
            own[encoding.row].append(i)
        return [
            self._answer(row["context"], [encodings[i] for i in windows], [outputs["logits"][i] for i in windows])
            for row, windows in zip(rows, own, strict=True)
        ]

    def scores(self, rows: Sequence[Row], given: Sequence[str]) -> list[AnswerScores]:
        """Of each row, from the texts of its answers."""
        return [scores_of_row(row, text) for row, text in zip(rows, given, strict=True)]

    def score(self, rows: Sequence[Row], encodings: Sequence[Encoding], outputs: Outputs) -> dict[str, float]:
        given = [prediction.text for prediction in self.decode(rows, encodings, outputs)]
        means = np.array(self.scores(rows, given)).reshape(-1, len(METRICS)).mean(axis=0) if rows else [0.0, 0.0]
        return {name: float(value) for name, value in zip(METRICS, means, strict=True)}

    def _answer(self, context: str, encodings: Sequence[Encoding], logits: Sequence[FloatArray]) -> AnswerPrediction:
        """The best span of all windows, or none where that is likelier in the window that is least sure of none."""
        found: list[Span] = []
        none = 0.0
        for window, said in zip(map(window_of, encodings), logits, strict=True):
            logs = log_probabilities(said, window.first, window.stop)
            none = min(none, float(logs[0].sum()))
            found += self._spans(window, logs)
        spans = apart(found, context)
        may_be_none = self.section.no_answer
        is_none = not spans or (may_be_none and spans[0].sure - none <= self.threshold)
        return AnswerPrediction.of(context, spans, none, is_none=is_none, may_be_none=may_be_none)

    def _spans(self, window: Window, logs: FloatArray) -> list[Span]:
        """A window's best. A token that stands for no character neither begins nor ends an answer."""
        usable = np.where(window.ends > window.starts, 0.0, -np.inf)
        found = best_spans(logs[1:, 0] + usable, logs[1:, 1] + usable, self.section.max_answer_length, NUM_CANDIDATES)
        return [Span(sure, int(window.starts[first]), int(window.ends[last])) for first, last, sure in found]

    def _verdict(self, logits: FloatArray, targets: IntArray) -> tuple[float, bool, bool]:
        """Of one row's windows: by how much the best span is likelier than none, and whether either is right."""
        best, none, is_right = -np.inf, np.inf, False
        for said, (start, end, first, stop, _) in zip(logits, targets, strict=True):
            logs = log_probabilities(said, first, stop)
            begin, last, sure = best_span(logs[1:, 0], logs[1:, 1], self.section.max_answer_length)
            none = min(none, float(logs[0].sum()))
            if sure > best:
                best, is_right = sure, (begin + first, last + first) == (start, end)
        return best - none, is_right, not targets[:, :2].any()


def answers_of(row: Row) -> list[Answer]:
    """The truth of a row; none where nothing is known."""
    return [Answer(one["start"], one["text"]) for one in row["answers"] or ()]


def scores_of_row(row: Row, given: str) -> AnswerScores:
    """By the rules of the context's language."""
    return answer_scores(given, [one.text for one in answers_of(row)], language_of(row["context"]))


def _rows(targets: IntArray) -> IntArray:
    return np.unique(targets[:, 4])


def _best_threshold(margins: FloatArray, if_given: FloatArray, if_none: FloatArray) -> float:
    """Where to part rows (N,) by margin so that most are right: those above are given an answer; halfway between two
    neighbours."""
    order = np.argsort(margins, kind="stable")
    below = np.append(0.0, np.cumsum(if_none[order]))
    above = if_given.sum() - np.append(0.0, np.cumsum(if_given[order]))
    cut = int(np.argmax(below + above))
    edges = margins[order]
    if cut == 0:
        return float(edges[0]) - 1.0
    return float(edges[-1]) if cut == len(edges) else float(edges[cut - 1] + edges[cut]) / 2


def _moved(answers: Sequence[Answer], before: str, after: str) -> list[Answer]:
    """The answers in the context as the model reads it."""
    if before == after or not answers:
        return list(answers)
    try:
        spans = moved_spans([LabelledSpan(one.start, one.end, "") for one in answers], before, after)
    except DataError as error:
        raise DataError(
            "answer-lost",
            "nothing of the answer '{said}' is left once the context is prepared (task.prepare)",
            fix="leave that step out of task.prepare, or take the answer out",
            said=str(error.params["text"])[:60],
        ) from error
    return [Answer(span.start, after[span.start : span.end]) for span in spans]
