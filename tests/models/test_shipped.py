"""The bases that come with triga: whole, small, opened by a name, and with some knowledge of both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from triga.core.artifact import Artifact, load_json
from triga.flow.recipe import load_recipe
from triga.models.open import open_base
from triga.models.recipe import SHIPPED, ShippedBase, shipped_folder

MOST_BYTES = 32 << 20
ENCODERS = ("triga-nano", "triga-mini")
GAPS = (
    ("the president of the united [MASK] of america.", "states"),
    ("one, two, three, [MASK], five, six, seven.", "four"),
    ("he was born in london, the capital of [MASK].", "england"),
    ("中华人民[MASK]和国。", "共"),
    ("中国的首都是北[MASK]。", "京"),
    ("世界上最大的国[MASK]。", "家"),
)


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_whole_small_and_says_what_it_learned_from(name: str) -> None:
    folder = shipped_folder(name)
    Artifact.open(folder).verify()
    assert (folder / "model.safetensors").stat().st_size < MOST_BYTES
    card = (folder / "README.md").read_text(encoding="utf-8")
    facts = load_json(folder / "pretraining.json")
    assert f"{facts['num_steps']:,} steps" in card
    assert facts["hardware"] in card
    assert "CC BY-SA 3.0" in card


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_names_it(name: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    data = "data: {train: train.csv}"
    recipe.write_text(f"name: a\nbase: {name}\ntask: {{kind: text-classification}}\n{data}\n", encoding="utf-8")
    (tmp_path / "train.csv").write_text("text,label\na,b\n", encoding="utf-8")
    assert load_recipe(recipe).base == ShippedBase(name=name)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ENCODERS)
def test_it_fills_gaps_in_both_languages(name: str) -> None:
    """Most of a few easy ones among its five best guesses; random weights would find none."""
    from transformers import AutoModelForMaskedLM

    base = open_base(ShippedBase(name=name), lambda: ())  # type: ignore[arg-type]
    model = AutoModelForMaskedLM.from_pretrained(base.folder, dtype=torch.float32).eval()
    found = 0
    for text, word in GAPS:
        ids = torch.tensor([base.tokenizer.raw.encode(text).ids])
        gap = int((ids[0] == base.tokenizer.mask_id).nonzero()[0, 0])
        with torch.no_grad():
            best = model(input_ids=ids).logits[0, gap].topk(5).indices.tolist()
        found += word in {base.tokenizer.raw.decode([guess]).strip() for guess in best}
    assert found >= len(GAPS) // 2


def test_the_causal_one_expects_what_follows_in_both_languages() -> None:
    """True sentences cost it fewer nats a token than the same pieces in another order; random weights see no order."""
    from transformers import AutoModelForCausalLM

    base = open_base(ShippedBase(name="triga-gen-nano"), lambda: ())
    model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32).eval()
    begin = base.tokenizer.document_ids[0]
    for text in ("The river flows through the old town and under a bridge.", "河水流过老城，从桥下流向大海。"):
        ids = base.tokenizer.raw.encode(text, add_special_tokens=False).ids
        mixed = torch.tensor(ids)[torch.randperm(len(ids), generator=torch.Generator().manual_seed(1))].tolist()
        losses = []
        for order in (ids, mixed):
            row = torch.tensor([[begin, *order]])
            with torch.no_grad():
                losses.append(float(model(input_ids=row, labels=row).loss))
        assert losses[0] < losses[1] - 0.5
