"""How a writer's answer looks: what it wrote, line for line, how long it is, and whether it was cut."""

from __future__ import annotations

from typing import Any

from triga.console.elements import column, words
from triga.console.model_info import ModelInfo
from triga.console.texts import Texts
from triga.console.writer_answer import WriterAnswer

__all__ = ["WriterView", "writer_cells", "writer_columns"]


class WriterView:
    """Stands in the current container from its making on."""

    def __init__(self, texts: Texts, model: ModelInfo) -> None:
        self._texts = texts
        self._written = words("", "p", "tg-written")
        self._length = words("", "p", "tg-small")

    def show(self, answer: WriterAnswer | None) -> None:
        for part in (self._written, self._length):
            part.set_visibility(answer is not None)
        if answer is None:
            return
        self._written.set_text(answer.written or "–")
        length = self._texts.written_cut if answer.is_cut else self._texts.written_whole
        self._length.set_text(length.format(num_tokens=answer.num_tokens))

    def spoken(self, answer: WriterAnswer) -> str:
        return self._texts.announce_written.format(written=answer.written)


def writer_columns(texts: Texts) -> list[dict[str, Any]]:
    return [column("written", texts.column_written)]


def writer_cells(answer: WriterAnswer, model: ModelInfo) -> dict[str, Any]:
    return {"written": answer.written}
