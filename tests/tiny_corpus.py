"""A real corpus small enough to learn in a test: token shards of a few dozen bilingual documents, and tiny networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from transformers import LlamaConfig, ModernBertConfig, T5Config

from triga.core.artifact import dump_json, writing
from triga.models.open import OpenedBase
from triga.text.tokenizers.token_file import TokenWriter
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer

SUBJECTS = ("the river", "a small boat", "the old bridge", "our neighbour", "the night train")
VERBS = ("follows", "crosses", "remembers", "waits for", "carries")
ENDINGS = ("the quiet town", "a heavy load of stones", "every summer", "the people of the valley")
CHINESE = ("河水慢慢流过小城", "旧桥上的人在等夜里的火车", "我们的邻居记得每一个夏天", "小船带着石头回到山谷")


def documents() -> list[tuple[str, str]]:
    """100 texts with their language; the held-out ones are every tenth."""
    english = [
        f"{subject} {verb} {ending}, and {SUBJECTS[i % 5]} {verb} it too."
        for i, subject in enumerate(SUBJECTS * 3)
        for verb in VERBS[i % 2 :: 2]
        for ending in ENDINGS[i % 3 :: 2]
    ]
    chinese = [f"{CHINESE[i % 4]}，{CHINESE[(i // 4) % 4]}。{CHINESE[(i * 3 + 1) % 4]}。" for i in range(40)]
    return [(text, "en") for text in english[:60]] + [(text, "zh") for text in chinese]


def tokenizer(style: str = "encoder") -> Tokenizer:
    """``seq2seq`` is an encoder's with sentinels."""
    kind = "encoder" if style == "seq2seq" else style
    settings = TokenizerSettings(kind="unigram", vocab_size=512, style=kind, sentinels=20 if style == "seq2seq" else 0)
    return train_tokenizer((text for text, _ in documents() * 5), settings)


def write_corpus(folder: Path, style: str = "encoder") -> Path:
    """A corpus folder as ``triga corpus build`` leaves it, of one shard for each split."""
    cut = tokenizer(style)
    rows = documents()
    with writing(folder, kind="corpus") as target:
        cut.save(target)
        for split in ("train", "dev"):
            chosen = [row for i, row in enumerate(rows) if (i % 10 == 0) is (split == "dev")]
            _write_shard(target / "shards" / f"{split}-00000", chosen, cut)
        parts = [f"{split}/{language}" for split in ("train", "dev") for language in ("en", "zh")]
        tokens, counts, sizes = dict.fromkeys(parts, 1), dict.fromkeys(parts, 1), dict.fromkeys(parts, 4)
        source = {"name": "tests", "licence": "CC0", "documents": {"train/en": 1}, "tokens": tokens}
        total = {"tokens": tokens, "documents": counts, "bytes": sizes}
        (target / "corpus.json").write_bytes(dump_json({"sources": [source], "total": total}))
    return folder


def _write_shard(folder: Path, rows: list[tuple[str, str]], cut: Tokenizer) -> None:
    folder.mkdir(parents=True)
    ids = [encoding.ids for encoding in cut.raw.encode_batch([text for text, _ in rows], add_special_tokens=False)]
    with TokenWriter(folder) as writer:
        writer.add([np.array(row) for row in ids])
    with open(folder / "languages.npy", "wb") as file:
        np.save(file, np.array([("en", "zh").index(language) for _, language in rows], dtype=np.uint8))
    (folder / "languages.json").write_bytes(dump_json(["en", "zh"]))


def tiny_base(cut: Tokenizer, *, causal: bool = False, seq2seq: bool = False, **changes: Any) -> OpenedBase:
    """Two layers of width 32, random: ModernBERT, Llama where ``causal``, T5 where ``seq2seq``."""
    begin, end = cut.document_ids
    shape: dict[str, Any] = {
        "vocab_size": -(-cut.vocab_size // 64) * 64,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "pad_token_id": cut.pad_id,
        "bos_token_id": begin,
        "eos_token_id": end,
        **changes,
    }
    if seq2seq:
        own = {"d_ff": shape.pop("intermediate_size"), "d_kv": 16, "num_decoder_layers": 2}
        own |= {"feed_forward_proj": "gated-gelu", "decoder_start_token_id": cut.pad_id}
        return OpenedBase(T5Config(**{**own, **shape}), cut, None)
    if causal:
        return OpenedBase(LlamaConfig(tie_word_embeddings=True, **shape), cut, None)
    return OpenedBase(ModernBertConfig(local_attention=8, cls_token_id=begin, sep_token_id=end, **shape), cut, None)
