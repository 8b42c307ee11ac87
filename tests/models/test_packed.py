"""Packed rows: each document as if it stood alone, in the fast encoder and decoder, against transformers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, ModernBertConfig, ModernBertModel

from triga.models import attention, fast, fast_decoder

TOLERANCE = 1e-5
LENGTHS = (9, 1, 20, 2)
"""Documents of a row; the window of the encoder reaches 3 tokens to each side."""


def _encoder(**changes: Any) -> Any:
    torch.manual_seed(0)
    shape = {
        "vocab_size": 60,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "local_attention": 6,
        "initializer_range": 0.4,
        "pad_token_id": 0,
    }
    return ModernBertModel(ModernBertConfig(**{**shape, **changes})).eval()


def _decoder(**changes: Any) -> Any:
    torch.manual_seed(0)
    shape = {
        "vocab_size": 60,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "initializer_range": 0.4,
        "pad_token_id": 0,
    }
    return LlamaForCausalLM(LlamaConfig(**{**shape, **changes})).eval()


def _row(padding: int = 3) -> tuple[Tensor, Tensor]:
    """(2, T) ids and documents: the documents of ``LENGTHS`` one after the other, then padding."""
    torch.manual_seed(1)
    length = sum(LENGTHS) + padding
    numbers = [number for number, count in enumerate(LENGTHS) for _ in range(count)] + [-1] * padding
    return torch.randint(5, 60, (2, length)), torch.tensor([numbers, numbers])


def _spans() -> list[slice]:
    starts = [sum(LENGTHS[:i]) for i in range(len(LENGTHS))]
    return [slice(start, start + count) for start, count in zip(starts, LENGTHS, strict=True)]


@pytest.mark.parametrize("fused", [False, True])
def test_an_encoders_packed_documents_are_those_alone(fused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if fused:
        monkeypatch.setattr(attention, "MAX_SLICED_LENGTH", 8)
        monkeypatch.setattr(attention, "MAX_UNFUSED_LENGTH", 8)
    model = _encoder()
    ids, documents = _row()
    masks = fast.packed_masks(model.config, documents, torch.float32)
    packed = fast.run_layers(model, model.embeddings.tok_embeddings(ids), masks, torch.float32)
    for span in _spans():
        alone = model(input_ids=ids[:, span], attention_mask=torch.ones_like(ids[:, span])).last_hidden_state
        torch.testing.assert_close(packed[:, span], alone, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("fused", [False, True])
def test_a_decoders_packed_documents_are_those_alone(fused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if fused:
        monkeypatch.setattr(attention, "MAX_SLICED_LENGTH", 8)
        monkeypatch.setattr(attention, "MAX_UNFUSED_LENGTH", 8)
    module = _decoder()
    ids, documents = _row()
    mask = fast_decoder.packed_mask(documents, torch.float32)
    packed = module.lm_head(fast_decoder.decode_packed(module.model, ids, mask, torch.float32))
    for span in _spans():
        torch.testing.assert_close(packed[:, span], module(input_ids=ids[:, span]).logits, atol=TOLERANCE, rtol=0)


def test_gradients_of_packed_rows_are_the_sum_of_those_alone() -> None:
    model, other = _encoder(), _encoder()
    ids, documents = _row(padding=0)
    masks = fast.packed_masks(model.config, documents, torch.float32)
    weights = torch.randn(*ids.shape, 16)
    (fast.run_layers(model, model.embeddings.tok_embeddings(ids), masks, torch.float32) * weights).sum().backward()
    for span in _spans():
        states = other(input_ids=ids[:, span], attention_mask=torch.ones_like(ids[:, span])).last_hidden_state
        (states * weights[:, span]).sum().backward()
    for (name, mine), theirs in zip(model.named_parameters(), other.parameters(), strict=True):
        scale = float(theirs.grad.abs().max())
        torch.testing.assert_close(mine.grad / scale, theirs.grad / scale, atol=1e-4, rtol=0, msg=name)


def test_the_test_would_see_a_leak() -> None:
    """Without the documents' numbers a row is one document, and its states are others."""
    model = _encoder()
    ids, documents = _row()
    one = torch.zeros_like(documents)
    states = [
        fast.run_layers(
            model,
            model.embeddings.tok_embeddings(ids),
            fast.packed_masks(model.config, numbers, torch.float32),
            torch.float32,
        )
        for numbers in (documents, one)
    ]
    assert float((states[0] - states[1]).detach()[:, :9].abs().max()) > 0.01


def test_blocks_for_a_gpu_see_what_the_scores_mask_lets_through() -> None:
    _, documents = _row()
    for window, causal in ((None, False), (3, False), (None, True)):
        mask = attention.document_mask(documents, torch.float32, window, causal=causal)
        assert isinstance(mask, Tensor)
        sees = attention._sees(documents, window, causal=causal)
        length = documents.shape[1]
        batch, query, key = torch.meshgrid(torch.arange(2), torch.arange(length), torch.arange(length), indexing="ij")
        assert torch.equal(sees(batch, torch.zeros_like(batch), query, key), mask[:, 0] == 0)
