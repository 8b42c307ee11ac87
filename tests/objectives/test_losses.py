"""Each objective's loss against transformers' networks and losses, on the same weights and the same hidden words."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import yaml
from pydantic import TypeAdapter
from tiny_corpus import tiny_base, tokenizer
from torch import Tensor
from torch.nn import functional as F

from triga.core.errors import RecipeError
from triga.objectives.open import open_objective
from triga.objectives.recipe import CausalSection, MaskedSection, ObjectiveSection, ReplacedSection

TOLERANCE = 1e-5
TEXT = "the old bridge carries the people of the valley. 小船带着石头回到山谷。"


def _objective(kind: str) -> tuple[Any, Any]:
    cut = tokenizer("decoder" if kind == "clm" else "encoder")
    section = {"mlm": MaskedSection(), "rtd": ReplacedSection(kind="rtd"), "clm": CausalSection(kind="clm")}[kind]
    base = tiny_base(cut, causal=kind == "clm", initializer_range=0.3)
    objective = open_objective(section, base.config, None, cut)
    return objective, cut


def _row(cut: Any) -> dict[str, Tensor]:
    """One document, no padding."""
    ids = torch.tensor([cut.raw.encode(TEXT).ids])
    return {"input_ids": ids, "documents": torch.zeros_like(ids)}


def test_masked_language_modelling_is_transformers() -> None:
    objective, cut = _objective("mlm")
    module = objective.build(seed=1).eval()
    torch.manual_seed(0)
    batch = objective.corrupt(module, _row(cut), torch.float32)
    labels = torch.full_like(batch["input_ids"], -100).scatter(1, batch["positions"], batch["labels"])
    theirs = module(input_ids=batch["input_ids"], attention_mask=torch.ones_like(labels), labels=labels).loss
    ours = objective.loss(module, batch, torch.float32)
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)
    assert batch["positions"].shape[1] == round(0.3 * labels.shape[1])


def test_causal_language_modelling_is_transformers() -> None:
    objective, cut = _objective("clm")
    module = objective.build(seed=1).eval()
    row = _row(cut)
    ours = objective.loss(module, objective.corrupt(module, row, torch.float32), torch.float32)
    theirs = module(input_ids=row["input_ids"], labels=row["input_ids"]).loss
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=0)


def test_replaced_token_detection_is_its_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generator's masked loss and the discriminator's binary one by transformers' passes, weighed 1 to 50."""
    objective, cut = _objective("rtd")
    module = objective.build(seed=1).eval()
    with torch.no_grad():  # as after some training: a table of its own, and a head that is sure of something
        module.discriminator.embeddings.tok_embeddings.weight.normal_(std=0.2)
    torch.manual_seed(0)
    batch = objective.corrupt(module, _row(cut), torch.float32)
    original, positions = batch["original"], batch["positions"]
    written = torch.randint(5, cut.vocab_size, positions.shape)
    written[:, 0] = original.gather(1, positions)[:, 0]  # the generator may hit the original: that is not replaced
    monkeypatch.setattr("triga.objectives.rtd._sample", lambda logits: written)
    ours = objective.loss(module, batch, torch.float32)

    labels = torch.full_like(original, -100).scatter(1, positions, original.gather(1, positions))
    mask = torch.ones_like(original)
    guessed = module.generator(input_ids=batch["input_ids"], attention_mask=mask, labels=labels).loss
    rewritten = original.scatter(1, positions, written)
    shared = module.generator.model.embeddings.tok_embeddings(rewritten)
    own = module.discriminator.embeddings.tok_embeddings(rewritten)
    states = module.discriminator(inputs_embeds=shared + own, attention_mask=mask).last_hidden_state
    logits = module.output(F.gelu(module.dense(states)))[..., 0]
    ordinary = torch.tensor([[cut.raw.id_to_token(int(i)) not in cut.special_names for i in original[0]]])
    judged = F.binary_cross_entropy_with_logits(logits[ordinary], (rewritten != original)[ordinary].float())
    torch.testing.assert_close(ours, guessed + 50 * judged, atol=1e-4, rtol=1e-5)


def test_the_discriminator_does_not_pull_at_the_generators_table() -> None:
    objective, cut = _objective("rtd")
    module = objective.build(seed=1)
    batch = objective.corrupt(module, _row(cut), torch.float32)
    _, judged, _ = objective._losses(module, batch, torch.float32)
    judged.sum().backward()
    assert module.generator.model.embeddings.tok_embeddings.weight.grad is None
    assert float(module.discriminator.embeddings.tok_embeddings.weight.grad.abs().sum()) > 0


def test_what_is_exported_computes_what_was_trained() -> None:
    objective, cut = _objective("rtd")
    module = objective.build(seed=1).eval()
    with torch.no_grad():
        module.discriminator.embeddings.tok_embeddings.weight.normal_(std=0.2)
        ids = _row(cut)["input_ids"]
        trained = module.discriminator(
            inputs_embeds=module.embed(ids), attention_mask=torch.ones_like(ids)
        ).last_hidden_state
        exported = objective.export(module)(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    torch.testing.assert_close(trained, exported, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    ("kind", "causal"),
    [
        ("mlm", True),
        ("rtd", True),
        ("clm", False),
        ("permutation", True),
        ("denoising", False),
        ("sop", True),
        ("contrastive", True),
        ("sum, parts: [{kind: mlm}, {kind: sop}]", True),
    ],
)
def test_an_objective_that_does_not_fit_the_architecture_is_refused(kind: str, causal: bool) -> None:
    cut = tokenizer()
    section: Any = TypeAdapter(ObjectiveSection).validate_python(yaml.safe_load(f"{{kind: {kind}}}"))
    with pytest.raises(RecipeError) as caught:
        open_objective(section, tiny_base(cut, causal=causal).config, None, cut)
    assert caught.value.code == "objective-does-not-fit"
