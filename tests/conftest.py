"""Fixtures that several rooms use. Each part is one room's; everything is tiny, real and built here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from postgres_server import postgres, postgres_url  # noqa: F401 - fixtures

# Before torch is loaded: threads that spin while they wait make two processes on two cores many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# -- runtime bundles (predict, serve) ---------------------------------------------------------------------------------

BUNDLE_LABELS = ("refund", "parcel", "greeting", "other")
BUNDLE_TEXTS = (
    "where is my parcel",
    "i want my money back",
    "hello there, good morning to you",
    "the parcel never came and nobody answers",
    "我的包裹在哪里",
    "你好，我想退款",
)
MakeBundle = Callable[..., Path]


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> MakeBundle:
    """Write a runtime bundle: an encoder of one layer with a fixed seed, and a WordPiece tokenizer of six sentences."""
    # Imported here: many tests need neither.
    from triga.core.artifact import writing
    from triga.predict.settings import ModelSettings
    from triga.tasks.text_classification.recipe import TextClassificationSection
    from triga.tasks.text_classification.spec import TextClassification

    tokenizer = _tiny_tokenizer()

    def make(*, int8: bool = False, takes_pairs: bool | None = None, **task: object) -> Path:
        section = TextClassificationSection(kind="text-classification", **task)
        folder = tmp_path_factory.mktemp("bundles") / "bundle"
        with writing(folder, kind="bundle") as files:
            _write_tiny_graph(files / "model.onnx", tokenizer.get_vocab_size(), len(BUNDLE_LABELS))
            if int8:
                _quantize(files / "model.onnx", files / "model_int8.onnx")
            tokenizer.save(str(files / "tokenizer.json"))
            ModelSettings(
                name="tiny",
                spec=TextClassification(section).with_labels(BUNDLE_LABELS).as_dict(),
                max_length=16,
                takes_pairs=takes_pairs,
                engine="model_int8.onnx" if int8 else "model.onnx",
            ).save(files)
        return folder

    return make


@pytest.fixture(scope="session")
def bundle(make_bundle: MakeBundle) -> Path:
    return make_bundle()


@pytest.fixture(scope="session")
def int8_bundle(make_bundle: MakeBundle) -> Path:
    return make_bundle(int8=True)


def _tiny_tokenizer():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(
        BUNDLE_TEXTS, trainers.WordPieceTrainer(vocab_size=200, special_tokens=specials, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _write_tiny_graph(path: Path, vocab_size: int, num_classes: int, *, width: int = 16) -> None:
    """embedding → one self-attention → mean over real tokens → linear; padding is masked in both places."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    weights = {
        "embedding": random.normal(size=(vocab_size, width)),
        "query": random.normal(size=(width, width)) / 4,
        "key": random.normal(size=(width, width)) / 4,
        "value": random.normal(size=(width, width)) / 4,
        "head": random.normal(size=(width, num_classes)),
        "one": np.array(1.0),
        "far": np.array(-1e9),
    }
    node = helper.make_node
    nodes = [
        node("Gather", ["embedding", "input_ids"], ["x"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Sub", ["one", "mask"], ["hidden"]),
        node("Mul", ["hidden", "far"], ["far_mask"]),
        node("Unsqueeze", ["far_mask", "axis1"], ["bias"]),
        *(node("MatMul", ["x", name], [name[0]]) for name in ("query", "key", "value")),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["raw"]),
        node("Add", ["raw", "bias"], ["scores"]),
        node("Softmax", ["scores"], ["attention"], axis=-1),
        node("MatMul", ["attention", "v"], ["mixed"]),
        node("Unsqueeze", ["mask", "axis2"], ["mask3"]),
        node("Mul", ["mixed", "mask3"], ["kept"]),
        node("ReduceSum", ["kept", "axis1"], ["total"], keepdims=0),
        node("ReduceSum", ["mask", "axis1"], ["count"], keepdims=1),
        node("Div", ["total", "count"], ["mean"]),
        node("MatMul", ["mean", "head"], ["logits"]),
    ]
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    initializers += [numpy_helper.from_array(np.array([i]), f"axis{i}") for i in (1, 2)]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["B", "T"]) for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", num_classes])
    graph = helper.make_graph(nodes, "tiny", inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _quantize(source: Path, target: Path) -> None:
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(source, target, weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)


# -- tiny models (train, models, compress) ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tiny():
    """Rows, tokenizer, task and builders of a classifier of 8,000 weights; see ``tiny_models.Tiny``.

    One thread: for work this small a second one only waits, and on a busy machine ten times as long.
    """
    import torch
    from tiny_models import Tiny  # both imported here: many tests need neither

    torch.set_num_threads(1)
    return Tiny()
