"""What a base may be, and how each thing that is wrong with one is said."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import LABELS, ROWS, Tiny

from triga.core.artifact import writing
from triga.core.errors import ModelError
from triga.models.open import OpenedBase, check_folder, open_base
from triga.models.recipe import FolderBase, HubBase, ScratchBase
from triga.models.save import save_model
from triga.models.size import SIZES, Shape
from triga.text.tokenizers.tokenizer import Tokenizer

MakeFolder = Callable[..., Path]


def _open(folder: Path) -> OpenedBase:
    return open_base(FolderBase(path=folder), lambda: ())


def _refused(folder: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        _open(folder)
    return caught.value


# -- folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    error = _refused(tmp_path / "absent")
    assert (error.code, error.where) == ("model-folder-missing", str(tmp_path / "absent"))
    assert "base: {kind: hub, id: …}" in error.text()
    assert "base: {kind: hub, id: …}" in error.text("zh")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file(make_folder: MakeFolder, name: str) -> None:
    folder = make_folder("bert")
    (folder / name).unlink()
    error = _refused(folder)
    assert (error.code, error.where) == ("model-file-missing", str(folder))
    assert name in error.text("zh")


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "modernbert", "gpt2"])
def test_a_folder_without_a_tokenizer(make_folder: MakeFolder, family: str) -> None:
    """transformers gives some of them a tokenizer all the same, to which every word is unknown."""
    folder = make_folder(family)
    for name in ("vocab.txt", "tokenizer.json"):
        (folder / name).unlink(missing_ok=True)
    error = _refused(folder)
    assert error.code == "model-file-missing"
    assert "tokenizer.json" in error.text()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pth", "last.ckpt", "model.pkl"])
def test_pickled_weights_are_not_read(make_folder: MakeFolder, name: str) -> None:
    folder = make_folder("bert")
    (folder / "model.safetensors").rename(folder / name)
    error = _refused(folder)
    assert error.code == "model-holds-pickle"
    assert f"triga models convert {name}" in error.text()
    assert name in error.text("zh")


def test_pickle_beside_safetensors_does_no_harm(make_folder: MakeFolder) -> None:
    folder = make_folder("bert")
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert _open(folder).folder == folder


def test_code_that_comes_with_a_model_is_not_run(make_folder: MakeFolder) -> None:
    folder = make_folder("bert")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.EvilConfig"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('run')")
    error = _refused(folder)
    assert error.code == "model-needs-code"
    assert error.where == str(folder / "config.json")
    assert "evil" not in sys.modules


def test_a_tokenizer_that_asks_for_code_is_not_run(make_folder: MakeFolder) -> None:
    folder = make_folder("bert")
    (folder / "vocab.txt").unlink()
    settings = {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "evil.py").write_text("raise SystemExit('run')")
    assert _refused(folder).code == "model-file-missing"


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", '"text"', '{"model_type": "of-tomorrow"}', '{"model_type": "bert", "hidden_size": "wide"}'],
)
def test_a_config_that_describes_no_model(make_folder: MakeFolder, content: str) -> None:
    folder = make_folder("bert")
    (folder / "config.json").write_text(content)
    error = _refused(folder)
    assert (error.code, error.where) == ("model-config-invalid", str(folder / "config.json"))


def test_a_config_that_is_not_json(make_folder: MakeFolder) -> None:
    folder = make_folder("bert")
    (folder / "config.json").write_text("{")
    assert _refused(folder).code == "file-not-json"


@pytest.mark.parametrize("content", ["{}", "[]", "x", '{"version": "1.0"}'])
def test_a_tokenizer_that_cannot_be_read(make_folder: MakeFolder, content: str) -> None:
    folder = make_folder("bert")
    (folder / "tokenizer.json").write_text(content)
    error = _refused(folder)
    assert (error.code, error.where) == ("tokenizer-unreadable", str(folder / "tokenizer.json"))


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_weights_that_were_cut(make_folder: MakeFolder, keep: int) -> None:
    folder = make_folder("bert")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    error = _refused(folder)
    assert (error.code, error.where) == ("model-weights-unreadable", str(weights))


def test_shards_are_all_looked_for(make_folder: MakeFolder, make_model: Any) -> None:
    folder = make_folder("bert")
    (folder / "model.safetensors").unlink()
    make_model("bert").save_pretrained(folder, max_shard_size="4KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    check_folder(folder)
    shards[-1].unlink()
    error = _refused(folder)
    assert error.code == "model-file-missing"
    assert shards[-1].name in error.text()


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": 3}'])
def test_an_index_of_shards_that_is_none(make_folder: MakeFolder, content: str) -> None:
    folder = make_folder("bert")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(content)
    assert _refused(folder).code == "model-weights-unreadable"


def test_triga_s_own_folder_is_checked_by_its_manifest(make_folder: MakeFolder, tmp_path: Path) -> None:
    with writing(tmp_path / "ours", kind="model") as folder:
        shutil.copytree(make_folder("bert"), folder, dirs_exist_ok=True)
    folder = tmp_path / "ours"
    assert _open(folder).folder == folder
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(bytes(weights))
    error = _refused(folder)
    assert (error.code, error.where) == ("file-changed", str(folder / "model.safetensors"))
    assert "wrong checksum" in error.text()


def test_a_hub_model_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError) as caught:
        open_base(HubBase(id="nobody/nothing"), lambda: ())
    error = caught.value
    assert (error.code, error.where) == ("model-not-downloaded", "base: nobody/nothing")
    assert "online: true" in error.text("zh")
    assert not os.listdir(tmp_path)  # noqa: PTH208 - nothing was fetched


# -- what is opened ---------------------------------------------------------------------------------------------------


def test_a_vocabulary_file_alone_becomes_a_fast_tokenizer(make_folder: MakeFolder) -> None:
    """As old BERT folders are; the ids are those of transformers' own tokenizer."""
    from transformers import AutoTokenizer

    folder = make_folder("bert")
    base = _open(folder)
    theirs = AutoTokenizer.from_pretrained(folder)
    assert base.tokenizer.uses_token_types
    for text, pair in (("Hello parcels", None), ("你好，world", None), ("hello", "parcel 中文")):
        (ours,) = base.tokenizer.encode([(text, pair)], 32)
        expected = theirs(text, pair)
        assert ours.input_ids.tolist() == expected["input_ids"]
        assert ours.token_type_ids.tolist() == expected["token_type_ids"]
    assert 1 in base.tokenizer.encode([("hello", "world")], 32)[0].token_type_ids


@pytest.mark.parametrize(
    ("family", "longest"), [("bert", 34), ("roberta", 32), ("distilbert", 34), ("modernbert", 34), ("gpt2", 34)]
)
def test_the_longest_row_is_what_the_model_takes(
    make_folder: MakeFolder, tiny: Tiny, family: str, longest: int
) -> None:
    """One token more and a position is looked up that does not exist (rotary positions have no end)."""
    folder = make_folder(family)
    base = _open(folder)
    assert base.max_positions == longest
    module = tiny.task.build(base, seed=0).eval()

    def logits(length: int) -> torch.Tensor:
        ids = torch.full((2, length), 7)
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        return tiny.task.logits(module, batch, torch.float32)

    assert logits(longest).shape == (2, len(LABELS))
    if family != "modernbert":
        with pytest.raises((IndexError, RuntimeError)):
            logits(longest + 1)


def test_a_head_that_fits_is_kept_and_another_is_drawn(make_folder: MakeFolder, make_model: Any, tiny: Tiny) -> None:
    folder = make_folder("bert", num_labels=3)
    trained = dict(make_model("bert", num_labels=3).named_parameters())
    for name, value in tiny.task.build(_open(folder), seed=1).named_parameters():
        assert torch.equal(value, trained[name]), name
    other = tiny.task.build(_open(make_folder("bert", "two", num_labels=2)), seed=1)
    assert other.classifier.weight.shape == (3, 16)
    assert torch.equal(other.bert.embeddings.word_embeddings.weight, trained["bert.embeddings.word_embeddings.weight"])
    same, different = (tiny.task.build(_open(folder.parent / "two"), seed=seed) for seed in (1, 2))
    assert torch.equal(same.classifier.weight, other.classifier.weight)
    assert not torch.equal(different.classifier.weight, other.classifier.weight)


def test_a_head_for_other_words_is_drawn_too(make_folder: MakeFolder, tmp_path: Path, tiny: Tiny) -> None:
    """A base from masked-language pretraining has no pooler and no classifier."""
    import transformers

    config = transformers.BertConfig.from_pretrained(make_folder("bert"))
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path / "mlm")
    shutil.copy(tmp_path / "model" / "vocab.txt", tmp_path / "mlm")
    tiny.task.build(_open(tmp_path / "mlm"), seed=0)


@pytest.mark.parametrize(("field", "value"), [("num_hidden_layers", 3), ("vocab_size", 41), ("intermediate_size", 32)])
def test_a_body_that_is_not_in_the_weights_is_refused(
    make_folder: MakeFolder, tiny: Tiny, field: str, value: int
) -> None:
    """transformers draws such layers at random and goes on; the base would be lost without a word."""
    folder = make_folder("bert")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: value}))
    with pytest.raises(ModelError) as caught:
        tiny.task.build(_open(folder), seed=0)
    assert caught.value.code == "model-weights-missing"
    assert caught.value.where == str(folder)
    assert "bert." in caught.value.text("zh")


# -- from scratch -----------------------------------------------------------------------------------------------------


def _scratch(texts: tuple[str, ...] = tuple(text for text, _ in ROWS)) -> OpenedBase:
    return open_base(ScratchBase(vocab_size=300), lambda: texts)


def test_scratch_is_a_modernbert_of_the_dial_over_the_texts(tiny: Tiny) -> None:
    base = _scratch()
    config = base.config
    assert (config.model_type, config.hidden_size, config.num_hidden_layers) == ("modernbert", 256, 4)
    assert config.vocab_size % 64 == 0
    assert config.vocab_size >= base.tokenizer.vocab_size
    assert config.pad_token_id == base.tokenizer.pad_id == 0
    (encoding,) = base.tokenizer.encode([("hello there", None)], 16)
    assert encoding.input_ids[0] == config.cls_token_id == config.bos_token_id
    assert encoding.input_ids[-1] == config.sep_token_id == config.eos_token_id
    assert (base.folder, base.max_positions) == (None, 1024)
    logits = tiny.task.logits(
        tiny.task.build(base, seed=0).eval(), tiny.task.collate([encoding], None, 0), torch.float32
    )
    assert logits.shape == (1, 3)


@pytest.fixture
def small_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the real sizes' weights takes a second each."""
    monkeypatch.setitem(SIZES, "nano", Shape(64, 3, 1e-3))


@pytest.mark.usefixtures("small_dial")
def test_the_seed_alone_decides_the_weights(tiny: Tiny) -> None:
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    one, same, other = (tiny.task.build(_scratch(), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)  # drawing them moves nobody else's random numbers
    weights = [module.model.layers[2].mlp.Wi.weight for module in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.usefixtures("small_dial")
def test_what_is_saved_is_opened(tiny: Tiny, tmp_path: Path) -> None:
    base = _scratch()
    module = tiny.task.build(base, seed=0)
    save_model(module, base.tokenizer, tmp_path, max_length=32)
    opened = _open(tmp_path)
    assert isinstance(opened.tokenizer, Tokenizer)
    assert opened.config.id2label == dict(enumerate(LABELS))
    again = tiny.task.build(opened, seed=9)
    for (name, one), (_, other) in zip(module.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(one, other), name
