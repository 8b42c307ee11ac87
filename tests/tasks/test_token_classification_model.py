"""The network side of token classification: the fast pass, the loss, and the random field against all sequences."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from seqeval.metrics import f1_score
from tiny_entities import LABELS, entity_rows
from torch.nn import functional as F

from triga.core.arrays import IGNORED
from triga.models.open import OpenedBase, scratch_config
from triga.tasks.models import open_task_model
from triga.tasks.token_classification.crf import Crf
from triga.tasks.token_classification.model import TokenClassificationModel
from triga.tasks.token_classification.recipe import TokenClassificationSection
from triga.tasks.token_classification.spec import TokenClassification
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece


def _spec(**section: Any) -> TokenClassification:
    return TokenClassification(TokenClassificationSection(kind="token-classification", **section)).with_labels(LABELS)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_wordpiece((row["text"] for row in entity_rows(60)), 300)


def _base(tokenizer: Tokenizer) -> OpenedBase:
    config = scratch_config("nano", tokenizer)
    config.num_hidden_layers, config.layer_types = 2, config.layer_types[:2]
    return OpenedBase(config, tokenizer, None)


def _batch(spec: TokenClassification, tokenizer: Tokenizer, num: int = 8) -> tuple[Any, dict[str, torch.Tensor]]:
    rows = [spec.parse(row) for row in entity_rows(num)]
    encodings = spec.encode(rows, tokenizer, 64)
    targets = spec.targets(rows, encodings)
    task = open_task_model(spec, targets=targets)
    return task, task.collate(encodings, targets[np.arange(num)], tokenizer.pad_id)


def test_the_fast_pass_is_that_of_transformers(tokenizer: Tokenizer) -> None:
    task, batch = _batch(_spec(), tokenizer)
    module = task.build(_base(tokenizer), seed=3).eval()
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        ours = task.logits(module, batch, torch.float32)
        theirs = module(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    torch.testing.assert_close(ours[real], theirs[real], atol=1e-5, rtol=1e-4)


def test_the_outputs_are_named_as_transformers_names_tags(tokenizer: Tokenizer) -> None:
    module = TokenClassificationModel(_spec()).build(_base(tokenizer), seed=3)
    assert module.config.id2label == {0: "O", 1: "B-LOC", 2: "I-LOC", 3: "B-PER", 4: "I-PER"}


def test_the_loss_is_that_of_words_a_row(tokenizer: Tokenizer) -> None:
    task, batch = _batch(_spec(), tokenizer)
    module = task.build(_base(tokenizer), seed=3).eval()
    logits = task.logits(module, batch, torch.float32)
    words = batch["labels"] != IGNORED
    expected = F.cross_entropy(logits[words], batch["labels"][words], reduction="mean") * len(words)
    torch.testing.assert_close(task.loss(module, batch, torch.float32), expected)


def test_a_random_field_counts_all_sequences() -> None:
    """Log likelihood of two rows of words with other tokens between them, against every sequence of tags."""
    torch.manual_seed(0)
    crf, logits = Crf(3), torch.randn(2, 5, 3)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(torch.randn_like(parameter))
        labels = torch.tensor([[IGNORED, 1, IGNORED, 2, 0], [2, IGNORED, IGNORED, IGNORED, IGNORED]])
        expected = sum(_unlikely(crf, logits[i], labels[i]) for i in range(2))
        loss = crf.loss(logits, labels)
        nothing = crf.loss(logits[:1], torch.full((1, 5), IGNORED))
    torch.testing.assert_close(loss, torch.as_tensor(expected, dtype=torch.float32))
    assert nothing.item() == 0.0


def _unlikely(crf: Crf, logits: torch.Tensor, labels: torch.Tensor) -> float:
    words = labels != IGNORED
    scores, tags = logits[words], labels[words].tolist()

    def total(sequence: Any) -> float:
        value = crf.start[sequence[0]] + crf.end[sequence[-1]] + sum(scores[i, tag] for i, tag in enumerate(sequence))
        return float(value + sum(crf.pair[a, b] for a, b in itertools.pairwise(sequence)))

    every = [total(sequence) for sequence in itertools.product(range(3), repeat=len(tags))]
    return float(np.logaddexp.reduce(every) - total(tags))


def test_a_random_field_leaves_the_network_when_it_is_released(tokenizer: Tokenizer) -> None:
    task, batch = _batch(_spec(crf=True), tokenizer)
    module = task.build(_base(tokenizer), seed=3)
    before = task.loss(module, batch, torch.float32)
    before.backward()
    assert module.crf.pair.grad is not None
    spec = task.learned(module)
    assert isinstance(spec, TokenClassification)
    assert spec.learned is not None
    assert spec.learned.pair.shape == (5, 5)
    task.release(module)
    assert not [name for name, _ in module.named_parameters() if name.startswith("crf")]


@pytest.mark.parametrize("crf", [False, True])
def test_a_tiny_tagger_learns_its_rows(tokenizer: Tokenizer, crf: bool) -> None:
    """And what it then gives scores as seqeval scores its tags."""
    spec = _spec(crf=crf)
    task, batch = _batch(spec, tokenizer, 24)
    module = task.build(_base(tokenizer), seed=3).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        (task.loss(module, batch, torch.float32) / 24).backward()
        optimizer.step()
    rows = [spec.parse(row) for row in entity_rows(24)]
    encodings = spec.encode(rows, tokenizer, 64)
    with torch.no_grad():
        outputs = {"logits": task.logits(module.eval(), batch, torch.float32).numpy()}
    learned = task.learned(module)
    scores = learned.score(rows, encodings, outputs)
    assert scores["micro_f1"] > 0.95
    given = [_characters(one.text, one.spans) for one in learned.decode(rows, encodings, outputs)]
    truth = [_characters(row["text"], [(s["start"], s["end"], s["label"]) for s in row["spans"]]) for row in rows]
    assert scores["micro_f1"] == pytest.approx(f1_score(truth, given, average="micro"))


def _characters(text: str, spans: Any) -> list[str]:
    """A tag a character."""
    tags = ["O"] * len(text)
    for span in spans:
        start, end, label = span if isinstance(span, tuple) else (span.start, span.end, span.label)
        tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags
