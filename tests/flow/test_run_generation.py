"""A writer's whole life on a tiny recipe: a decoder, questions, a dossier, answers, and transformers over it."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from triga.core.artifact import load_json
from triga.core.workspace import Workspace
from triga.flow.open import open_folder
from triga.flow.recipe import load_recipe
from triga.flow.run import RunResult, run_recipe
from triga.models.save import save_model
from triga.text.tokenizers.training import TokenizerSettings, train_tokenizer

PAIRS = [
    ("where is my parcel", "it is on its way"),
    ("can I pay by card", "yes, with any card"),
    ("how do I return shoes", "print the label and send them"),
    ("我的包裹在哪里", "正在路上"),
    ("可以刷卡吗", "可以，任何卡都行"),
    ("怎么退货", "打印标签寄回即可"),
]
RECIPE = """
name: answers
base: decoder
task: {kind: text-generation, writing: {max_new_tokens: 24}}
data: {train: train.jsonl, test: test.jsonl}
tune: {num_train_epochs: 24, max_tokens_per_batch: 512, learning_rate: 1e-2}
evaluate: {num_bootstrap: 100, gates: {likelihood: 0.5}}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("recipe")
    texts = [text for pair in PAIRS for text in pair]
    tokenizer = train_tokenizer(iter(texts * 8), TokenizerSettings(kind="unigram", style="decoder", vocab_size=600))
    torch.manual_seed(1)
    shape = {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=tokenizer.vocab_size, max_position_embeddings=96, pad_token_id=0, **shape)
    (folder / "decoder").mkdir()
    save_model(LlamaForCausalLM(config), tokenizer, folder / "decoder", max_length=96)
    openings = ("", "hello, ", "please: ", "您好，", "问一下，", "hi! ")
    rows = [{"instruction": opening + asked, "output": said} for opening in openings for asked, said in PAIRS]
    for name, some in (
        ("train", rows),
        ("test", [{**row, "instruction": row["instruction"] + "?"} for row in rows[:6]]),
    ):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in some), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return run_recipe(load_recipe(folder / "recipe.yaml"), Workspace(tmp_path_factory.mktemp("workspace")))


def test_it_answers_as_it_was_taught(finished: RunResult) -> None:
    pipeline = open_folder(finished.folder / "model")
    answers = pipeline.predict([asked for asked, _ in PAIRS])
    assert [answer.as_dict()["written"] for answer in answers] == [said for _, said in PAIRS]
    assert {answer.as_dict()["finish_reason"] for answer in answers} == {"stop"}


def test_the_dossier_tells_of_what_was_written(finished: RunResult) -> None:
    dossier = load_json(finished.folder / "dossier.json")
    model, nearest, commonest = dossier["systems"]
    assert [one["key"] for one in (nearest, commonest)] == ["nearest-question", "commonest"]
    assert model["scores"]["rouge_l"]["value"] > commonest["scores"]["rouge_l"]["value"]
    assert 0.5 < model["scores"]["likelihood"]["value"] <= 1
    part = dossier["parts"]["writing"]
    assert part["perplexity"] == pytest.approx(1 / model["scores"]["likelihood"]["value"], rel=1e-4)
    html = (finished.folder / "dossier.html").read_text(encoding="utf-8")
    assert "Bits a byte" in html
    assert "每字节比特数" in html


def test_transformers_opens_the_folder_and_writes_the_same(finished: RunResult) -> None:
    folder = finished.folder / "model"
    module = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for asked, _ in PAIRS[:4]:
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": asked}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>")]
        written = module.generate(**inputs, max_new_tokens=24, do_sample=False, eos_token_id=ends, pad_token_id=0)
        theirs = tokenizer.decode(written[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        assert open_folder(folder).predict([asked])[0].as_dict()["written"] == theirs
