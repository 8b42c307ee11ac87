"""The BiLSTM and the CNN: equal to torch's own packed pass and to sums by hand, saved, opened, exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from triga.compress.export import export_onnx
from triga.models.plain import BiLstmConfig, CnnConfig, register
from triga.models.size import SIZES, default_learning_rate
from triga.tasks.network import logits_of

LENGTHS = (7, 3, 1)
SHAPE: dict[str, Any] = {"vocab_size": 40, "hidden_size": 8, "num_labels": 3}
CONFIGS = [BiLstmConfig(num_hidden_layers=2, **SHAPE), CnnConfig(**SHAPE)]
HEADS = [AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoModelForQuestionAnswering]


def _model(config: Any, head: Any) -> Any:
    register()
    config.num_labels = 2 if head is AutoModelForQuestionAnswering else 3
    torch.manual_seed(1)
    return head.from_config(config).eval()


def _batch() -> tuple[Tensor, Tensor]:
    ids = torch.randint(5, 40, (len(LENGTHS), max(LENGTHS)), generator=torch.Generator().manual_seed(2))
    return ids, (torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]).long()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
@pytest.mark.parametrize("head", HEADS)
def test_padding_changes_nothing(config: Any, head: Any) -> None:
    model = _model(config, head)
    ids, mask = _batch()
    with torch.no_grad():
        together = logits_of(model(input_ids=ids, attention_mask=mask))
        other = logits_of(model(input_ids=torch.where(mask == 1, ids, 3), attention_mask=mask))
        for row, length in enumerate(LENGTHS):
            alone = logits_of(model(input_ids=ids[row : row + 1, :length], attention_mask=mask[row : row + 1, :length]))
            shown = together[row] if together.ndim == 2 else together[row, :length]
            torch.testing.assert_close(shown, alone[0], atol=1e-6, rtol=1e-5)
            same = other[row] if other.ndim == 2 else other[row, :length]
            torch.testing.assert_close(same, shown, atol=1e-6, rtol=1e-5)


def test_the_lstm_is_torchs_bidirectional_one() -> None:
    """Whose packed rows are read back from their own ends."""
    model = _model(BiLstmConfig(num_hidden_layers=1, **SHAPE), AutoModelForTokenClassification)
    ids, mask = _batch()
    (layer,) = model.body.layers
    whole = nn.LSTM(8, 4, batch_first=True, bidirectional=True)
    state = dict(layer.there.state_dict())
    state |= {f"{name}_reverse": value for name, value in layer.back.state_dict().items()}
    whole.load_state_dict(state)
    with torch.no_grad():
        packed = nn.utils.rnn.pack_padded_sequence(
            model.embeddings(ids), torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
        )
        expected, _ = nn.utils.rnn.pad_packed_sequence(whole(packed)[0], batch_first=True)
        torch.testing.assert_close(model.states(ids, mask), expected, atol=1e-6, rtol=1e-5)


def test_a_filter_is_a_sum_over_its_tokens() -> None:
    model = _model(CnnConfig(**SHAPE), AutoModelForTokenClassification)
    ids, mask = _batch()
    with torch.no_grad():
        states = model.states(ids, mask)[0]
        words = nn.functional.pad(model.embeddings(ids)[0], (0, 0, 2, 2))
        for number, width in enumerate((3, 4, 5)):
            filters, first = model.body.filters[number], 4 - (width - 1) // 2
            summed = (filters.weight * words[first : first + width].T[None]).sum(dim=(1, 2)) + filters.bias
            found = states[2, number * 4 : number * 4 + 4]
            torch.testing.assert_close(found, summed.relu(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
@pytest.mark.parametrize("head", HEADS)
def test_a_saved_one_says_the_same(config: Any, head: Any, tmp_path: Path) -> None:
    model = _model(config, head)
    model.save_pretrained(tmp_path)
    again = head.from_pretrained(tmp_path, local_files_only=True).eval()
    ids, mask = _batch()
    with torch.no_grad():
        expected, found = (logits_of(each(input_ids=ids, attention_mask=mask)) for each in (model, again))
    assert torch.equal(expected, found)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
@pytest.mark.parametrize("head", HEADS[:2])
def test_the_exported_one_says_the_same_at_any_length(config: Any, head: Any, tmp_path: Path, capfd: Any) -> None:
    import onnxruntime

    model, path = _model(config, head), tmp_path / "model.onnx"
    export_onnx(model, path, uses_token_types=False, max_length=64, vocab_size=40)
    session = onnxruntime.InferenceSession(str(path))
    ids = torch.randint(5, 40, (4, 23), generator=torch.Generator().manual_seed(3))
    mask = (torch.arange(23)[None] < torch.tensor([23, 1, 5, 20])[:, None]).long()
    (found,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    with torch.no_grad():
        expected = logits_of(model(input_ids=ids, attention_mask=mask)).numpy()
    real = mask.numpy().astype(bool) if expected.ndim == 3 else np.ones(4, dtype=bool)
    np.testing.assert_allclose(found[real], expected[real], atol=1e-5)
    assert "Expected shape" not in capfd.readouterr().err


def test_one_process_exports_several(tmp_path: Path) -> None:
    """torch's own export of an LSTM fixes the number of tokens every second time."""
    import onnxruntime

    model = _model(CONFIGS[0], AutoModelForTokenClassification)
    for length in (23, 7, 2):
        path = tmp_path / f"{length}.onnx"
        export_onnx(model, path, uses_token_types=False, max_length=64, vocab_size=40)
        ids = torch.randint(5, 40, (2, length), generator=torch.Generator().manual_seed(3))
        mask = torch.ones_like(ids)
        session = onnxruntime.InferenceSession(str(path))
        (found,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(found, model(input_ids=ids, attention_mask=mask).logits.numpy(), atol=1e-5)


def test_the_rate_falls_with_the_width() -> None:
    nano, mini = (default_learning_rate(SIZES[size].hidden_size, scratch=True, plain=True) for size in ("nano", "mini"))
    assert nano == 1.5 * mini > default_learning_rate(256, scratch=True)
