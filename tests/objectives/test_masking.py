"""What is hidden: as many as asked for, whole words, nothing special, in the shares of the recipe."""

from __future__ import annotations

import pytest
import torch
from tiny_corpus import tokenizer
from torch import Tensor

from triga.core.errors import ModelError
from triga.objectives.base import row_means
from triga.objectives.masking import Vocabulary, choose_positions, hide
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece


@pytest.fixture(scope="module")
def cut() -> Tokenizer:
    return tokenizer()


@pytest.fixture(scope="module")
def vocabulary(cut: Tokenizer) -> Vocabulary:
    return Vocabulary.of(cut, 512)


def _rows(cut: Tokenizer, texts: list[str], length: int = 40) -> tuple[Tensor, Tensor]:
    ids = torch.zeros((len(texts), length), dtype=torch.int64)
    documents = torch.full_like(ids, -1)
    for i, text in enumerate(texts):
        row = cut.raw.encode(text).ids[:length]
        ids[i, : len(row)] = torch.tensor(row)
        documents[i, : len(row)] = 0
    return ids, documents


TEXTS = [
    "the bridgekeepers of our neighbourhood, townspeople, waited for the trainload",
    "旧桥上的人在等夜里的火车" * 3,
] * 50


def test_as_many_are_hidden_as_asked_for_and_none_that_is_special(cut: Tokenizer, vocabulary: Vocabulary) -> None:
    torch.manual_seed(0)
    ids, documents = _rows(cut, TEXTS)
    positions = choose_positions(ids, documents, vocabulary, 6)
    assert positions.shape == (100, 6)
    assert bool((positions.diff(dim=1) > 0).all())
    assert not bool(vocabulary.special[ids.gather(1, positions)].any())
    assert bool((documents.gather(1, positions) >= 0).all())


def test_where_a_row_is_too_short_special_ones_fill_up_and_stay_as_they_are(
    cut: Tokenizer, vocabulary: Vocabulary
) -> None:
    ids, documents = _rows(cut, ["boat"])
    positions = choose_positions(ids, documents, vocabulary, 12)
    chosen = ids.gather(1, positions)
    real = int((~vocabulary.special[chosen]).sum())
    assert real == int((~vocabulary.special[ids]).sum()) < 12
    hidden = hide(ids, positions, vocabulary, 0.0, 0.0)
    assert int((hidden == vocabulary.mask_id).sum()) == real


def test_a_word_is_hidden_whole_but_for_one_at_the_end_of_the_quota(cut: Tokenizer, vocabulary: Vocabulary) -> None:
    torch.manual_seed(0)
    ids, documents = _rows(cut, TEXTS[::2])
    continues = vocabulary.continues[ids]
    assert int(continues[0].sum()) >= 3  # the text has words of several pieces, or this tests nothing
    hidden = torch.zeros_like(ids, dtype=torch.bool).scatter(1, choose_positions(ids, documents, vocabulary, 8), True)
    torn = continues[:, 1:] & (hidden[:, 1:] != hidden[:, :-1])
    assert int(torn.sum(dim=1).max()) <= 1
    alone = torch.zeros_like(hidden).scatter(
        1, choose_positions(ids, documents, vocabulary, 8, whole_words=False), True
    )
    assert int((continues[:, 1:] & (alone[:, 1:] != alone[:, :-1])).sum()) > 3 * int(torn.sum())


def test_neighbouring_chinese_characters_are_hidden_together_more_often_than_by_chance(
    cut: Tokenizer, vocabulary: Vocabulary
) -> None:
    torch.manual_seed(0)
    ids, documents = _rows(cut, TEXTS[1::2])

    def pairs(whole_words: bool) -> int:
        positions = choose_positions(ids, documents, vocabulary, 8, whole_words=whole_words)
        return int((positions.diff(dim=1) == 1).sum())

    assert pairs(True) > 1.3 * pairs(False)


def test_the_shares_that_stay_and_that_are_swapped(cut: Tokenizer, vocabulary: Vocabulary) -> None:
    torch.manual_seed(0)
    ids, documents = (value.repeat(20, 1) for value in _rows(cut, TEXTS))
    positions = choose_positions(ids, documents, vocabulary, 8)
    before, after = ids.gather(1, positions), hide(ids, positions, vocabulary, 0.1, 0.1).gather(1, positions)
    masked, same = (after == vocabulary.mask_id).float().mean(), (after == before).float().mean()
    assert float(masked) == pytest.approx(0.8, abs=0.02)
    assert float(same) == pytest.approx(0.1, abs=0.02)
    assert not bool(vocabulary.special[after[after != vocabulary.mask_id]].any())
    untouched = torch.ones_like(ids, dtype=torch.bool).scatter(1, positions, False)
    assert torch.equal(hide(ids, positions, vocabulary, 0.1, 0.1)[untouched], ids[untouched])


def test_wordpieces_marks_tell_what_continues_a_word() -> None:
    cut = train_wordpiece(["unbelievable unbelievably unbelieving believers"] * 3, 60)
    vocabulary = Vocabulary.of(cut, 64)
    names = {number: piece for piece, number in cut.raw.get_vocab().items()}
    for number, piece in names.items():
        assert bool(vocabulary.continues[number]) == piece.startswith("##")


def test_a_decoders_tokenizer_cannot_be_masked() -> None:
    with pytest.raises(ModelError) as caught:
        Vocabulary.of(tokenizer("decoder"), 512)
    assert caught.value.code == "tokenizer-without-mask"


def test_the_mean_of_a_row_does_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(0)
    losses, counted = torch.rand(6, 9), torch.rand(6, 9) < 0.4
    counted[2] = False
    whole = row_means(losses, counted)
    parts = sum(row_means(losses[i : i + 2], counted[i : i + 2]) for i in range(0, 6, 2))
    by_hand = sum(float(losses[i][counted[i]].mean()) for i in range(6) if bool(counted[i].any()))
    assert float(whole) == pytest.approx(float(parts), rel=1e-6)
    assert float(whole) == pytest.approx(by_hand, rel=1e-6)
