"""The tab for many lines: paste, ask, copy or download as CSV."""

from __future__ import annotations

import json
from typing import Any

from triga.console.batch import MAX_LINES, Batch, BatchRow, as_csv
from triga.console.elements import attributes, box, column, push, words
from triga.console.model_info import ModelInfo
from triga.console.notices import Notice
from triga.console.texts import Texts
from triga.console.try_tab import writing_field
from triga.console.views import LOOKS

__all__ = ["BatchTab"]

COPY_TIMEOUT_S = 5.0
FILE_NAME = "predictions.csv"
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads a CSV file's Chinese as another encoding."""


class BatchTab:
    """Stands in the current container. ``refresh`` shows the batch as it is now."""

    def __init__(self, batch: Batch, texts: Texts) -> None:
        self._batch = batch
        self._texts = texts
        self._model = model = batch.playground.model
        with box("section", "tg-card"):
            self._field = writing_field(texts.batch_lines, texts.batch_placeholder, batch.text, rows=6)
            self._field.on_value_change(self._on_write)
            words(texts.batch_hint.format(max_lines=MAX_LINES), "p", "tg-small")
            if model and model.pairs != "never":
                words((texts.kinds[model.kind].words or texts.pair_words).hint, "p", "tg-small")
            with box("div", "tg-row"):
                self._run = push(texts.batch_run, batch.run, "tg-button")
                self._stop = push(texts.batch_stop, batch.stop, "tg-link")
                self._progress = words("", "p", "tg-small tg-grow", role="status")
            self._notice = Notice(texts)
        with box("section", "tg-card") as self._answers:
            self._build_answers(model)
        self.refresh()

    def refresh(self) -> None:
        batch, texts = self._batch, self._texts
        self._notice.show(batch.trouble)
        attributes(self._run, disabled=True if batch.running or not batch.text.strip() else None)
        self._stop.set_visibility(batch.running)
        done = len(batch.rows)
        progress = texts.batch_progress.format(done=done, total=batch.num_questions)
        finished = texts.batch_done.format(done=done) if done else ""
        self._progress.set_text(progress if batch.num_questions > done else finished)
        self._answers.set_visibility(bool(batch.rows))
        self._table.rows = [self._cells(number, row) for number, row in enumerate(batch.rows, 1)]

    def _build_answers(self, model: ModelInfo | None) -> None:
        from nicegui import ui

        texts = self._texts
        with box("div", "tg-row"):
            words(texts.result, "h2", "tg-heading tg-grow")
            push(texts.copy, self._copy, "tg-link")
            push(texts.download, self._download, "tg-link")
        table = ui.table(rows=[], columns=_columns(texts, model), row_key="number").classes("tg-table")
        table.props("flat wrap-cells virtual-scroll hide-pagination").props("virtual-scroll-sticky-size-start=48")
        self._table = attributes(table, aria_label=texts.batch_table)
        for name, template in (LOOKS[model.kind].slots if model else {}).items():
            table.add_slot(f"body-cell-{name}", template)

    def _cells(self, number: int, row: BatchRow) -> dict[str, Any]:
        assert self._model is not None  # it gave the answer
        cells = LOOKS[self._model.kind].cells(row.answer, self._model)
        return {"number": number, "text": row.text, "pair": row.pair or "", **cells}

    def _on_write(self) -> None:
        self._batch.text = self._field.value or ""
        attributes(self._run, disabled=True if self._batch.running or not self._batch.text.strip() else None)

    async def _copy(self) -> None:
        from nicegui import ui

        text = json.dumps(as_csv(self._batch.rows))  # a JSON string is a JavaScript string
        script = f"navigator.clipboard.writeText({text}).then(() => true, () => false)"
        try:
            copied = await ui.run_javascript(script, timeout=COPY_TIMEOUT_S)
        except TimeoutError:  # the browser still waits for its reader to allow it
            copied = False
        ui.notify(self._texts.copied if copied else self._texts.copy_failed)

    def _download(self) -> None:
        from nicegui import ui

        ui.download.content((BYTE_ORDER_MARK + as_csv(self._batch.rows)).encode(), FILE_NAME, "text/csv")


def _columns(texts: Texts, model: ModelInfo | None) -> list[dict[str, Any]]:
    has_pairs = model is not None and model.pairs != "never"
    said = (model and texts.kinds[model.kind].words) or texts.pair_words
    return [
        column("number", "#"),
        column("text", said.first if has_pairs else texts.column_text),
        *([column("pair", said.second)] if has_pairs else []),
        *(LOOKS[model.kind].columns(texts) if model else []),
    ]
