"""Which tokens are hidden: a fixed number a row, whole words together.

A fixed number keeps shapes fixed (nothing to compile again, no step with more targets than another). A word is the
piece that begins it and those that continue it. Chinese pieces do not tell where a word begins, so neighbouring
characters are hidden together at random, in runs as long as Chinese words are on average: n-gram masking as in Levine
et al., 2021 (arXiv:2010.01825), without a segmenter at training time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from triga.core.errors import ModelError
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["Vocabulary", "choose_positions", "hide"]

HAN_JOIN = 0.45
"""Chance that a Chinese character goes with the one before it: runs of 1.8 characters, a word's mean length."""


@dataclass(frozen=True)
class Vocabulary:
    """What masking must know of each of the V pieces; tensors on the CPU, moved once by ``to``."""

    special: Tensor
    """(V,) never hidden and never put in another's place."""
    continues: Tensor
    """(V,) pieces that go on with the word before them."""
    han: Tensor
    """(V,) pieces that begin with a Chinese character."""
    ordinary: Tensor
    """Ids that may stand in for another."""
    mask_id: int

    @classmethod
    def of(cls, tokenizer: Tokenizer, size: int) -> Vocabulary:
        """``size`` is the model's vocabulary, which may be padded beyond the tokenizer's."""
        if tokenizer.mask_id is None:
            raise ModelError(
                "tokenizer-without-mask",
                "the tokenizer has no [MASK], so no word can be hidden",
                fix="choose pretrain.objective: {kind: clm}, or train an encoder's tokenizer: style: encoder",
            )
        special = torch.ones(size, dtype=torch.bool)
        continues, han = torch.zeros_like(special), torch.zeros_like(special)
        names, marks_starts = tokenizer.special_names, tokenizer.marks_word_starts
        for piece, number in tokenizer.raw.get_vocab(with_added_tokens=True).items():
            special[number] = piece in names
            han[number] = _is_han(piece[0])
            continues[number] = _continues(piece, marks_starts)
        return cls(special, continues, han, (~special).nonzero()[:, 0], tokenizer.mask_id)

    def to(self, device: torch.device) -> Vocabulary:
        if self.special.device == device:
            return self
        return Vocabulary(
            self.special.to(device),
            self.continues.to(device),
            self.han.to(device),
            self.ordinary.to(device),
            self.mask_id,
        )


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def _continues(piece: str, marks_starts: bool) -> bool:
    """WordPiece marks what continues (``##ing``); BPE and Unigram what begins (`` the``, ``▁the``)."""
    if piece.startswith("##"):
        return len(piece) > 2
    return marks_starts and piece[0].isalnum() and not _is_han(piece[0])


def choose_positions(
    input_ids: Tensor, documents: Tensor, vocabulary: Vocabulary, num: int, *, whole_words: bool = True
) -> Tensor:
    """(B, num) rising positions to hide, of (B, T) ids. Where a row has fewer to hide, special ones fill up."""
    forbidden = vocabulary.special[input_ids] | (documents < 0)
    scores = torch.rand(input_ids.shape, device=input_ids.device)
    if whole_words:
        scores = scores.gather(1, _units(input_ids, forbidden, vocabulary))
    order = scores.masked_fill(forbidden, 2.0).argsort(dim=1, stable=True)[:, :num]
    return order.sort(dim=1).values


def _units(input_ids: Tensor, forbidden: Tensor, vocabulary: Vocabulary) -> Tensor:
    """(B, T) number of the word of each token, from 0."""
    han = vocabulary.han[input_ids]
    joined = torch.rand(input_ids.shape, device=input_ids.device) < HAN_JOIN
    joined[:, 1:] &= han[:, 1:] & han[:, :-1]
    goes_on = (vocabulary.continues[input_ids] | joined) & ~forbidden
    goes_on[:, 1:] &= ~forbidden[:, :-1]
    goes_on[:, 0] = False
    return (~goes_on).cumsum(dim=1) - 1


def hide(input_ids: Tensor, positions: Tensor, vocabulary: Vocabulary, keep: float, swap: float) -> Tensor:
    """(B, T) ids with those at ``positions`` (B, K) masked, but for a share kept and a share of random pieces."""
    chosen = input_ids.gather(1, positions)
    shares = torch.rand(positions.shape, device=positions.device)
    drawn = torch.randint(len(vocabulary.ordinary), positions.shape, device=positions.device)
    hidden = torch.full_like(chosen, vocabulary.mask_id)
    hidden = torch.where(shares < swap, vocabulary.ordinary[drawn], hidden)
    hidden = torch.where(shares >= 1 - keep, chosen, hidden)
    return input_ids.scatter(1, positions, torch.where(vocabulary.special[chosen], chosen, hidden))
