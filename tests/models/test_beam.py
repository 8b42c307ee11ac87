"""Beam search against transformers' ``generate``, on tiny random networks of three families."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    T5Config,
    T5ForConditionalGeneration,
)

from triga.models.decoding.beam import BeamSettings, Text, beam_search
from triga.models.decoding.steps import EncoderDecoder

PAD, END, VOCAB_SIZE = 0, 1, 40
SPECIAL = {"pad_token_id": PAD, "eos_token_id": END, "decoder_start_token_id": PAD, "vocab_size": VOCAB_SIZE}
BART_SHAPE = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": 64,
}


def _network(family: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    match family:
        case "t5":
            config = T5Config(d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, **SPECIAL)
            module: Any = T5ForConditionalGeneration(config)
        case "bart":
            forced = {"forced_bos_token_id": 5, "forced_eos_token_id": None, "bos_token_id": 5}
            module = BartForConditionalGeneration(BartConfig(**BART_SHAPE, **SPECIAL, **forced))
        case _:
            module = MarianMTModel(MarianConfig(**BART_SHAPE, **SPECIAL, bos_token_id=5, forced_eos_token_id=None))
    for parameter in module.parameters():  # so that some tokens are likelier than others, and texts end
        parameter.data.mul_(3)
    if family == "t5":
        module.shared.weight.data[END] *= 3
    else:
        module.final_logits_bias[0, END] = 1.5
    return module.eval()


def _batch(seed: int = 0, num_rows: int = 6) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, 9, (num_rows,), generator=generator)
    mask = (torch.arange(int(lengths.max())) < lengths[:, None]).long()
    ids = torch.randint(2, VOCAB_SIZE, mask.shape, generator=generator)
    return {"input_ids": ids * mask, "attention_mask": mask}


def _ours(module: Any, batch: dict[str, Tensor], how: BeamSettings) -> list[Text]:
    first = module.generation_config.forced_bos_token_id
    with torch.inference_mode():
        return beam_search(EncoderDecoder(module), batch, how, end_ids=[END], never=[PAD], first_id=first)


@pytest.mark.parametrize("family", ["t5", "bart", "marian"])
@pytest.mark.parametrize(
    "how",
    [
        BeamSettings(1, 12),
        BeamSettings(4, 12),
        BeamSettings(4, 12, length_penalty=0.0),
        BeamSettings(3, 12, length_penalty=2.0, early_stopping=True),
        BeamSettings(2, 1),
    ],
)
def test_texts_are_those_of_generate(family: str, how: BeamSettings) -> None:
    num_ended = 0
    for seed in range(5):
        module, batch = _network(family, seed), _batch(seed)
        texts = _ours(module, batch, how)
        said = module.generate(
            **batch,
            num_beams=how.num_beams,
            max_new_tokens=how.max_new_tokens,
            length_penalty=how.length_penalty,
            early_stopping=how.early_stopping,
            bad_words_ids=[[PAD]],
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
        )
        theirs = [[token for token in row.tolist()[1:] if token not in (PAD, END)] for row in said.sequences]
        assert [text.ids for text in texts] == theirs
        if how.num_beams > 1:
            assert [text.score for text in texts] == pytest.approx(said.sequences_scores.tolist(), abs=1e-4)
        num_ended += sum(text.is_whole for text in texts)
    assert num_ended or how.max_new_tokens == 1


def test_a_text_does_not_depend_on_its_neighbours() -> None:
    module, batch = _network("t5", 3), _batch(3)
    how = BeamSettings(4, 12)
    together = _ours(module, batch, how)
    for i, text in enumerate(together):
        length = int(batch["attention_mask"][i].sum())
        alone = _ours(module, {name: value[i : i + 1, :length] for name, value in batch.items()}, how)
        assert alone[0].ids == text.ids
        assert alone[0].score == pytest.approx(text.score, abs=1e-4)


class _Chain:
    """``NextTokens`` of a given table: (V, V) log probabilities of a token after another, the first after 0."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def start(self, batch: Any) -> Tensor:
        return self.table[torch.zeros(1, dtype=torch.long)]

    def step(self, tokens: Tensor, parents: Tensor) -> Tensor:
        return self.table[tokens]


def test_more_beams_find_the_likelier_text() -> None:
    """Token 2 seems better (0.6), but what follows it (0.3) makes 3 (0.4, then 0.9) the likelier beginning."""
    table = torch.full((5, 5), 1e-9)
    table[0, 2], table[0, 3] = 0.6, 0.4
    table[2, 1], table[2, 2], table[2, 4] = 0.3, 0.4, 0.3
    table[3, 1], table[3, 4] = 0.9, 0.1
    table[4, 1] = 1.0
    chain = _Chain((table / table.sum(dim=1, keepdim=True)).log())
    how = {"max_new_tokens": 2, "length_penalty": 0.0}
    greedy, beam = (beam_search(chain, {}, BeamSettings(width, **how), end_ids=[1])[0] for width in (1, 2))
    assert greedy.ids == [2, 2]
    assert not greedy.is_whole
    assert beam.ids == [3]
    assert beam.is_whole
    assert beam.score == pytest.approx(torch.tensor(0.36).log().item(), abs=1e-4)
