"""Token ids of running text, faster than the library: words repeat, so each is encoded once and looked up then.

It gives exactly the library's ids, because it is used only where a text's ids are those of its words one after another:

* with BERT's normalizer and pre-tokenizer nothing crosses a space, and Chinese characters stand alone;
* with triga's own encoders (``training``: Unigram or BPE, Chinese by characters) the same holds of the text in its
  normal form, so the library normalizes and the words are looked up then.

With any other pipeline the library encodes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models

from triga.text.tokenizers.training import TokenizerSettings, pipeline_around

__all__ = ["WordCache"]

MAX_WORDS = 1 << 20
"""Beyond so many different words the cache begins anew."""
BATCH_TEXTS = 64
# Where a text may be divided: at spaces, as BERT's normalizer takes them after NFKC (controls are no spaces: it deletes
# them, and what they divide is one word), and around Chinese characters and punctuation, which its pre-tokenizer takes
# alone; but not around < = >, which compose with the bar that may follow (U+0338).
_SPACE = "\t\n\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_MARKS = "!-/:;?-@\\[-`{-~\u2010-\u2027\u3001-\u3003\u3008-\u3011\uff01-\uff0f\uff1a\uff1b\uff1f"
_WORDS = re.compile(f"[{_HAN}{_MARKS}]|[^{_SPACE}{_HAN}{_MARKS}]+")
# In the normal form of triga's encoders spaces are single, and each begins the piece that follows it.
_PIECES = re.compile(f"[{_HAN}]| ?[^ {_HAN}]+| ")
_CLIPPED = re.compile(f"['’](?:s|t|re|ve|m|ll|d)[{_HAN}]", re.IGNORECASE)
"""A letter after it decides whether this is a clipped word, and a Chinese character is one: not to be divided."""


class WordCache:
    """Encodes texts without special tokens. Not for several threads at once."""

    def __init__(self, raw: RawTokenizer) -> None:
        self._raw = raw
        self._normal: RawTokenizer | None = None
        """Encodes text that is in its normal form already; None where words are divided before."""
        if is_own_encoder(raw):
            self._normal = RawTokenizer.from_str(json.dumps({**json.loads(raw.to_str()), "normalizer": None}))
        self._divides = self._normal is not None or divides_at_spaces(raw)
        self._special = [token["content"] for token in json.loads(raw.to_str())["added_tokens"]]
        self._words: dict[str, list[int]] = {}

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        """(T,) ids of each text."""
        found = []
        for start in range(0, len(texts), BATCH_TEXTS):
            found += self._encode(texts[start : start + BATCH_TEXTS])
        return found

    def _encode(self, texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        if not self._divides:
            return [np.array(ids, dtype=np.uint32) for ids in self._library(texts)]
        divided = [self._divide(text) for text in texts]
        self._learn(set(chain.from_iterable(filter(None, divided))))
        look_up = self._words.__getitem__
        return [
            np.array(self._library([text])[0], dtype=np.uint32)
            if words is None
            else np.fromiter(chain.from_iterable(map(look_up, words)), dtype=np.uint32)
            for text, words in zip(texts, divided, strict=True)
        ]

    def _divide(self, text: str) -> list[str] | None:
        """The words of a text; None for one that the library must encode whole."""
        if any(token in text for token in self._special):  # a text that says "[MASK]" holds that token
            return None
        if self._normal is None:
            return _WORDS.findall(text)
        text = self._raw.normalizer.normalize_str(text)
        if _CLIPPED.search(text) or any(token in text for token in self._special):
            return None
        return _PIECES.findall(text)

    def _learn(self, words: set[str]) -> None:
        if len(self._words) + len(words) > MAX_WORDS:
            self._words.clear()
        new = [word for word in words if word not in self._words]
        encoder = self._normal or self._raw
        encoded = encoder.encode_batch_fast(new, add_special_tokens=False)
        self._words.update(zip(new, (encoding.ids for encoding in encoded), strict=True))

    def _library(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._raw.encode_batch_fast(list(texts), add_special_tokens=False)]


def is_own_encoder(raw: RawTokenizer) -> bool:
    """Whether normalizer and pre-tokenizer are those of ``training`` for an encoder with Chinese by characters."""
    pipeline = json.loads(raw.to_str())
    if not all(token["special"] for token in pipeline["added_tokens"]):
        return False
    return any(
        all(pipeline[part] == made[part] for part in ("normalizer", "pre_tokenizer")) for made in _own_pipelines()
    )


def _own_pipelines() -> list[dict[str, Any]]:
    settings = (TokenizerSettings(lowercase=lowercase) for lowercase in (True, False))
    return [json.loads(pipeline_around(models.BPE(), one).to_str()) for one in settings]


def divides_at_spaces(raw: RawTokenizer) -> bool:
    """Whether the ids of a text are those of its words, marks and Chinese characters, one after the other."""
    pipeline = json.loads(raw.to_str())
    normalizer = pipeline["normalizer"] or {}
    *before, last = normalizer["normalizers"] if normalizer.get("type") == "Sequence" else [normalizer]
    return (
        pipeline["pre_tokenizer"] == {"type": "BertPreTokenizer"}
        and all(token["special"] for token in pipeline["added_tokens"])
        and all(step["type"] == "NFKC" for step in before)
        and last.get("type") == "BertNormalizer"
        and all(last[name] for name in ("clean_text", "handle_chinese_chars", "lowercase"))
        and last["strip_accents"] is not False
    )
