"""A linear-chain CRF with hand-made features (Lafferty et al., 2001), for English and Chinese alike: what taggers were
before networks, and what a network has to beat. Trained by CRFsuite (Okazaki, 2007).

Of each word (``text.words``) it sees the word, the two on either side and pairs of them, first and last letters, and
shapes. Where a script has no spaces a word is a character, so pairs of words are pairs of characters.

    Berlin   ,  1996     words
    Xxx      .  dd       shapes
    S-LOC    O  O        tags (BIOES)
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from triga.core.arrays import IntArray
from triga.core.errors import MachineError
from triga.tasks.token_classification.spans import Span
from triga.text.words import word_spans

__all__ = ["Crf", "fit_crf"]

MOST_TRAIN_WORDS = 1_000_000
"""Of more, a random sample of rows is taken: bounds time (minutes) and memory (about a kilobyte a word)."""
L1, L2 = 0.1, 0.01
"""CRFsuite's c1 and c2: of nine pairs the best over the dev rows of CoNLL-2003, MSRA and Weibo together."""
MAX_ITERATIONS = 100
"""After 60 of them MSRA is two points of F1 short."""
LONGEST_AFFIX = 4

Places = Sequence[tuple[int, int]]
"""First character and last + 1 of each word."""


@dataclass(frozen=True)
class Crf:
    """A fitted field: CRFsuite's model file as bytes, None where train had no entity and so nothing is ever found."""

    model: bytes | None
    settings: Mapping[str, Any]

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The entities of each text, in order."""
        if self.model is None:
            return [[] for _ in texts]
        import pycrfsuite

        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(self.model)
        found = []
        for text in texts:
            places = word_spans(text)
            found.append(_spans(places, tagger.tag(_features(text, places))) if places else [])
        return found


def fit_crf(texts: Sequence[str], spans: Sequence[Sequence[Span]], *, seed: int) -> Crf:
    """Fit to texts and the entities of each. Same seed, same model.

    Raises ``MachineError`` where CRFsuite is not installed.
    """
    _need_crfsuite()
    import pycrfsuite

    rows = _sample(texts, seed)
    settings = {"c1": L1, "c2": L2, "train_rows": len(rows)}
    if not any(spans[i] for i in rows):
        return Crf(None, settings)
    trainer = pycrfsuite.Trainer(
        algorithm="lbfgs", verbose=False, params={"c1": L1, "c2": L2, "max_iterations": MAX_ITERATIONS}
    )
    for i in rows:
        places = word_spans(texts[i])
        trainer.append(_features(texts[i], places), _tags(places, spans[i]))
    with tempfile.TemporaryDirectory(prefix="triga-crf-") as folder:
        path = Path(folder) / "model"
        trainer.train(str(path))
        model = path.read_bytes()
    last = trainer.logparser.last_iteration or {}  # none where all words have the same tag
    return Crf(model, {**settings, "features": last.get("active_features", 0), "iterations": last.get("num", 0)})


def _sample(texts: Sequence[str], seed: int) -> IntArray:
    """Rows that have words: all, or at random until there are enough words."""
    sizes = np.array([len(word_spans(text)) for text in texts], dtype=np.int64)
    order = np.random.default_rng(seed).permutation(np.flatnonzero(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    return np.sort(order[before < MOST_TRAIN_WORDS])


def _features(text: str, places: Places) -> list[list[str]]:
    """What holds of each word, as names."""
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair has no UTF-8, which CRFsuite wants
    forms = [text[start:end] for start, end in places]
    words = ["<", "<", *(form.lower() for form in forms), ">", ">"]
    shapes = ["<", "<", *map(_shape, forms), ">", ">"]
    touches = [False, *(before[1] == after[0] for before, after in pairwise(places)), False]
    found = []
    for i, form in enumerate(forms):
        names = ["any", f"form={form}", *_around("word", words[i : i + 5]), *_affixes(words[i + 2])]
        if set(shapes[i : i + 5]) != {"a"}:  # else they say no more than "any", and cost time in Chinese
            names += _around("shape", shapes[i : i + 5])
        if touches[i]:
            names.append("touches-1")
        if touches[i + 1]:
            names.append("touches+1")
        found.append(names)
    return found


def _around(kind: str, five: Sequence[str]) -> list[str]:
    """Of a word and two on either side, each and the pairs."""
    a, b, c, d, e = five
    return [
        f"{kind}-2={a}",
        f"{kind}-1={b}",
        f"{kind}={c}",
        f"{kind}+1={d}",
        f"{kind}+2={e}",
        f"{kind}-2-1={a} {b}",
        f"{kind}-1+0={b} {c}",
        f"{kind}+0+1={c} {d}",
        f"{kind}+1+2={d} {e}",
        f"{kind}-1+1={b} {d}",
    ]


def _affixes(word: str) -> list[str]:
    lengths = range(1, min(LONGEST_AFFIX, len(word) - 1) + 1)
    return [name for n in lengths for name in (f"first={word[:n]}", f"last={word[-n:]}")]


def _shape(form: str) -> str:
    """Kinds of its characters, of which no more than two alike stand side by side."""
    shape = ""
    for character in form:
        kind = _kind(character)
        if not shape.endswith(2 * kind):
            shape += kind
    return shape


def _kind(character: str) -> str:
    """``X`` and ``x`` for letters that know capitals, ``a`` for those that do not (Chinese), ``d`` for digits."""
    if character.isdigit():
        return "d"
    if character.isalpha():
        return "X" if character.isupper() else "x" if character.islower() else "a"
    return "."


def _tags(places: Places, spans: Sequence[Span]) -> list[str]:
    """BIOES, which is better than BIO on dev: by 0.3 points of F1 on CoNLL-2003, 1.3 on MSRA, 2.3 on Weibo."""
    tags = ["O"] * len(places)
    starts, ends = [start for start, _ in places], [end for _, end in places]
    for span in spans:
        covered = range(bisect_right(ends, span.start), bisect_left(starts, span.end))
        for i in covered:
            is_first, is_last = i == covered[0], i == covered[-1]
            prefix = ("S" if is_last else "B") if is_first else ("E" if is_last else "I")
            tags[i] = f"{prefix}-{span.label}"
    return tags


def _spans(places: Places, tags: Sequence[str]) -> list[Span]:
    """Entities of BIOES tags. A field may break the scheme: what goes on with nothing begins, what has no end ends."""
    spans: list[Span] = []
    before = "O"
    for (start, end), tag in zip(places, tags, strict=True):
        label = tag[2:]
        if tag[0] in "IE" and before[0] in "BI" and before[2:] == label:
            spans[-1] = Span(spans[-1].start, end, label)
        elif tag != "O":
            spans.append(Span(start, end, label))
        before = tag
    return spans


def _need_crfsuite() -> None:
    if find_spec("pycrfsuite") is None:
        raise MachineError(
            "crf-needs-extra",
            "the CRF baseline needs python-crfsuite, which is not installed",
            fix="pip install 'triga[train]', or set evaluate.baseline: false",
        )
