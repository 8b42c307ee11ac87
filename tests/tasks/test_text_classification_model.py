"""The network side of text classification: batches, and the loss against torch's and scikit-learn's formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from tiny_models import LABELS, Tiny
from torch.nn import functional as F

from triga.core.arrays import Encoding
from triga.models.open import OpenedBase
from triga.tasks.models import open_task_model
from triga.tasks.network import pad
from triga.tasks.text_classification.model import TextClassificationModel
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification

WEIGHTS = torch.tensor([0.5, 1.0, 2.0])


def _spec(**section: Any) -> TextClassification:
    return TextClassification(TextClassificationSection(kind="text-classification", **section)).with_labels(LABELS)


def _batch(tiny: Tiny, rows: int = 12) -> dict[str, torch.Tensor]:
    picked = range(0, 60, 60 // rows)
    return tiny.task.collate([tiny.encodings[i] for i in picked], tiny.targets[list(picked)], tiny.tokenizer.pad_id)


def _module(tiny: Tiny) -> Any:
    return tiny.module(initializer_range=0.4).eval()


# -- batches ----------------------------------------------------------------------------------------------------------


def test_rows_are_padded_to_the_longest() -> None:
    rows = [Encoding(np.array([2, 7, 3])), Encoding(np.array([2, 7, 8, 9, 3])), Encoding(np.array([2, 3]))]
    batch = pad(rows, None, 1)
    assert batch.keys() == {"input_ids", "attention_mask"}
    assert batch["input_ids"].tolist() == [[2, 7, 3, 1, 1], [2, 7, 8, 9, 3], [2, 3, 1, 1, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert {value.dtype for value in batch.values()} == {torch.int64}


def test_token_types_come_along_where_rows_have_them() -> None:
    rows = [Encoding(np.array([2, 7, 3, 8]), np.array([0, 0, 0, 1])), Encoding(np.array([2, 3]), np.array([0, 1]))]
    assert pad(rows, None, 0)["token_type_ids"].tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]


def test_targets_come_along_where_there_are_any(tiny: Tiny) -> None:
    assert _batch(tiny)["labels"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert "labels" not in tiny.task.collate(tiny.encodings[:2], None, 0)


# -- the loss ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_loss_is_torchs_summed_over_rows(tiny: Tiny, smoothing: float, weights: torch.Tensor | None) -> None:
    """Written out: −Σ w(c) q(c) log p(c), with q the smoothed target (Szegedy et al., 2016)."""
    module, batch = _module(tiny), _batch(tiny)
    task = TextClassificationModel(_spec(), smoothing, weights)
    loss = task.loss(module, batch, torch.float32)
    logits = module(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    target = F.one_hot(batch["labels"], 3) * (1 - smoothing) + smoothing / 3
    each = -(target * logits.log_softmax(dim=1) * (1 if weights is None else weights)).sum(dim=1)
    torch.testing.assert_close(loss, each.sum(), atol=1e-5, rtol=1e-6)
    theirs = torch.nn.CrossEntropyLoss(weights, label_smoothing=smoothing, reduction="none")(logits, batch["labels"])
    torch.testing.assert_close(loss, theirs.sum(), atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_loss_of_several_labels_is_the_mean_over_them(
    tiny: Tiny, smoothing: float, weights: torch.Tensor | None
) -> None:
    module, batch = _module(tiny), _batch(tiny)
    batch["labels"] = torch.randint(0, 2, (12, 3), generator=torch.Generator().manual_seed(0))
    task = TextClassificationModel(_spec(multi_label=True), smoothing, weights)
    logits = module(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    target = batch["labels"] * (1 - smoothing) + smoothing / 2
    each = -(target * F.logsigmoid(logits) + (1 - target) * F.logsigmoid(-logits))
    expected = (each * (1 if weights is None else weights)).mean(dim=1).sum()
    torch.testing.assert_close(task.loss(module, batch, torch.float32), expected, atol=1e-5, rtol=1e-6)


def test_the_loss_is_a_sum_whatever_the_batch(tiny: Tiny) -> None:
    module, batch = _module(tiny), _batch(tiny)
    whole = tiny.task.loss(module, batch, torch.float32)
    parts = [{name: value[i : i + 5] for name, value in batch.items()} for i in range(0, 12, 5)]
    torch.testing.assert_close(
        sum(tiny.task.loss(module, part, torch.float32) for part in parts), whole, atol=1e-4, rtol=1e-6
    )


@pytest.mark.parametrize("counts", [(10, 5, 1), (1, 1, 1), (30, 2, 2)])
def test_balanced_weights_are_scikit_learns(counts: tuple[int, ...]) -> None:
    targets = np.repeat(np.arange(3), counts)
    task = open_task_model(_spec(class_weights="balanced"), targets=targets)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets)
    np.testing.assert_allclose(task.class_weights, expected, rtol=1e-6)
    assert float(task.class_weights[targets].mean()) == pytest.approx(1.0)


def test_balanced_weights_of_several_labels_go_by_their_counts() -> None:
    targets = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 0, 0]])
    task = open_task_model(_spec(class_weights="balanced", multi_label=True), targets=targets)
    np.testing.assert_allclose(task.class_weights, 7 / (3 * np.array([4, 2, 1])), rtol=1e-6)


def test_weights_are_only_for_those_who_ask() -> None:
    assert open_task_model(_spec(), targets=np.array([0, 0, 1])).class_weights is None
    assert open_task_model(_spec(class_weights="balanced")).class_weights is None  # serving knows no targets
    assert open_task_model(_spec(), label_smoothing=0.2).label_smoothing == 0.2


def test_a_spec_without_a_network_is_said() -> None:
    with pytest.raises(TypeError, match="no network for object"):
        open_task_model(object())


# -- the network ------------------------------------------------------------------------------------------------------


def test_the_config_knows_the_labels(tiny: Tiny) -> None:
    config = tiny.module().config
    assert (config.num_labels, config.id2label[1], config.label2id["hello"]) == (3, LABELS[1], 2)
    assert config.problem_type == "single_label_classification"
    several = TextClassificationModel(_spec(multi_label=True))
    module = several.build(OpenedBase(tiny.config(), tiny.tokenizer, None), seed=0)
    assert module.config.problem_type == "multi_label_classification"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_families_run_by_transformers(tiny: Tiny, dtype: torch.dtype) -> None:
    """With token types where there are some, and matrix products in the type that is asked for."""
    import transformers

    config = transformers.BertConfig(
        vocab_size=200,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        initializer_range=0.4,  # else the token types, like everything, would hardly show
    )
    module = tiny.task.build(OpenedBase(config, tiny.tokenizer, None), seed=0).eval()
    rows = [
        Encoding(np.array([2, 7, 3, 8, 3]), np.array([0, 0, 0, 1, 1])),
        Encoding(np.array([2, 3]), np.array([0, 0])),
    ]
    batch = tiny.task.collate(rows, np.array([0, 2]), 0)
    logits = tiny.task.logits(module, batch, dtype)
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    exact = module(**inputs).logits
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, exact, atol=0 if dtype == torch.float32 else 0.1, rtol=0)
    assert torch.equal(logits, exact) == (dtype == torch.float32)
    untyped = module(**{**inputs, "token_type_ids": torch.zeros_like(inputs["token_type_ids"])}).logits
    assert not torch.allclose(untyped[0], exact[0], atol=1e-4)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "gpt2"])
def test_the_recipes_dropout_reaches_every_family(tiny: Tiny, family: str) -> None:
    import transformers

    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16}
    sizes |= {"vocab_size": 200, "bos_token_id": 2, "eos_token_id": 3}
    config = transformers.AutoConfig.for_model(family, **sizes)
    module = tiny.task.build(OpenedBase(config, tiny.tokenizer, None), seed=0, dropout=0.35)
    rates = {part.p for part in module.modules() if isinstance(part, torch.nn.Dropout)}
    assert rates == {0.35}


def test_a_decoder_classifies_by_its_last_token(tiny: Tiny) -> None:
    """It finds that token by the padding's id, which such models often lack."""
    import transformers

    config = transformers.GPT2Config(vocab_size=200, n_layer=1, n_head=2, n_embd=16, bos_token_id=2, eos_token_id=3)
    assert config.pad_token_id is None
    module = tiny.task.build(OpenedBase(config, tiny.tokenizer, None), seed=0).eval()
    together = tiny.task.logits(module, tiny.task.collate(tiny.encodings[:4], None, 0), torch.float32)
    for row in range(4):
        alone = tiny.task.logits(module, tiny.task.collate([tiny.encodings[row]], None, 0), torch.float32)
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=0)
