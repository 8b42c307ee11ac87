"""A ``Predictor`` that writes: prompts to texts, whole or piece by piece as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from triga.core.arrays import Encoding, Outputs
from triga.models.decoding.asked import Piece, Sampling
from triga.models.decoding.loop import continued, padded_left
from triga.models.decoding.sampling import next_tokens
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["Writer"]

LIKELIEST = Sampling()
UNFINISHED = "\ufffd"
"""What bytes decode to that are no whole character yet."""


@dataclass(frozen=True)
class Writer:
    """Over a causal module of transformers on its device. What it is asked ends where an answer begins."""

    module: Any
    tokenizer: Tokenizer
    max_positions: int
    sampling: Sampling = LIKELIEST
    max_new_tokens: int = 128
    seed: int | None = None
    end_ids: Sequence[int] = field(default=())
    """Tokens that end an answer; where absent, those of ``end_ids_of``."""

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        """``characters`` (B, L), code points of the texts, filled up with zeros; ``ends`` (B, 2), the number of tokens
        and 1 where the model ended the text itself."""
        rows = [encoding.input_ids.tolist() for encoding in encodings]
        ends = self._ends
        written: list[list[int]] = [[] for _ in rows]
        for chosen in self._tokens(rows, self.sampling, self._room(rows, self.max_new_tokens), self.seed):
            for row, token in zip(written, chosen.tolist(), strict=True):
                if not row or row[-1] not in ends:
                    row.append(token)
        texts = [self._text([token for token in row if token not in ends]) for row in written]
        characters = np.zeros((len(rows), max(1, *map(len, texts))), dtype=np.float64)
        for line, text in zip(characters, texts, strict=True):
            line[: len(text)] = list(map(ord, text))
        return {
            "characters": characters,
            "ends": np.array([[len(row), bool(row) and row[-1] in ends] for row in written], dtype=np.float64),
        }

    def stream(
        self, ids: Sequence[int], *, sampling: Sampling | None = None, max_new_tokens: int, seed: int | None
    ) -> Iterator[Piece]:
        """The answer to one prompt in pieces of whole characters. Joined they are what ``predict`` gives, but where the
        model writes bytes that are no characters: what was shown before them stays."""
        written: list[int] = []
        shown, is_whole = "", False
        for chosen in self._tokens([list(ids)], sampling or self.sampling, self._room([ids], max_new_tokens), seed):
            token = int(chosen[0])
            if token in self._ends:
                is_whole = True
                break
            written.append(token)
            text = self._text(written)
            if len(text) > len(shown) and not text.endswith(UNFINISHED):
                yield Piece(text[len(shown) :], len(written))
                shown = text
        yield Piece(self._text(written)[len(shown) :], len(written), is_last=True, is_whole=is_whole)

    def _tokens(
        self, rows: Sequence[Sequence[int]], sampling: Sampling, max_new_tokens: int, seed: int | None
    ) -> Iterator[Tensor]:
        device = next(self.module.parameters()).device
        ids, mask = padded_left(rows, self.tokenizer.pad_id)
        generator = None
        if sampling.temperature > 0:
            generator = torch.Generator(device)
            if seed is None:
                generator.seed()
            else:
                generator.manual_seed(seed)

        def choose(logits: Tensor, seen: Tensor) -> Tensor:
            return next_tokens(logits, seen, sampling, generator)

        return continued(
            self.module,
            ids.to(device),
            mask.to(device),
            choose,
            max_new_tokens=max_new_tokens,
            end_ids=self._ends,
            pad_id=self.tokenizer.pad_id,
        )

    def _room(self, rows: Sequence[Sequence[int]], wanted: int) -> int:
        return max(min(wanted, self.max_positions - max(map(len, rows))), 1)

    @property
    def _ends(self) -> Sequence[int]:
        return self.end_ids or end_ids_of(self.tokenizer)

    def _text(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.raw.decode(list(ids), skip_special_tokens=True)) if ids else ""


def end_ids_of(tokenizer: Tokenizer) -> list[int]:
    """What ends a document, and what ends a turn where the tokenizer has such a token."""
    names = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>")
    found = [tokenizer.raw.token_to_id(name) for name in names]
    return [tokenizer.document_ids[1], *(number for number in found if number is not None)]
