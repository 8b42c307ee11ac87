"""Train a WordPiece tokenizer on the user's own text: lower case, one piece per Chinese character.

Source: Schuster & Nakajima, "Japanese and Korean Voice Search", 2012; the normal form is BERT's uncased one after NFKC,
so that full-width letters and digits are the same pieces as ASCII ones.

The library's trainer numbers the pieces ``##x`` in the order of a hash table that differs from process to process, and
those numbers break ties between merges: the same text gave another vocabulary each time, and a resumed run would have
read its rows by another vocabulary than it began with. So the alphabet is counted and numbered here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from tokenizers import Tokenizer as RawTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from triga.text.tokenizer import Tokenizer

__all__ = ["SPECIAL_TOKENS", "train_wordpiece"]

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MIN_FREQUENCY = 2
"""A piece that is seen once teaches nothing; its characters stand in for it."""
CONTINUED = "##"
CHUNK = 1000
"""Texts, or copies of a word, that go to the library at a time."""


def train_wordpiece(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """At most ``vocab_size`` pieces; the same texts give the same tokenizer, byte for byte, in any process."""
    words = _count_words(texts)
    alphabet = _alphabet(words, vocab_size // 2)
    inside = {character for word in words for character in word[1:]} & set(alphabet)
    continued = [CONTINUED + character for character in sorted(inside)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=[*SPECIAL_TOKENS, *continued],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    trained = _raw({})
    trained.train_from_iterator(_repeated(words), trainer)
    return Tokenizer(_raw(trained.get_vocab()))


def _raw(vocabulary: dict[str, int]) -> RawTokenizer:
    """The pipeline around a vocabulary; an empty one has yet to be trained."""
    raw = RawTokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
    raw.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=True)]
    )
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    if vocabulary:
        raw.add_special_tokens(list(SPECIAL_TOKENS))
        raw.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[(token, raw.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
        )
    return raw


def _count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs, in the normal form and cut as the tokenizer cuts."""
    raw, remaining = _raw({}), iter(texts)
    spaced: Counter[str] = Counter()
    while chunk := list(islice(remaining, CHUNK)):
        spaced.update(raw.normalizer.normalize_str("\n".join(chunk)).split())
    words: Counter[str] = Counter()
    for text, count in spaced.items():
        for word, _ in raw.pre_tokenizer.pre_tokenize_str(text):
            words[word] += count
    return words


def _alphabet(words: Counter[str], size: int) -> list[str]:
    """The ``size`` most frequent characters; of equally frequent ones those with the lower code point."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    return sorted(counts, key=lambda character: (-counts[character], character))[:size]


def _repeated(words: Counter[str]) -> Iterator[str]:
    """Every word as often as it was counted: the trainer takes text, not counts."""
    for word, count in words.items():
        for start in range(0, count, CHUNK):
            yield " ".join([word] * min(CHUNK, count - start))
