"""New rows of the embeddings: means of the old pieces' rows, the same answers on old texts, and a folder that opens."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from triga.core.artifact import dump_json
from triga.core.errors import ModelError
from triga.models.extend import extend_embeddings, open_network
from triga.models.save import save_model
from triga.text.tokenizers.extension import extend
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.training import TokenizerSettings, save_trained, train_tokenizer

TEXTS = ["the parcel never came", "where is the order of the parcel", "我的包裹在哪里", "请退款"] * 4
OLD_TEXT, NEW_TEXT = "the parcel never came 我的", "the overcame came 支付宝"
WORDS = ("overcame", "支付宝")
FAMILIES = ("modernbert", "modernbert classifier", "bert", "llama", "llama tied")


@cache
def tokenizer_of(family: str) -> Tokenizer:
    kind, style = ("bpe", "decoder") if family.startswith("llama") else ("wordpiece", "encoder")
    return train_tokenizer(TEXTS, TokenizerSettings.model_validate({"kind": kind, "style": style, "vocab_size": 512}))


def network(family: str, *, num_rows: int | None = None) -> Any:
    """Two layers with random weights, and random biases, which fresh networks do not have."""
    import transformers as hf

    shape = {
        "vocab_size": num_rows or tokenizer_of(family).vocab_size,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "pad_token_id": 0,
    }
    special = {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made: Any
        match family:
            case "modernbert":
                made = hf.ModernBertForMaskedLM(hf.ModernBertConfig(**shape, **special))
            case "modernbert classifier":
                made = hf.ModernBertForSequenceClassification(hf.ModernBertConfig(**shape, **special, num_labels=3))
            case "bert":
                made = hf.BertForMaskedLM(hf.BertConfig(**shape))
            case _:
                made = hf.LlamaForCausalLM(hf.LlamaConfig(**shape, tie_word_embeddings=family == "llama tied"))
        for name, parameter in made.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter)
    return made.eval()


@torch.no_grad()
def logits(model: Any, tokenizer: Tokenizer, text: str) -> torch.Tensor:
    answer: torch.Tensor = model(torch.tensor([tokenizer.raw.encode(text).ids])).logits
    return answer


@pytest.mark.parametrize("family", FAMILIES)
def test_the_answer_on_old_texts_is_unchanged_and_new_words_are_read(family: str) -> None:
    old = tokenizer_of(family)
    new = extend(old, WORDS)
    model = network(family)
    before = logits(model, old, OLD_TEXT)
    state = torch.random.get_rng_state()
    num_rows = extend_embeddings(model, old, new)
    assert num_rows == new.vocab_size - old.vocab_size >= len(WORDS)
    assert torch.equal(torch.random.get_rng_state(), state)
    after = logits(model, new, OLD_TEXT)
    assert torch.equal(after[..., : before.shape[-1]], before)
    assert model.config.vocab_size == model.get_input_embeddings().num_embeddings >= new.vocab_size
    assert max(new.raw.encode(NEW_TEXT).ids) >= old.vocab_size
    assert logits(model, new, NEW_TEXT).isfinite().all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_row_is_the_mean_of_the_rows_of_the_old_pieces(family: str) -> None:
    old = tokenizer_of(family)
    new = extend(old, WORDS)
    model = network(family)
    extend_embeddings(model, old, new)
    sentence = "the overcame"
    row = new.raw.encode(sentence, add_special_tokens=False).ids[-1]
    start = len(old.raw.encode("the", add_special_tokens=False).ids)
    parts = old.raw.encode(sentence, add_special_tokens=False).ids[start:]
    assert len(parts) > 1
    matrix = model.get_input_embeddings().weight
    torch.testing.assert_close(matrix[row], matrix[parts].mean(0))
    head = model.get_output_embeddings()
    if head is not None:
        assert head.out_features == matrix.shape[0]
        assert (head.weight.data_ptr() == matrix.data_ptr()) == (family != "llama")
        torch.testing.assert_close(head.weight[row], head.weight[parts].mean(0))
        if head.bias is not None:
            torch.testing.assert_close(head.bias[row], head.bias[parts].mean())


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_reopened_it_answers_the_same(family: str, tmp_path: Path) -> None:
    import transformers

    old = tokenizer_of(family)
    new = extend(old, WORDS)
    model = network(family)
    extend_embeddings(model, old, new)
    save_model(model, new, tmp_path, max_length=64)
    opened = open_network(tmp_path)
    assert type(opened) is type(model)
    found = logits(opened, Tokenizer.load(tmp_path), NEW_TEXT)
    torch.testing.assert_close(found, logits(model, new, NEW_TEXT), rtol=0, atol=1e-6)  # the last bit is the memory's
    assert all(
        torch.equal(a, b) for a, b in zip(opened.state_dict().values(), model.state_dict().values(), strict=True)
    )
    wrapped = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert wrapped(NEW_TEXT).input_ids == new.raw.encode(NEW_TEXT).ids


def test_rows_that_no_piece_had_are_used_first() -> None:
    old = tokenizer_of("bert")
    model = network("bert", num_rows=-(-old.vocab_size // 64) * 64)
    rows = model.config.vocab_size
    extend_embeddings(model, old, extend(old, WORDS))
    assert model.config.vocab_size == rows
    many = extend(old, ["".join(chr(97 + int(digit)) for digit in str(10_000 + i)) for i in range(64)])
    extend_embeddings(model, old, many)
    assert model.config.vocab_size == rows + 64  # a multiple of 64 stays one


def test_another_tokenizer_is_refused() -> None:
    old = tokenizer_of("bert")
    with pytest.raises(ModelError, match="not an extension of the model's") as caught:
        extend_embeddings(network("bert"), old, tokenizer_of("llama"))
    assert caught.value.code == "tokenizer-not-extended"
    assert "编号不同" in caught.value.text("zh")


def test_an_architecture_that_transformers_lacks_is_named(tmp_path: Path) -> None:
    save_model(network("bert"), tokenizer_of("bert"), tmp_path, max_length=64)
    (tmp_path / "config.json").write_bytes(dump_json({"architectures": ["TrigaForMagic"], "model_type": "bert"}))
    with pytest.raises(ModelError, match="TrigaForMagic") as caught:
        open_network(tmp_path)
    assert caught.value.code == "model-architecture-unknown"
    assert "TrigaForMagic" in caught.value.text("zh")


@pytest.mark.parametrize(("kind", "style"), [("wordpiece", "encoder"), ("unigram", "encoder"), ("bpe", "decoder")])
def test_transformers_opens_a_trained_tokenizer(kind: str, style: str, tmp_path: Path) -> None:
    import transformers

    settings = TokenizerSettings.model_validate({"kind": kind, "style": style, "vocab_size": 512})
    tokenizer = train_tokenizer(TEXTS, settings)
    save_trained(tokenizer, settings, tmp_path)
    opened = transformers.AutoTokenizer.from_pretrained(tmp_path)
    text = "The parcel, 我的包裹😀"
    assert opened(text).input_ids == tokenizer.raw.encode(text).ids == Tokenizer.load(tmp_path).raw.encode(text).ids
    assert opened.pad_token_id == 0
    assert opened.mask_token == ("[MASK]" if style == "encoder" else None)
    assert opened.eos_token == (None if style == "encoder" else "<|endoftext|>")
