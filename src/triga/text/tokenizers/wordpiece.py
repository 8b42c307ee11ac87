"""Train a WordPiece tokenizer on the user's own text: one piece per Chinese character.

Source: Schuster & Nakajima, "Japanese and Korean Voice Search", 2012; the normal form is BERT's after NFKC, so that
full-width letters and digits are the same pieces as ASCII ones.

The library's trainer numbers the pieces ``##x`` in the order of a hash table that differs from process to process, and
those numbers break ties between merges: the same text gave another vocabulary each time, and a resumed run would have
read its rows by another vocabulary than it began with. So the alphabet is counted and numbered here.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer as RawTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.word_counts import WORD_END, alphabet, count_words, repeated

__all__ = ["MIN_FREQUENCY", "SPECIAL_TOKENS", "add_encoder_tokens", "train_wordpiece"]

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MIN_FREQUENCY = 2
"""A piece that is seen once teaches nothing; its characters stand in for it."""
CONTINUED = "##"


def train_wordpiece(
    texts: Iterable[str], vocab_size: int, *, lowercase: bool = True, max_text_mb: float | None = None
) -> Tokenizer:
    """At most ``vocab_size`` pieces; the same texts give the same tokenizer, byte for byte, in any process."""
    words = count_words(texts, _raw({}, lowercase), max_text_mb=max_text_mb)
    known = alphabet(words, vocab_size // 2)
    inside = {character for word in words for character in word[1:]} & set(known)
    continued = [CONTINUED + character for character in sorted(inside)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=[*SPECIAL_TOKENS, *continued],
        initial_alphabet=known,
        limit_alphabet=len(known),
        show_progress=False,
    )
    trained = RawTokenizer(models.WordPiece())
    trained.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(WORD_END)
    trained.train_from_iterator(repeated(words), trainer)
    return Tokenizer(_raw(trained.get_vocab(), lowercase))


def add_encoder_tokens(raw: RawTokenizer) -> None:
    """BERT's special tokens, which the vocabulary has already, and its templates for one text and for two."""
    raw.add_special_tokens(list(SPECIAL_TOKENS))
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, raw.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )


def _raw(vocabulary: dict[str, int], lowercase: bool) -> RawTokenizer:
    """The pipeline around a vocabulary; an empty one has yet to be trained."""
    raw = RawTokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
    raw.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(lowercase=lowercase, handle_chinese_chars=True)]
    )
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    if vocabulary:
        add_encoder_tokens(raw)
    return raw
