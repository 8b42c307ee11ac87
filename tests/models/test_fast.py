"""triga's ModernBERT pass against transformers': logits, every gradient, and where dropout falls."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import Tiny
from torch import Tensor

from triga.models import attention, fast, short_attention

TOLERANCE = 1e-5
LENGTHS = {"shorter than the window": 3, "just seen whole": 5, "one more": 6, "longer": 17}
"""The window of ``tiny`` reaches 4 tokens to each side, so that 5 tokens all see each other."""


def _module(tiny: Tiny, **changes: Any) -> Any:
    """Weights twenty times as large as fresh ones: else the layers add next to nothing, and no fault in them shows."""
    return tiny.module(**{"initializer_range": 0.4, **changes}).eval()


def _batch(lengths: list[int], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random ids with padding on the right."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 200, (len(lengths), max(lengths)), generator=generator)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return ids.masked_fill(~mask, 0), mask


def _outcome(logits: Tensor, module: torch.nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits, and the gradients of a loss that weighs every logit differently."""
    weights = torch.linspace(-1, 1, logits.numel()).view_as(logits)
    (logits * weights).sum().backward()
    gradients = {name: value.grad.clone() for name, value in module.named_parameters() if value.grad is not None}
    module.zero_grad()
    return logits.detach(), gradients


def _assert_equal(module: Any, ids: Tensor, mask: Tensor) -> None:
    theirs, their_gradients = _outcome(module(input_ids=ids, attention_mask=mask.long()).logits, module)
    ours, our_gradients = _outcome(fast.classify(module, ids, mask, torch.float32), module)
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)
    assert our_gradients.keys() == their_gradients.keys() == dict(module.named_parameters()).keys()
    for name, gradient in our_gradients.items():
        scale = max(1.0, float(their_gradients[name].abs().max()))
        torch.testing.assert_close(gradient / scale, their_gradients[name] / scale, atol=TOLERANCE, rtol=0, msg=name)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS.keys())
def test_logits_and_gradients_are_transformers(tiny: Tiny, length: int, padded: bool, pooling: str) -> None:
    module = _module(tiny, classifier_pooling=pooling, num_hidden_layers=4)
    _assert_equal(module, *_batch([length, max(1, length // 2), length - 1] if padded else [length] * 3))


def test_the_test_would_see_a_wrong_mask_window_or_position(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, mask = _batch([12, 5])
    exact = fast.classify(_module(tiny), ids, mask, torch.float32)
    wider = fast.classify(_module(tiny, local_attention=10), ids, mask, torch.float32)
    unmasked = fast.classify(_module(tiny, classifier_pooling="cls"), ids, torch.ones_like(mask), torch.float32)
    masked = fast.classify(_module(tiny, classifier_pooling="cls"), ids, mask, torch.float32)
    monkeypatch.setattr(short_attention, "_rotate_", lambda heads, cosines, sines: None)
    unturned = fast.classify(_module(tiny), ids, mask, torch.float32)
    for wrong, right in ((wider[0], exact[0]), (unmasked[1], masked[1]), (unturned[0], exact[0])):
        assert (wrong - right).abs().max() > 100 * TOLERANCE


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
def test_long_rows_take_the_fused_kernel_and_stay_equal(
    tiny: Tiny, padded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "MAX_SLICED_LENGTH", 8)
    monkeypatch.setattr(attention, "MAX_UNFUSED_LENGTH", 8)
    calls = []
    fused = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(attention.F, "scaled_dot_product_attention", lambda *a, **k: calls.append(1) or fused(*a, **k))
    module = _module(tiny)
    ids, mask = _batch([20, 9] if padded else [20, 20])
    ours, gradients = _outcome(fast.classify(module, ids, mask, torch.float32), module)
    assert len(calls) == module.config.num_hidden_layers
    monkeypatch.undo()
    theirs, their_gradients = _outcome(module(input_ids=ids, attention_mask=mask.long()).logits, module)
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, their_gradients[name], atol=TOLERANCE * 10, rtol=1e-4, msg=name)


@pytest.mark.parametrize(
    "changes",
    [
        {"norm_bias": True, "mlp_bias": True, "attention_bias": True, "classifier_bias": True},
        {"num_attention_heads": 4},
        {"global_attn_every_n_layers": 1},
        {"hidden_activation": "silu", "classifier_activation": "relu"},
        {"local_attention": 2},
    ],
)
def test_other_shapes_are_equal_too(tiny: Tiny, changes: dict[str, Any]) -> None:
    _assert_equal(_module(tiny, **changes), *_batch([11, 4, 7]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 14), min_size=1, max_size=5), st.integers(0, 1000))
def test_any_batch_is_equal(lengths: list[int], seed: int) -> None:
    _assert_equal(_shared(), *_batch(lengths, seed))


@functools.cache
def _shared() -> Any:
    return _module(Tiny())


def test_neighbours_and_padding_change_nothing(tiny: Tiny) -> None:
    module = _module(tiny)
    ids, mask = _batch([12, 5, 9])
    together = fast.classify(module, ids, mask, torch.float32)
    for row, length in enumerate((12, 5, 9)):
        alone = fast.classify(module, ids[row : row + 1, :length], mask[row : row + 1, :length], torch.float32)
        torch.testing.assert_close(alone[0], together[row], atol=TOLERANCE, rtol=0)


def test_bfloat16_is_near(tiny: Tiny) -> None:
    module = _module(tiny)
    ids, mask = _batch([12, 5, 9])
    exact, rounded = (fast.classify(module, ids, mask, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert rounded.dtype == torch.float32
    assert 0 < (exact - rounded).abs().max() < 0.05


def test_the_state_dict_is_transformers_own(tiny: Tiny) -> None:
    module = tiny.module().train()
    ids, mask = _batch([6, 6])
    names = set(module.state_dict())
    fast.classify(module, ids, mask, torch.float32)
    assert set(module.state_dict()) == names


def test_stretched_positions_are_left_to_transformers(tiny: Tiny) -> None:
    stretched = {
        "full_attention": {
            "rope_type": "yarn",
            "rope_theta": 1e4,
            "factor": 4.0,
            "original_max_position_embeddings": 16,
        },
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
    }
    module = _module(tiny, rope_parameters=stretched)
    assert fast.supports(tiny.config())
    assert not fast.supports(module.config)
    ids, mask = _batch([20, 12])
    batch = {"input_ids": ids, "attention_mask": mask.long()}
    theirs = module(**batch).logits
    torch.testing.assert_close(tiny.task.logits(module, batch, torch.float32), theirs)
    assert not torch.allclose(fast.classify(module, ids, mask, torch.float32), theirs, atol=1e-4)


# -- dropout ----------------------------------------------------------------------------------------------------------

RATES = ("embedding_dropout", "attention_dropout", "mlp_dropout", "classifier_dropout")


def _spread(module: Any, ours: bool, ids: Tensor, mask: Tensor, runs: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the logits over random masks, (C,) each."""
    torch.manual_seed(1 if ours else 2)
    with torch.no_grad():
        logits = [
            fast.classify(module, ids, mask, torch.float32)
            if ours
            else module(input_ids=ids, attention_mask=mask.long()).logits
            for _ in range(runs)
        ]
    stacked = torch.cat(logits)
    return stacked.mean(dim=0), stacked.std(dim=0)


@pytest.mark.parametrize("rate", RATES)
def test_each_dropout_is_where_transformers_has_it(tiny: Tiny, rate: str) -> None:
    """The same law: logits have the same mean and the same deviation over many random masks."""
    others = dict.fromkeys(RATES, 0.0)
    module = _module(tiny, **{**others, rate: 0.3}).train()
    ids, mask = (value.repeat(50, 1) for value in _batch([9]))
    (mean, deviation), (their_mean, their_deviation) = (_spread(module, ours, ids, mask, 20) for ours in (True, False))
    assert bool((deviation > 1e-3).all())
    error = their_deviation * 4 / 1000**0.5 * 2**0.5  # four standard errors of the difference of two means of 1,000
    assert bool(((mean - their_mean).abs() < error).all())
    torch.testing.assert_close(deviation, their_deviation, rtol=0.2, atol=0)


def test_the_fused_kernel_drops_too(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "MAX_UNFUSED_LENGTH", 4)
    module = _module(tiny, attention_dropout=0.5).train()
    ids, mask = _batch([9])
    torch.manual_seed(0)
    first, second = (fast.classify(module, ids, mask, torch.float32) for _ in range(2))
    assert not torch.equal(first, second)
    module.eval()
    first, second = (fast.classify(module, ids, mask, torch.float32) for _ in range(2))
    assert torch.equal(first, second)


def test_the_recipes_rate_replaces_all_of_them(tiny: Tiny) -> None:
    config = tiny.module(dropout=0.25).config
    assert {getattr(config, name) for name in RATES} == {0.25}
    module = tiny.module(dropout=0.25)
    rates = {part.p for part in module.modules() if isinstance(part, torch.nn.Dropout)}
    assert rates == {0.25}
    module.train()
    ids, mask = _batch([6, 6])
    logits = [fast.classify(module, ids, mask, torch.float32) for _ in range(2)]
    assert not torch.equal(*logits)
