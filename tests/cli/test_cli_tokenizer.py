"""``tokenizer``: train, show, compare and extend, from files as people have them, in both languages."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard

TEXTS = [
    "the parcel never came and nobody answers the phone",
    "where is the parcel, the order of 2024",
    "我的包裹在哪里，客服没有回答",
    "请退款，订单已经取消了，谢谢客服",
] * 5


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS), encoding="utf-8")
    return path


@pytest.fixture
def trained(triga, lines: Path) -> Path:
    assert triga("tokenizer", "train", lines, "--vocab-size", 512, "--out", "trained").code == 0
    return lines.parent / "trained"


def test_training_writes_a_folder_and_never_over_another(triga, lines):
    said = triga("tokenizer", "train", lines, "--kind", "bpe", "--vocab-size", 600, "-o", "made")
    assert said.code == 0
    assert said.out.startswith("wrote made: bpe, ")
    assert {path.name for path in Path("made").iterdir()} == {
        "manifest.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    again = triga("tokenizer", "train", lines, "-o", "made")
    assert again.code == 2
    assert "is not replaced" in again.err
    assert "已写入" in triga("tokenizer", "train", lines, "--vocab-size", 600, "-o", "other", language="zh").out


def test_every_way_to_pack_the_same_texts_gives_the_same_tokenizer(triga, lines):
    content = lines.read_bytes()
    Path("b.jsonl.gz").write_bytes(gzip.compress(content))
    Path("c.jsonl.zst").write_bytes(zstandard.compress(content))
    Path("d.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    Path("e.txt.gz").write_bytes(gzip.compress("\n".join(TEXTS).encode("gb18030")))
    made = []
    for number, name in enumerate((lines, "b.jsonl.gz", "c.jsonl.zst", "d.txt", "e.txt.gz")):
        assert triga("tokenizer", "train", name, "--vocab-size", 512, "-o", f"out{number}").code == 0
        made.append(Path(f"out{number}/tokenizer.json").read_bytes())
    assert len(set(made)) == 1


def test_the_options_reach_the_tokenizer(triga, lines):
    options = ("--style", "decoder", "--kind", "bpe", "--vocab-size", 512, "--lowercase", "--max-text-mb", 1)
    said = triga("tokenizer", "train", lines, *options, "--out", "made", "--json")
    assert json.loads(said.out)["vocab_size"] <= 512
    inputs = json.loads(Path("made/manifest.json").read_text())["inputs"]
    assert (inputs["style"], inputs["lowercase"], inputs["byte_fallback"]) == ("decoder", True, None)
    said = triga("tokenizer", "train", lines, "--kind", "wordpiece", "--byte-fallback", "--out", "none")
    assert said.code == 2
    assert "a wordpiece tokenizer cannot have byte_fallback: true" in said.err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"content": "a"}', "the record has no 'text' field (its fields: content)"),
        ('{"text": "a"', "invalid JSON"),
        ("[1]", "not a JSON object"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(triga, line, told):
    Path("bad.jsonl").write_text('{"text": "fine"}\n' + line + "\n")
    said = triga("tokenizer", "train", "bad.jsonl", "-o", "out")
    assert said.code == 2
    assert told in said.err
    assert "bad.jsonl, line 2" in said.err
    assert not Path("out").exists()


def test_a_file_that_is_not_there_or_no_text(triga):
    assert "there is no file nothing.txt" in triga("tokenizer", "train", "nothing.txt", "-o", "out").err
    Path("image.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    assert "this is not text: PNG" in triga("tokenizer", "train", "image.txt", "-o", "out").err


def test_show_tells_what_it_makes_of_texts(triga, trained, lines):
    out = triga("tokenizer", "show", trained).out
    assert out.startswith("kind            Unigram")
    assert "[MASK]" in out
    assert "characters per token" not in out
    out = triga("tokenizer", "show", trained / "tokenizer.json", "--text", lines).out
    for words in ("language", "en", "zh", "characters per token", "vocabulary used", "rare (zh)"):
        assert words in out
    assert "每词元字符数" in triga("tokenizer", "show", trained, "--text", lines, language="zh").out
    plain = json.loads(triga("tokenizer", "show", trained, "--text", lines, "--json").out)
    assert plain["languages"]["en"]["num_texts"] == 10
    assert plain["languages"]["zh"]["unknown_share"] == 0


def test_where_there_is_no_tokenizer_that_is_said(triga, tmp_path):
    said = triga("tokenizer", "show", "nowhere")
    assert said.code == 2
    assert "there is no tokenizer here" in said.err
    assert "此处没有分词器" in triga("tokenizer", "show", "nowhere", language="zh").err
    (tmp_path / "empty").mkdir()
    assert "the tokenizer cannot be read" in triga("tokenizer", "show", "empty").err


def test_compare_puts_them_beside_each_other(triga, trained, lines):
    triga("tokenizer", "train", lines, "--kind", "wordpiece", "--vocab-size", 512, "-o", "words")
    said = triga("tokenizer", "compare", trained, "words", "--text", lines)
    assert said.code == 0
    head = said.out.splitlines()[0].split()
    assert head == ["tokenizer", "trained", "words"]
    assert "kind                       Unigram  WordPiece" in said.out
    assert "characters per token (zh)" in said.out
    assert "where is the parcel, the order of 2024\n" in said.out, said.out
    assert said.out.count("我 | 的 | 包 | 裹") == 2
    plain = json.loads(triga("tokenizer", "compare", trained, "words", "--text", lines, "--json").out)
    assert [one["kind"] for one in plain["tokenizers"]] == ["Unigram", "WordPiece"]
    assert all(len(found) == 2 for found in plain["examples"].values())
    for arguments in ((trained, "--text", lines), (trained, "words")):
        assert triga("tokenizer", "compare", *arguments).code == 2


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertForMaskedLM

    from triga.models.save import save_model
    from triga.predict.settings import ModelSettings
    from triga.text.tokenizers.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(trained)
    shape = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    with torch.random.fork_rng():
        network = BertForMaskedLM(BertConfig(vocab_size=tokenizer.vocab_size, **shape))
    save_model(network, tokenizer, tmp_path / "model", max_length=64)
    lineage = {"recipe": "r", "added_words": ["echo"]}
    ModelSettings(name="m", spec={"kind": "k"}, max_length=48, lineage=lineage).save(tmp_path / "model")
    return tmp_path / "model"


def test_a_model_gains_the_words_of_a_domain(triga, model, tmp_path):
    pytest.importorskip("rjieba")
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    from triga.predict.settings import ModelSettings

    (tmp_path / "domain.txt").write_text("the defibrillator and the stent\n支付宝账号\n" * 6, encoding="utf-8")
    said = triga("tokenizer", "extend", model, "--text", "domain.txt", "--max-words", 3, "--out", "more")
    assert said.code == 0, said.err
    assert said.out.startswith("wrote more: 3 new words, 3 new rows of the embeddings.")
    assert "defibrillator" in said.out
    opened, tokenizer = AutoModelForMaskedLM.from_pretrained("more"), AutoTokenizer.from_pretrained("more")
    assert opened.config.vocab_size == len(tokenizer)
    assert len(tokenizer("defibrillator", add_special_tokens=False).input_ids) == 1
    before, after = ModelSettings.load(model), ModelSettings.load(Path("more"))
    added = after.lineage["added_words"]
    assert (added[0], len(added), "defibrillator" in added) == ("echo", 4, True)
    assert after.model_copy(update={"lineage": before.lineage}) == before
    assert tokenizer.model_max_length == after.max_length == 48
    (model / "triga.json").unlink()
    assert triga("tokenizer", "extend", model, "--text", "domain.txt", "--out", "plain").code == 0
    assert AutoTokenizer.from_pretrained("plain").model_max_length == opened.config.max_position_embeddings
    assert not Path("plain/triga.json").exists()
    assert triga("tokenizer", "extend", model, "--text", "domain.txt", "--out", "more").code == 2
    said = triga("tokenizer", "extend", model, "--text", "domain.txt", "--out", "json", "--json", language="zh")
    assert json.loads(said.out)["num_rows"] == len(json.loads(said.out)["words"])
    assert "已写入" in triga("tokenizer", "extend", model, "--text", "domain.txt", "-o", "zh", language="zh").out
