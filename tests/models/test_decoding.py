"""Writing a token at a time: equal to transformers' ``generate`` and logits processors, whatever the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from triga.core.arrays import Encoding
from triga.models.decoding.asked import Sampling
from triga.models.decoding.loop import continued, padded_left
from triga.models.decoding.sampling import next_tokens, processed
from triga.models.decoding.writer import UNFINISHED, Writer
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer

TEXTS = ["where is my parcel?", "我的包裹到哪里了？", "it left our house on monday 🎁", "您好，请稍等。"] * 8
PROMPTS = ([1, 7, 8, 9], [1, 5], [1, 11, 12, 13, 14, 15, 9])


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(3)
    shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    special = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    module = LlamaForCausalLM(LlamaConfig(vocab_size=40, max_position_embeddings=64, **shape, **special)).eval()
    with torch.no_grad():
        module.lm_head.weight.mul_(8)  # so that likely tokens are clearly likelier
    return module


def _greedy(model: Any, prompts: Any, *, max_new_tokens: int = 12) -> list[list[int]]:
    ids, mask = padded_left(prompts, 0)
    steps = continued(
        model,
        ids,
        mask,
        lambda logits, seen: next_tokens(logits, seen, Sampling()),
        max_new_tokens=max_new_tokens,
        end_ids=[2],
        pad_id=0,
    )
    return torch.stack(list(steps), dim=1).tolist()


def test_the_likeliest_tokens_are_those_of_generate(model: Any) -> None:
    ours = _greedy(model, PROMPTS)
    for prompt, found in zip(PROMPTS, ours, strict=True):
        theirs = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)[0, len(prompt) :].tolist()
        assert found[: len(theirs)] == theirs
        assert set(found[len(theirs) :]) <= {0}


def test_neighbours_and_padding_change_nothing(model: Any) -> None:
    together = _greedy(model, PROMPTS)
    for prompt, found in zip(PROMPTS, together, strict=True):
        (alone,) = _greedy(model, [prompt])
        assert found[: len(alone)] == alone


@pytest.mark.parametrize("top_k", [0, 5])
@pytest.mark.parametrize("top_p", [1.0, 0.7])
@pytest.mark.parametrize("penalty", [1.0, 1.4])
def test_what_may_be_drawn_is_what_transformers_lets_be_drawn(top_k: int, top_p: float, penalty: float) -> None:
    logits = torch.randn(4, 30, generator=torch.Generator().manual_seed(5)) * 3
    seen = torch.randint(0, 30, (4, 6), generator=torch.Generator().manual_seed(6))
    expected = logits
    if penalty != 1:
        expected = RepetitionPenaltyLogitsProcessor(penalty)(seen, expected)
    expected = TemperatureLogitsWarper(0.8)(seen, expected)
    if top_k:
        expected = TopKLogitsWarper(top_k)(seen, expected)
    if top_p < 1:
        expected = TopPLogitsWarper(top_p)(seen, expected)
    how = Sampling(0.8, top_k, top_p, penalty)
    torch.testing.assert_close(processed(logits, seen, how), expected)
    drawn = next_tokens(logits, seen, how, torch.Generator().manual_seed(7))
    theirs = torch.multinomial(expected.softmax(-1), 1, generator=torch.Generator().manual_seed(7))[:, 0]
    assert torch.equal(drawn, theirs)


def test_a_repetition_penalty_counts_without_drawing_too() -> None:
    logits = torch.tensor([[2.0, 1.9, -1.0]])
    assert next_tokens(logits, torch.tensor([[0]]), Sampling(repetition_penalty=1.2)).tolist() == [1]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(iter(TEXTS), TokenizerSettings(kind="unigram", style="decoder", vocab_size=600))


@pytest.fixture(scope="module")
def writer(tokenizer: Tokenizer) -> Writer:
    torch.manual_seed(4)
    shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    module = LlamaForCausalLM(LlamaConfig(vocab_size=tokenizer.vocab_size, **shape)).eval()
    return Writer(module, tokenizer, 48, Sampling(temperature=1.5), max_new_tokens=24, seed=11)


def _encoding(tokenizer: Tokenizer, text: str) -> Encoding:
    return Encoding(np.array(tokenizer.raw.encode(text).ids))


def test_pieces_are_the_text_and_end_in_no_half_character(writer: Writer, tokenizer: Tokenizer) -> None:
    """At this temperature the model writes bytes of half characters, too."""
    encoding = _encoding(tokenizer, "您好")
    lengths = []
    for seed in range(60):
        pieces = list(writer.stream(encoding.input_ids.tolist(), max_new_tokens=6, seed=seed))
        assert [piece.is_last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert not any(piece.text.endswith(UNFINISHED) for piece in pieces[:-1])
        outputs = replace(writer, seed=seed, max_new_tokens=6).predict([encoding])
        whole = "".join(chr(int(code)) for code in outputs["characters"][0] if code)
        if UNFINISHED not in whole:
            assert "".join(piece.text for piece in pieces) == whole
            lengths.append(len(whole))
    assert len(lengths) > 2


def test_a_character_of_several_tokens_comes_whole(writer: Writer, tokenizer: Tokenizer) -> None:
    """🎁 is four tokens of a byte each."""
    ids = tokenizer.raw.encode("a🎁b", add_special_tokens=False).ids
    script = iter([*ids, tokenizer.document_ids[1]])

    class Scripted:
        def __call__(self, input_ids: torch.Tensor, **_: Any) -> Any:
            logits = torch.zeros(1, 1, tokenizer.vocab_size)
            logits[0, 0, next(script)] = 1
            return type("Said", (), {"logits": logits, "past_key_values": None})()

        def parameters(self) -> Any:
            return iter([torch.zeros(1)])

    scripted = Writer(Scripted(), tokenizer, 48)
    pieces = list(scripted.stream([1], max_new_tokens=20, seed=None))
    assert [piece.text for piece in pieces] == ["a", "🎁", "b", ""]
    assert pieces[-1].is_whole


def test_equal_seeds_draw_equal_texts_and_others_do_not(writer: Writer, tokenizer: Tokenizer) -> None:
    ids = _encoding(tokenizer, "where").input_ids.tolist()
    texts = ["".join(p.text for p in writer.stream(ids, max_new_tokens=16, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_no_more_is_written_than_the_model_has_places_for(writer: Writer, tokenizer: Tokenizer) -> None:
    ids = (_encoding(tokenizer, "where is my parcel?").input_ids.tolist() * 20)[:44]
    *_, last = writer.stream(ids, max_new_tokens=500, seed=1)
    assert last.num_tokens <= 4
