"""A ``Predictor`` that writes: what an encoder has read, to texts by beam search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from triga.core.arrays import Encoding, Outputs, as_characters
from triga.models.decoding.beam import BeamSettings, Text, beam_search
from triga.models.decoding.steps import EncoderDecoder
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["BeamWriter"]


@dataclass(frozen=True)
class BeamWriter:
    """Over an encoder-decoder of transformers on its device, in float32."""

    module: Any
    tokenizer: Tokenizer
    collate: Callable[[Sequence[Encoding]], dict[str, Tensor]]
    how: BeamSettings

    tokens_per_call = 1024
    """See ``predict_all``: the steps of a text are as many however few rows are written."""

    @property
    def device(self) -> torch.device:
        device: torch.device = next(self.module.parameters()).device
        return device

    def predict(self, encodings: Sequence[Encoding]) -> Outputs:
        """``characters`` (B, L), code points of the texts, filled up with zeros; ``ends`` (B, 2), the number of tokens,
        and 1 where the model ended the text itself; ``text_scores`` (B,), log probabilities a token."""
        texts = self.write(encodings)
        written = [self.tokenizer.raw.decode(text.ids, skip_special_tokens=True).strip() for text in texts]
        return {
            "characters": as_characters(written),
            "ends": np.array([[len(text.ids) + text.is_whole, text.is_whole] for text in texts], dtype=np.int64),
            "text_scores": np.array([text.score for text in texts]),
        }

    def write(self, encodings: Sequence[Encoding]) -> list[Text]:
        batch = {name: value.to(self.device) for name, value in self.collate(encodings).items()}
        settings, pad_id = self.module.generation_config, self.tokenizer.pad_id
        ends = settings.eos_token_id if settings.eos_token_id is not None else self.tokenizer.document_ids[1]
        end_ids = [ends] if isinstance(ends, int) else list(ends)
        with torch.inference_mode():
            return beam_search(
                EncoderDecoder(self.module.eval()),
                batch,
                self.how,
                end_ids=end_ids,
                never=[pad_id] if pad_id not in end_ids else [],
                first_id=settings.forced_bos_token_id,
            )
