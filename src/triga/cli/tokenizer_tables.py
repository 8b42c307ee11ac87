"""What a tokenizer's report says, as rows of a table: one measure a row, one language or one tokenizer a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from triga.cli.speech import Speech

if TYPE_CHECKING:
    from triga.text.tokenizers.report import LanguageReport, TokenizerReport

__all__ = ["comparison", "language_rows", "whole_rows"]

Row = tuple[str, ...]


def comparison(reports: Sequence[TokenizerReport], say: Speech) -> list[Row]:
    """A column a tokenizer: what it is, then each language, then all texts together."""
    return [
        (say("kind", "类型"), *(report.kind for report in reports)),
        (say("pieces", "词元数"), *(f"{report.vocab_size:,}" for report in reports)),
        *(
            (f"{row[0]} ({name})", *row[1:])
            for name in reports[0].languages
            for row in language_rows([report.languages[name] for report in reports], say)
        ),
        *whole_rows(reports, say),
    ]


def whole_rows(reports: Sequence[TokenizerReport], say: Speech) -> list[Row]:
    return [
        (say("vocabulary used", "词表使用率"), *(f"{report.used_share or 0:.1%}" for report in reports)),
        (say("encodes MB/s", "编码 MB/秒"), *(f"{report.encode_mb_s or 0:.1f}" for report in reports)),
    ]


def language_rows(languages: Sequence[LanguageReport], say: Speech) -> list[Row]:
    """A column a report; measures that hold for none of them are left out."""
    words = ["-" if one.tokens_per_word is None else f"{one.tokens_per_word:.3f}" for one in languages]
    rows = [
        (say("characters per token", "每词元字符数"), *(f"{one.chars_per_token:.3f}" for one in languages)),
        (say("bytes per token", "每词元字节数"), *(f"{one.bytes_per_token:.3f}" for one in languages)),
        (say("tokens per word", "每词词元数"), *words),
        (say("unknown", "未知"), *(f"{one.unknown_share:.3%}" for one in languages)),
        (say("bytes", "字节词元"), *(f"{one.byte_share:.3%}" for one in languages)),
        (say("single characters", "单字符词元"), *(f"{one.single_character_share:.1%}" for one in languages)),
    ]
    return [row for row in rows if set(row[1:]) != {"-"}]
