"""Give an existing tokenizer the words of a domain, so that each is one piece, and change nothing else.

A text in which none of the new words occurs (not even inside a longer word) keeps its token ids. What that takes
depends on the kind, and the usual way, a list of added tokens, keeps it only for some:

=========  ==================================  ========================================================================
kind       a word without Chinese characters   a Chinese word
=========  ==================================  ========================================================================
WordPiece  into the vocabulary                 an added token: the pre-tokenizer cuts at each character
BPE        into the vocabulary, found before   an added token: merges that build it would need parts in between, and
           any merge (``ignore_merges``)       those would change other texts
Unigram    into the vocabulary, with a score   the same; an added token where the pre-tokenizer cuts at each character
           that its old pieces cannot beat
=========  ==================================  ========================================================================

An added token is cut out before words are looked for. For Chinese that is harmless, because nothing marks where a word
begins. For the others it is not: ``refund`` inside ``refundable`` would be torn out, and a leading space be lost or
doubled where it belongs to the piece. Whatever way a word takes, it is tried out in a sentence before it is accepted.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from tokenizers import AddedToken, Regex, normalizers, pre_tokenizers
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models as raw_models

from triga.core.errors import ModelError
from triga.text.normalize import HAN
from triga.text.tokenizers.report import BYTE_PIECE, model_of, unknown_id
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.word_counts import chinese_segmenter, count_words

__all__ = ["extend", "find_domain_words"]

MIN_COUNT = 5
"""A rarer word teaches its new row of the embeddings little."""
MIN_CHARS, MIN_LATIN_CHARS = 2, 3
"""Shorter ones are the *th* of 12th, abbreviations and single characters."""
MARGIN = 0.1
"""Log probability by which a new Unigram piece beats its old pieces at least."""
WORD = r"\p{Han}+|[[\p{L}&&[^\p{Han}]]\p{M}]+"
_HAN = re.compile(f"[{HAN}]")


def extend(tokenizer: Tokenizer, new_words: Sequence[str]) -> Tokenizer:
    """A tokenizer with the same ids and more of them, in the order of ``new_words``.

    A word that is one piece already takes none. Where the start of a text and the middle of a sentence have different
    pieces (``refund``, ``Ġrefund``), it takes two. Raises ``ModelError`` for a word that cannot become one piece.
    """
    old = _Old(tokenizer.raw)
    forms = {word: old.vocabulary_forms(word) for word in dict.fromkeys(new_words)}
    inserted = dict.fromkeys(form for found in forms.values() for form in found if form not in old.vocabulary)
    raw = RawTokenizer.from_str(json.dumps(_with_pieces(old, list(inserted))))
    for word, found in forms.items():
        if not found and old.num_pieces(word) > 1:
            found.append(word)
            raw.add_tokens([AddedToken(word, normalized=True, single_word=not _HAN.search(word))])
    for word, found in forms.items():
        _try_out(word, found, old, raw)
    return Tokenizer(raw, uses_token_types=tokenizer.uses_token_types)


def find_domain_words(tokenizer: Tokenizer, texts: Iterable[str], max_words: int) -> list[str]:
    """Frequent words that the tokenizer splits or does not know, those first that would save most pieces.

    Chinese words are jieba's. Where the tokenizer cuts at each character, two pieces are no sign of a domain, and only
    words of three characters count. Raises ``MachineError`` where rjieba is not installed.
    """
    old = _Old(tokenizer.raw)
    cutter = RawTokenizer(raw_models.WordLevel({}, unk_token=""))
    folds_case = "a" in old.normalized("A")
    cutter.normalizer = normalizers.Sequence([normalizers.NFKC(), *([normalizers.Lowercase()] if folds_case else [])])
    cutter.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    counts = count_words(texts, cutter, segment=chinese_segmenter())
    saved: dict[str, int] = {}
    for word, count in counts.items():
        is_chinese = _HAN.search(word) is not None
        if count >= MIN_COUNT and len(word) >= (MIN_CHARS if is_chinese else MIN_LATIN_CHARS):
            num_pieces = old.num_pieces(word)
            if num_pieces >= (3 if is_chinese and old.cuts_characters else 2):
                saved[word] = count * (num_pieces - 1)
    return sorted(saved, key=lambda word: (-saved[word], word))[:max_words]


class _Old:
    """What has to be known of the tokenizer that is extended."""

    def __init__(self, raw: RawTokenizer) -> None:
        self.raw = raw
        self.model = model_of(raw)
        self.kind: str = self.model["type"]
        self.vocabulary: dict[str, int] = raw.get_vocab(with_added_tokens=False)
        self.cuts_characters = len(self.words("我们")) > 1
        self.added = {token.content: i for i, token in raw.get_added_tokens_decoder().items()}

    def normalized(self, text: str) -> str:
        return str(self.raw.normalizer.normalize_str(text)) if self.raw.normalizer is not None else text

    def words(self, text: str) -> list[str]:
        """The text as the pre-tokenizer hands it to the model."""
        text = self.normalized(text)
        return [word for word, _ in self.raw.pre_tokenizer.pre_tokenize_str(text)] if self.raw.pre_tokenizer else [text]

    def vocabulary_forms(self, word: str) -> list[str]:
        """The word as a piece of the vocabulary, in a sentence and at the start of a text; none where that fails."""
        if _HAN.search(word):
            is_whole = self.kind == "Unigram" and len(self.words(f"a{word}")) <= 2 and not self.cuts_characters
            return [self.normalized(word).strip(" ▁")] if is_whole else []
        first, later = self.words(word), self.words(f"a {word}")
        if len(first) != 1 or len(later) != 2 or (self.kind == "BPE" and not self._may_ignore_merges):
            return []
        return list(dict.fromkeys([later[1], first[0]])) if self.kind in ("WordPiece", "BPE", "Unigram") else []

    def num_pieces(self, word: str) -> int:
        """In the middle of a sentence. An unknown piece counts twice: it is one, and says nothing."""
        found, before = (_ids(self.raw, word), 0) if _HAN.search(word) else (_ids(self.raw, f"a {word}"), self._before)
        return len(found) - before + (found.count(self._unknown) if self._unknown is not None else 0)

    @cached_property
    def _before(self) -> int:
        return len(_ids(self.raw, "a"))

    @cached_property
    def _unknown(self) -> int | None:
        return unknown_id(self.raw)

    @cached_property
    def _may_ignore_merges(self) -> bool:
        """Whether merges alone find each piece, so that looking words up first changes none."""
        if self.model.get("ignore_merges"):
            return True
        pieces = (piece for piece in self.vocabulary if piece not in self.added and not BYTE_PIECE.fullmatch(piece))
        return all(len(self.raw.model.tokenize(piece)) == 1 for piece in pieces)


def _with_pieces(old: _Old, pieces: list[str]) -> dict[str, Any]:
    """``tokenizer.json`` with pieces behind all ids there are; added tokens in between enter the vocabulary as well."""
    spec: dict[str, Any] = json.loads(old.raw.to_str())
    if not pieces:
        return spec
    size = len(old.vocabulary)
    between = [token for token, i in sorted(old.added.items(), key=lambda item: item[1]) if i >= size]
    model: dict[str, Any] = {**old.model, "vocab": {**old.vocabulary}}
    for piece in [*between, *pieces]:
        model["vocab"][piece] = len(model["vocab"])
    if old.kind == "BPE":
        model["ignore_merges"] = True
    if old.kind == "Unigram":
        model["vocab"] = [*old.model["vocab"], *_scored(between, pieces, old)]
    return {**spec, "model": model}


def _scored(between: list[str], pieces: list[str], old: _Old) -> list[tuple[str, float]]:
    """A new piece is as likely as the median one, or a little more than its old pieces are together.

    It can be chosen only where it stands, so a high score changes no other text.
    """
    scores = {piece: float(score) for piece, score in old.model["vocab"]}
    lowest, median = min(scores.values()), statistics.median(scores.values())
    instead = [sum(scores.get(token.value, lowest) for token in old.raw.model.tokenize(piece)) for piece in pieces]
    scored = [(piece, max(median, score + MARGIN)) for piece, score in zip(pieces, instead, strict=True)]
    return [*((token, lowest) for token in between), *scored]


def _try_out(word: str, pieces: list[str], old: _Old, new: RawTokenizer) -> None:
    """Raise ``ModelError`` where none of its pieces is found in a sentence, or it is not decoded as before."""
    sentence, space = (word, "") if _HAN.search(word) else (f"a {word} a", " ")
    ids = _ids(new, sentence)
    told = new.decode(ids).replace(" ", space).strip()
    expected = (old.raw.decode(_ids(old.raw, sentence)), old.normalized(sentence))
    is_found = not pieces or not set(ids).isdisjoint(new.token_to_id(piece) for piece in pieces)
    if not is_found or told not in (text.replace(" ", space).strip() for text in expected):
        raise ModelError(
            "word-not-one-piece",
            "'{word}' cannot be one piece of this tokenizer",
            fix="leave it out, or give its parts without spaces, digits and punctuation",
            word=word,
        )


def _ids(raw: RawTokenizer, text: str) -> list[int]:
    return list(raw.encode(text, add_special_tokens=False).ids)
