"""Train a WordPiece tokenizer on the user's own text: lower case, one piece per Chinese character.

Source: Schuster & Nakajima, "Japanese and Korean Voice Search", 2012; the normal form is BERT's uncased one after NFKC,
so that full-width letters and digits are the same pieces as ASCII ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer as RawTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from triga.text.tokenizer import Tokenizer

__all__ = ["SPECIAL_TOKENS", "train_wordpiece"]

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MIN_FREQUENCY = 2
"""A piece that is seen once teaches nothing; its characters stand in for it."""


def train_wordpiece(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """At most ``vocab_size`` pieces; the same texts in the same order give the same tokenizer."""
    raw = RawTokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106 - not a password
    raw.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=True)]
    )
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=list(SPECIAL_TOKENS),
        limit_alphabet=vocab_size // 2,
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, raw.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return Tokenizer(raw)
