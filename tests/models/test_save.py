"""A saved folder opens in transformers alone and answers the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import LABELS, Tiny

from triga.models.engine import TorchPredictor, pick_device
from triga.models.open import open_base
from triga.models.recipe import FolderBase
from triga.models.save import save_model

INPUTS = (
    ("Where is my PARCEL, please?", None),
    ("我的包裹在哪里？", None),
    ("hello there 你好", "thanks and 谢谢"),
    ("ｆｕｌｌ ｗｉｄｔｈ １２３", None),
    ("", None),
    ("hello " * 60, None),
)
MAX_LENGTH = 24


def _answers(folder: Path, inputs: Any = INPUTS) -> tuple[list[list[int]], np.ndarray]:
    """Ids and logits as a user of transformers gets them, one by one."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = [tokenizer(text, pair, truncation=True, return_tensors="pt") for text, pair in inputs]
    with torch.inference_mode():
        logits = [model(**each).logits[0].numpy() for each in encoded]
    return [each["input_ids"][0].tolist() for each in encoded], np.stack(logits)


def _own_answers(tiny: Tiny, folder: Path) -> tuple[list[list[int]], np.ndarray]:
    base = open_base(FolderBase(path=folder), lambda: ())
    module = tiny.task.build(base, seed=0)
    predictor = TorchPredictor(
        module, lambda rows: tiny.task.collate(rows, None, base.tokenizer.pad_id), tiny.task.logits, torch.device("cpu")
    )
    encodings = base.tokenizer.encode(INPUTS, MAX_LENGTH)
    logits = [predictor.predict([encoding])["logits"] for encoding in encodings]
    return [encoding.input_ids.tolist() for encoding in encodings], np.concatenate(logits)


@pytest.mark.parametrize(("initializer_range", "tolerance"), [(0.02, 1e-6), (0.4, 1e-5)])
def test_a_modernbert_answers_the_same_in_transformers(
    tiny: Tiny, tmp_path: Path, initializer_range: float, tolerance: float
) -> None:
    module = tiny.module(initializer_range=initializer_range)
    save_model(module, tiny.tokenizer, tmp_path, max_length=MAX_LENGTH)
    (ids, logits), (their_ids, their_logits) = _own_answers(tiny, tmp_path), _answers(tmp_path)
    assert ids == their_ids
    assert max(map(len, ids)) == MAX_LENGTH
    np.testing.assert_allclose(logits, their_logits, atol=tolerance, rtol=0)
    assert np.abs(their_logits).max() > 0.1


def test_a_bert_with_token_types_answers_the_same(make_folder: Callable[..., Path], tiny: Tiny, tmp_path: Path) -> None:
    base = open_base(FolderBase(path=make_folder("bert", num_labels=3, initializer_range=0.4)), lambda: ())
    save_model(tiny.task.build(base, seed=0), base.tokenizer, tmp_path / "saved", max_length=MAX_LENGTH)
    (ids, logits), (their_ids, their_logits) = _own_answers(tiny, tmp_path / "saved"), _answers(tmp_path / "saved")
    assert ids == their_ids
    np.testing.assert_allclose(logits, their_logits, atol=1e-6)


def test_the_folder_is_plain(tiny: Tiny, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoTokenizer

    save_model(tiny.module(), tiny.tokenizer, tmp_path, max_length=MAX_LENGTH)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names
    assert not {path.suffix for path in tmp_path.iterdir()} & {".bin", ".pt", ".pkl"}
    config, tokenizer = AutoConfig.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert config.id2label == dict(enumerate(LABELS))
    assert config.architectures == ["ModernBertForSequenceClassification"]
    assert config.problem_type == "single_label_classification"
    assert tokenizer.model_max_length == MAX_LENGTH
    assert tokenizer.model_input_names == ["input_ids", "attention_mask"]
    special = (tokenizer.pad_token, tokenizer.unk_token, tokenizer.cls_token, tokenizer.sep_token, tokenizer.mask_token)
    assert special == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    assert tokenizer.decode(tokenizer("hello there")["input_ids"], skip_special_tokens=True) == "hello there"


def test_the_pipeline_of_transformers_names_the_labels(tiny: Tiny, tmp_path: Path) -> None:
    from transformers import pipeline

    save_model(tiny.module(), tiny.tokenizer, tmp_path, max_length=MAX_LENGTH)
    answers = pipeline("text-classification", model=str(tmp_path), device="cpu")(["hello there", "我要退货"])
    assert {answer["label"] for answer in answers} <= set(LABELS)


def test_the_engine_computes_in_evaluation_mode_without_gradients(tiny: Tiny) -> None:
    module = tiny.module(dropout=0.5).train()
    predictor = TorchPredictor(
        module, lambda rows: tiny.task.collate(rows, None, 0), tiny.task.logits, torch.device("cpu")
    )
    first, second = (predictor.predict(tiny.encodings[:5])["logits"] for _ in range(2))
    assert not module.training
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_opening_and_saving_say_nothing(
    make_folder: Callable[..., Path], tiny: Tiny, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Only the command line speaks. A head that does not fit makes transformers print a report, saving draws a bar."""
    from transformers.utils import logging

    base = open_base(FolderBase(path=make_folder("bert", num_labels=2)), lambda: ())
    before = (logging.get_verbosity(), logging.is_progress_bar_enabled())
    capfd.readouterr()
    save_model(tiny.task.build(base, seed=0), base.tokenizer, tmp_path / "saved", max_length=MAX_LENGTH)
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_decoders_special_tokens_are_named(tmp_path: Path) -> None:
    from tiny_corpus import tiny_base, tokenizer
    from transformers import AutoTokenizer, LlamaForCausalLM

    cut = tokenizer("decoder")
    save_model(LlamaForCausalLM(tiny_base(cut, causal=True).config), cut, tmp_path, max_length=MAX_LENGTH)
    opened = AutoTokenizer.from_pretrained(tmp_path)
    named = (opened.bos_token, opened.eos_token, opened.pad_token)
    assert named == ("<|startoftext|>", "<|endoftext|>", "<|padding|>")
    assert opened.eos_token_id == cut.document_ids[1]
