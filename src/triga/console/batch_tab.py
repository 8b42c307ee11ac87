"""The tab for many lines: paste, classify, copy or download as CSV."""

from __future__ import annotations

import json
from typing import Any

from triga.console.bars import percent
from triga.console.batch import LABEL_MARK, MAX_LINES, Batch, BatchRow, as_csv
from triga.console.elements import attributes, box, push, words
from triga.console.notices import Notice
from triga.console.texts import Texts
from triga.console.try_tab import writing_field

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
        model = batch.playground.model
        with box("section", "tg-card"):
            self._field = writing_field(texts.batch_lines, texts.batch_placeholder, batch.text, rows=6)
            self._field.on_value_change(self._on_write)
            words(texts.batch_hint.format(max_lines=MAX_LINES), "p", "tg-small")
            if model and model.pairs != "never":
                words(texts.batch_hint_pairs, "p", "tg-small")
            with box("div", "tg-row"):
                self._run = push(texts.batch_run, batch.run, "tg-button")
                self._stop = push(texts.batch_stop, batch.stop, "tg-link")
                self._progress = words("", "p", "tg-small tg-grow", role="status")
            self._notice = Notice(texts)
        with box("section", "tg-card") as self._answers:
            self._build_answers(has_pairs=bool(model and model.pairs != "never"))
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
        self._table.rows = [_cells(number, row) for number, row in enumerate(batch.rows, 1)]

    def _build_answers(self, *, has_pairs: bool) -> None:
        from nicegui import ui

        texts = self._texts
        with box("div", "tg-row"):
            words(texts.result, "h2", "tg-heading tg-grow")
            push(texts.copy, self._copy, "tg-link")
            push(texts.download, self._download, "tg-link")
        columns = [
            _column("number", "#"),
            _column("text", texts.first_text if has_pairs else texts.column_text),
            *([_column("pair", texts.second_text)] if has_pairs else []),
            _column("label", texts.column_label),
            # Sorted by the number, shown as the words that Python made of it.
            {**_column("score", texts.column_score), "field": "best", ":format": "(best, row) => row.score"},
        ]
        table = ui.table(rows=[], columns=columns, row_key="number").classes("tg-table")
        table.props("flat wrap-cells virtual-scroll hide-pagination").props("virtual-scroll-sticky-size-start=48")
        self._table = attributes(table, aria_label=texts.batch_table)

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


def _cells(number: int, row: BatchRow) -> dict[str, Any]:
    scores = LABEL_MARK.join(percent(score) for score in row.scores)
    cells = {"number": number, "text": row.text, "pair": row.pair or "", "label": LABEL_MARK.join(row.labels)}
    return {**cells, "score": scores, "best": max(row.scores, default=0.0)}


def _column(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "field": name, "align": "left", "sortable": True, "classes": f"tg-{name}"}
