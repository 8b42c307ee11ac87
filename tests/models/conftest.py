"""Model folders of other families, as their users have them: made by transformers, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer as RawTokenizer
from tokenizers.models import WordPiece

VOCABULARY = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "hello",
    "world",
    "par",
    "##cel",
    "##s",
    "，",
    "中",
    "文",
    "你",
    "好",
)
SHAPE = {"vocab_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
MakeModel = Callable[..., Any]
MakeFolder = Callable[..., Path]


def _config(family: str, **changes: Any) -> Any:
    import transformers

    wide = {"hidden_size": 16, "intermediate_size": 24, "max_position_embeddings": 34}
    match family:
        case "bert":
            return transformers.BertConfig(**{**SHAPE, **wide, **changes})
        case "roberta":
            return transformers.RobertaConfig(**{**SHAPE, **wide, "pad_token_id": 1, "type_vocab_size": 1, **changes})
        case "distilbert":
            sizes = {"vocab_size": 40, "n_layers": 2, "n_heads": 2, "dim": 16, "hidden_dim": 24}
            return transformers.DistilBertConfig(**{**sizes, "max_position_embeddings": 34, **changes})
        case "modernbert":
            special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
            return transformers.ModernBertConfig(**{**SHAPE, **wide, **special, **changes})
        case "gpt2":
            sizes = {"vocab_size": 40, "n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 34}
            return transformers.GPT2Config(**{**sizes, "bos_token_id": 3, "eos_token_id": 3, **changes})
        case _:
            raise AssertionError(family)


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """``make_model("bert", num_labels=3)``: a classifier with random weights, in evaluation mode."""

    def make(family: str, *, seed: int = 0, **changes: Any) -> Any:
        from transformers import AutoModelForSequenceClassification

        config = _config(family, **changes)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return AutoModelForSequenceClassification.from_config(config).eval()

    return make


@pytest.fixture
def make_folder(make_model: MakeModel, tmp_path: Path) -> MakeFolder:
    """``make_folder("bert")``: saved by transformers. BERTs have ``vocab.txt`` alone, the others ``tokenizer.json``."""

    def make(family: str, name: str = "model", **changes: Any) -> Path:
        folder = tmp_path / name
        make_model(family, **changes).save_pretrained(folder)
        if "bert" in family and family not in ("roberta", "modernbert"):
            (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
        else:
            vocabulary = {token: i for i, token in enumerate(VOCABULARY)}
            RawTokenizer(WordPiece(vocabulary, unk_token="[UNK]")).save(str(folder / "tokenizer.json"))
        return folder

    return make
