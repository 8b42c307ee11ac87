"""The tab to try a text (or a pair): what one writes at the left, what the model answers at the right."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

from triga.console.answers import ANSWERS, Answer
from triga.console.client import Timing
from triga.console.elements import attributes, box, push, words
from triga.console.history_list import HistoryList
from triga.console.kind_texts import PairWords
from triga.console.model_info import Pairs
from triga.console.notices import Notice
from triga.console.playground import Playground
from triga.console.texts import Texts
from triga.console.views import LOOKS

__all__ = ["TryTab", "writing_field"]

DEBOUNCE_MS = 250
"""After the last keystroke; an input method's unfinished characters do not count as typed."""
MAX_CHARS = 250_000
"""More than the server takes in one text, so that its words are read; less than a message of the page may carry."""
PAIR_MARK = "\t"
NO_BREAK_SPACE = "\u00a0"


def writing_field(label: str, placeholder: str, value: str, **values: Any) -> Any:
    """A text area with its label above; the label is tied to it for screen readers and clicks."""
    from nicegui import ui

    head = words(label, "label", "tg-field-label")
    field = ui.textarea(value=value, placeholder=placeholder).props("outlined autogrow").classes("tg-field")
    attributes(head, for_=field.html_id)
    return attributes(field, maxlength=MAX_CHARS, debounce=DEBOUNCE_MS, spellcheck="false", **values)


class TryTab:
    """Stands in the current container. ``refresh`` shows the playground as it is now."""

    def __init__(self, playground: Playground, texts: Texts, examples: Sequence[str]) -> None:
        self._playground = playground
        self._texts = texts
        self._filling = False
        with box("div", "tg-try"):
            with box("section", "tg-card tg-ask"):
                self._build_question()
            with box("section", "tg-card tg-answer", aria_label=texts.result) as self._answer_card:
                self._build_answer()
            self._build_examples(examples)
        self._history = HistoryList(playground, texts, self._put)
        self.refresh()

    def refresh(self) -> None:
        playground, texts = self._playground, self._texts
        patience = texts.waiting if playground.is_away else texts.retrying if playground.will_retry else None
        self._notice.show(playground.trouble, patience)
        answer = playground.reply.answers[0] if playground.reply and playground.question else None
        self._answer_card.classes(remove="tg-busy")
        attributes(self._answer_card, aria_busy="false")
        self._empty.set_visibility(answer is None and playground.trouble is None)
        needs_pair = bool(playground.text.strip() or playground.pair.strip())
        self._empty.set_text(self._words.empty if needs_pair else texts.empty)
        self._show_answer(answer)
        self._show_timing(playground.reply.timing if playground.reply and answer else None)
        self._history.refresh()

    @property
    def _pairs(self) -> Pairs:
        return self._playground.model.pairs if self._playground.model else "never"

    @property
    def _words(self) -> PairWords:
        model = self._playground.model
        return (model and self._texts.kinds[model.kind].words) or self._texts.pair_words

    def _build_question(self) -> None:
        playground, texts, pairs, said = self._playground, self._texts, self._pairs, self._words
        first = texts.text if pairs == "never" else said.first
        second = said.second if pairs == "always" else texts.second_text_optional
        self._text = writing_field(first, said.placeholder, playground.text, autofocus=True)
        with box("div", "tg-stack") as pair_box:
            self._pair = writing_field(second, said.placeholder_pair, playground.pair)
        pair_box.set_visibility(pairs != "never")
        for field in (self._text, self._pair):
            field.on_value_change(self._on_write)
        with box("div", "tg-row"):
            words(texts.privacy, "p", "tg-small tg-grow")
            push(texts.clear, lambda: self._put("", ""), "tg-link")

    def _build_examples(self, examples: Sequence[str]) -> None:
        texts, model = self._texts, self._playground.model
        if model and not examples:
            words_of_kind = texts.kinds[model.kind]
            examples = words_of_kind.examples if self._pairs == "never" else words_of_kind.pairs
        if not examples:
            return
        with box("section", "tg-card tg-samples"):
            words(texts.examples, "h2", "tg-heading")
            with box("ul", "tg-examples"):
                for example in examples:
                    self._build_example(example)

    def _build_example(self, example: str) -> None:
        text, _, pair = example.partition(PAIR_MARK)
        with box("li"):
            push(example.replace(PAIR_MARK, " ↔ "), lambda: self._put(text, pair), "tg-example", dir="auto")

    def _build_answer(self) -> None:
        texts, model = self._texts, self._playground.model
        words(texts.result, "h2", "tg-heading")
        self._notice = Notice(texts)
        self._empty = words(texts.empty, "p", "tg-empty")
        self._view = LOOKS[model.kind].view(texts, model) if model else None
        self._cut = words("", "p", "tg-small tg-cut")
        self._timing = words("", "p", "tg-small tg-timing")
        self._spoken = words("", "p", "tg-spoken", role="status")

    def _show_answer(self, answer: Answer | None) -> None:
        if self._view is not None:  # before a model is known there are no answers
            self._view.show(answer)
            self._spoken.set_text("" if answer is None else self._view.spoken(answer))

    def _show_timing(self, timing: Timing | None) -> None:
        texts, model = self._texts, self._playground.model
        num_tokens = timing.num_tokens if timing else None
        limit = model.max_tokens if model and not ANSWERS[model.kind].has_windows else None
        is_cut = limit is not None and num_tokens is not None and num_tokens >= limit
        self._cut.set_visibility(is_cut)
        self._cut.set_text(texts.cut.format(max_tokens=limit) if is_cut else "")
        parts = [] if timing is None else _timing_words(timing, texts)
        self._timing.set_text(" · ".join(part.replace(" ", NO_BREAK_SPACE) for part in parts))

    def _on_write(self) -> Awaitable[None] | None:
        """Not a coroutine itself: the fields are read now, not when the loop finds time."""
        if self._filling:
            return None
        return self._ask(self._text.value or "", self._pair.value or "")

    def _put(self, text: str, pair: str) -> Awaitable[None]:
        """Write for the reader, both fields at once: the old partner of a new text is nothing to ask about."""
        self._filling = True
        self._text.set_value(text)
        self._pair.set_value(pair)
        self._filling = False
        return self._ask(text, pair)

    async def _ask(self, text: str, pair: str) -> None:
        self._playground.write(text, pair)
        self._answer_card.classes(add="tg-busy")
        attributes(self._answer_card, aria_busy="true")
        await self._playground.ask()


def _timing_words(timing: Timing, texts: Texts) -> list[str]:
    served = [
        (texts.tokenization, timing.tokenization_ms),
        (texts.queue, timing.queue_ms),
        (texts.inference, timing.inference_ms),
    ]
    return [
        *([] if timing.num_tokens is None else [texts.tokens.format(num_tokens=timing.num_tokens)]),
        texts.round_trip.format(ms=f"{timing.round_trip_ms:.1f}"),
        *(text.format(ms=f"{ms:.1f}") for text, ms in served if ms is not None),
    ]
