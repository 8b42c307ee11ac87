"""The kinds of models that the console knows, and what each answers.

A further kind is a file beside ``class_answer`` (what comes over the wire), one beside ``class_view`` (its looks), its
words in ``texts``, and a line here and in ``views``. An answer of any kind has

    found          labels, entities … in few words, for the list of tries
    best_score     None where it has no single one
    csv_cells()    by column
    takes_pairs    whether models of its kind may take pairs of texts
    has_windows    whether they read what is beyond their length
"""

from __future__ import annotations

from typing import Literal

from triga.console.class_answer import ClassAnswer
from triga.console.reader_answer import ReaderAnswer
from triga.console.score_answer import ScoreAnswer
from triga.console.tagged_answer import TaggedAnswer
from triga.console.writer_answer import WriterAnswer

__all__ = ["ANSWERS", "Answer", "Kind"]

Kind = Literal["classifier", "token_classifier", "reader", "regressor", "writer"]
"""As ``GET /info`` names it."""
Answer = ClassAnswer | TaggedAnswer | ReaderAnswer | ScoreAnswer | WriterAnswer
ANSWERS: dict[Kind, type[Answer]] = {
    "classifier": ClassAnswer,
    "token_classifier": TaggedAnswer,
    "reader": ReaderAnswer,
    "regressor": ScoreAnswer,
    "writer": WriterAnswer,
}
