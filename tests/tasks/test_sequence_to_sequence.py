"""Translation and summarisation: rows, tokens, scores equal to sacrebleu's, and a loss equal to transformers'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF
from tiny_models import CPU
from tiny_translations import translation_rows
from transformers import T5Config

from triga.core.arrays import IGNORED, Encoding, as_characters, as_texts
from triga.core.errors import DataError, ModelError
from triga.data.tokens import tokenize
from triga.models.open import OpenedBase, scratch_config
from triga.predict.batching import predict_all
from triga.tasks.models import open_predictor, open_task_model, texts_to_learn
from triga.tasks.sequence_to_sequence.metrics import (
    bleu_details,
    summary_scores,
    summary_statistics,
    translation_scores,
    translation_statistics,
)
from triga.tasks.sequence_to_sequence.model import SequenceToSequenceModel
from triga.tasks.sequence_to_sequence.recipe import SequenceToSequenceSection
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.union import load_task
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.training import train_writing_tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece

MAX_LENGTH = 32


def _spec(kind: str = "translation", **section: Any) -> SequenceToSequence:
    return SequenceToSequence(SequenceToSequenceSection(kind=kind, **section))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [dict(_spec().parse(row)) for row in translation_rows(60)]


@pytest.fixture(scope="module")
def tokenizer(rows: list[dict[str, Any]]) -> Tokenizer:
    return train_writing_tokenizer(texts_to_learn(_spec(), rows), 600)


def _base(tokenizer: Tokenizer, **shape: int) -> OpenedBase:
    begin, end = tokenizer.document_ids
    config = T5Config(
        vocab_size=tokenizer.vocab_size,
        decoder_start_token_id=tokenizer.pad_id,
        pad_token_id=tokenizer.pad_id,
        bos_token_id=begin,
        eos_token_id=end,
        feed_forward_proj="gated-gelu",
        **{"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 1, "num_heads": 2, **shape},
    )
    return OpenedBase(config, tokenizer, None)


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code", "role"),
    [
        ({"source": "a", "target": ""}, "text-empty", "target"),
        ({"source": "a", "target": None}, "text-empty", "target"),
        ({"source": "  ", "target": "b"}, "text-empty", "source"),
        ({"source": ["a"], "target": "b"}, "text-not-string", "source"),
        ({"source": "a", "target": "<br>"}, "text-nothing-left", "target"),
    ],
)
def test_a_row_without_one_of_its_texts_is_refused(values: dict[str, Any], code: str, role: str) -> None:
    with pytest.raises(DataError) as caught:
        _spec(prepare={"markup": "html"}).parse(values)
    assert (caught.value.code, caught.value.params["role"]) == (code, role)
    assert caught.value.fields("en")["fix"]


def test_what_it_says_of_itself_comes_back_from_its_file() -> None:
    spec = _spec("summarization", num_beams=2, source_prefix="summarize: ")
    assert load_task(spec.as_dict()) == spec
    assert spec.main_metric == "rouge_l"
    assert _spec().main_metric == "bleu"


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_both_sides_end_with_the_token_that_ends_a_text(rows: list[dict[str, Any]], tokenizer: Tokenizer) -> None:
    _, end = tokenizer.document_ids
    spec = _spec(source_prefix="the: ", max_new_tokens=6)
    for row, encoding in zip(rows, spec.encode(rows, tokenizer, 10), strict=True):
        assert encoding.labels is not None
        assert (encoding.input_ids[-1], encoding.labels[-1]) == (end, end)
        assert len(encoding) <= 10
        assert len(encoding.labels) <= 6
        assert tokenizer.raw.decode(encoding.input_ids).startswith("the: T")
        assert row["target"].startswith(tokenizer.raw.decode(encoding.labels))


def test_a_tokenizer_that_ends_no_text_is_helped(rows: list[dict[str, Any]], tokenizer: Tokenizer) -> None:
    from tokenizers import Tokenizer as RawTokenizer
    from tokenizers import processors

    raw = RawTokenizer.from_str(tokenizer.raw.to_str())
    begin, end = tokenizer.document_ids
    raw.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A", special_tokens=[("<|startoftext|>", begin)]
    )
    (encoding,) = _spec().encode(rows[:1], Tokenizer(raw), MAX_LENGTH)
    assert encoding.labels is not None
    assert (encoding.input_ids[0], encoding.input_ids[-1], encoding.labels[-1]) == (begin, end, end)


def test_a_text_without_a_target_is_encoded_to_be_asked(tokenizer: Tokenizer) -> None:
    (encoding,) = _spec().encode([{"source": "The tea.", "target": None}], tokenizer, MAX_LENGTH)
    assert encoding.labels is None


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_tokenizer_gives_back_every_text(texts: list[str]) -> None:
    tokenizer = _learned()
    for text in texts:
        assert tokenizer.raw.decode(tokenizer.raw.encode(text).ids) == text


_LEARNED: list[Tokenizer] = []


def _learned() -> Tokenizer:
    if not _LEARNED:
        _LEARNED.append(train_writing_tokenizer(texts_to_learn(_spec(), translation_rows(60)), 600))
    return _LEARNED[0]


def test_targets_are_kept_with_the_cached_tokens(
    rows: list[dict[str, Any]], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    spec = _spec()

    def encode(some: Any) -> list[Encoding]:
        return spec.encode(some, tokenizer, MAX_LENGTH)

    fresh = encode(rows)
    for _ in range(2):  # made, then read
        cached = tokenize(rows, encode, cache=tmp_path, key="k")
        for ours, theirs in zip(cached, fresh, strict=True):
            np.testing.assert_array_equal(ours.labels, theirs.labels)
    batch = spec.targets(rows, cached)[np.arange(3)]
    lengths = [len(one.labels) for one in fresh[:3] if one.labels is not None]
    assert batch.shape == (3, max(lengths))
    assert [(line != IGNORED).sum() for line in batch] == lengths


@given(st.lists(st.text(st.characters(min_codepoint=1, exclude_categories=("Cs",)), max_size=12), max_size=5))
def test_texts_survive_as_characters(texts: list[str]) -> None:
    assert as_texts(as_characters(texts)) == texts


# -- scores -----------------------------------------------------------------------------------------------------------

GIVEN = ["A man sits on a bench.", "two dogs", "The tea is cold!", "", "A man in a red hat is walking his dog."]
TRUE = [
    "A man is sitting on a bench.",
    "Two dogs run.",
    "The tea is cold!",
    "A child laughs.",
    "A man in a red hat walks his dog, slowly.",
]
中文 = (
    ["我的包裹在哪里？", "退款3天到账。", "谢谢"],
    ["我的包裹现在在哪里？", "退款需要3个工作日。", "谢谢您的等待！"],
)


@pytest.mark.parametrize(("given_texts", "true", "tokenize_as"), [(GIVEN, TRUE, "13a"), (*中文, "zh")])
def test_scores_are_those_of_sacrebleu(given_texts: list[str], true: list[str], tokenize_as: str) -> None:
    statistics = translation_statistics(given_texts, true, tokenize_as)
    choice = np.random.default_rng(0)
    draws = [
        np.arange(len(true)),
        *(choice.integers(0, len(true), len(true)) for _ in range(20)),
        *([i] for i in range(3)),
    ]
    for rows in draws:
        ours = translation_scores(statistics[rows].sum(axis=0))
        pairs = [given_texts[i] for i in rows], [[true[i] for i in rows]]
        assert 100 * float(ours["bleu"]) == pytest.approx(
            BLEU(tokenize=tokenize_as).corpus_score(*pairs).score, abs=1e-9
        )
        assert 100 * float(ours["chrf"]) == pytest.approx(CHRF().corpus_score(*pairs).score, abs=1e-9)


def test_weights_are_as_good_as_repeated_rows() -> None:
    statistics = translation_statistics(GIVEN, TRUE, "13a")
    weights = np.array([[1, 0, 2, 1, 1], [0, 3, 0, 0, 2]], dtype=float)
    together = translation_scores(weights @ statistics)
    for i, counts in enumerate(weights.astype(int)):
        alone = translation_scores(np.repeat(statistics, counts, axis=0).sum(axis=0))
        assert together["bleu"][i] == pytest.approx(float(alone["bleu"]))
        assert together["chrf"][i] == pytest.approx(float(alone["chrf"]))


def test_details_tell_how_the_score_was_made() -> None:
    sums = translation_statistics(GIVEN, TRUE, "13a").sum(axis=0)
    details = bleu_details(sums, "13a")
    theirs = BLEU().corpus_score(GIVEN, [TRUE])
    assert [100 * value for value in details["precisions"]] == pytest.approx(theirs.precisions)
    assert details["brevity_penalty"] == pytest.approx(theirs.bp)
    assert details["length_ratio"] == pytest.approx(theirs.ratio)
    assert "tok:13a" in details["signature"]


def test_rouge_of_an_example_worked_by_hand() -> None:
    """Lin (2004), section 3: of the reference "police killed the gunman" the first candidate has a common subsequence
    of three words, the second of two; each has one of its three pairs of words."""
    (first, second, chinese) = summary_statistics(
        ["Police kill the gunman", "the gunman kill police", "退款到了"],
        ["police killed the gunman", "police killed the gunman", "退款已到账"],
    )
    assert first[:3] == pytest.approx([3 / 4, 3 / 4, 1 / 3])
    assert second[:3] == pytest.approx([2 / 4, 3 / 4, 1 / 3])
    assert chinese[:3] == pytest.approx([2 * 3 / 9, 2 * 3 / 9, 2 * 1 / 7])  # 退, 款, 到 of four and five characters
    assert summary_scores(np.stack([first, second]).sum(axis=0))["rouge_l"] == pytest.approx(5 / 8)
    assert summary_statistics([""], ["a"])[0, :3].tolist() == [0, 0, 0]


def test_chinese_targets_are_cut_as_chinese() -> None:
    assert _spec().tokenize_for([{"target": text} for text in 中文[1]]) == "zh"
    assert _spec().tokenize_for([{"target": text} for text in TRUE]) == "13a"


# -- network ----------------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_transformers_on_target_tokens_alone(
    rows: list[dict[str, Any]], tokenizer: Tokenizer
) -> None:
    spec = _spec()
    encodings = spec.encode(rows, tokenizer, MAX_LENGTH)
    targets = spec.targets(rows, encodings)
    module = open_task_model(spec).build(_base(tokenizer), seed=0).eval()
    for smoothing in (0.0, 0.1):
        task = open_task_model(spec, targets=targets, label_smoothing=smoothing)
        assert isinstance(task, SequenceToSequenceModel)
        batch = task.collate(encodings[:8], targets[np.arange(8)], tokenizer.pad_id)
        ours = task.loss(module, batch, torch.float32) * task.tokens_per_row
        said = module(**batch)
        num_tokens = int((batch["labels"] != IGNORED).sum())
        if smoothing:
            likeliest = said.logits.log_softmax(-1)[batch["labels"] != IGNORED]
            expected = 0.9 * said.loss * num_tokens - 0.1 * likeliest.mean(dim=-1).sum()
        else:
            expected = said.loss * num_tokens
        assert ours.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_row_s_loss_does_not_depend_on_its_neighbours(rows: list[dict[str, Any]], tokenizer: Tokenizer) -> None:
    spec = _spec()
    encodings = spec.encode(rows, tokenizer, MAX_LENGTH)
    targets = spec.targets(rows, encodings)
    task = open_task_model(spec, targets=targets)
    module = task.build(_base(tokenizer), seed=0).eval()

    def loss(indices: list[int]) -> float:
        batch = task.collate([encodings[i] for i in indices], targets[np.array(indices)], tokenizer.pad_id)
        return float(task.loss(module, batch, torch.float32).detach())

    assert loss([0, 1, 2, 3]) == pytest.approx(sum(loss([i]) for i in range(4)), rel=1e-5)


def test_ten_sentences_can_be_learned_and_are_then_written(rows: list[dict[str, Any]], tokenizer: Tokenizer) -> None:
    spec, few = _spec(num_beams=3, max_new_tokens=24), rows[:10]
    encodings = spec.encode(few, tokenizer, MAX_LENGTH)
    targets = spec.targets(few, encodings)
    task = open_task_model(spec, targets=targets)
    module = task.build(_base(tokenizer, d_model=48), seed=0, dropout=0.0)
    optimizer = torch.optim.AdamW(module.parameters(), 5e-3)
    batch = task.collate(encodings, targets[np.arange(10)], tokenizer.pad_id)
    module.train()
    for _ in range(150):
        optimizer.zero_grad()
        task.loss(module, batch, torch.float32).backward()
        optimizer.step()
    for often in (True, False):
        predictor = open_predictor(task, module, tokenizer, CPU, often=often)
        outputs = predict_all(predictor, encodings)
        written = spec.decode(few, encodings, outputs)
        assert [one.text for one in written] == [row["target"] for row in few]
        assert all(one.is_whole for one in written)
        assert spec.score(few, encodings, outputs) == pytest.approx({"bleu": 1.0, "chrf": 1.0})
        assert spec.probabilities(encodings, outputs).min() > 0.5
    assert written[0].as_dict() == {
        "written": few[0]["target"],
        "num_tokens": len(encodings[0].labels if encodings[0].labels is not None else ()),
        "finish_reason": "stop",
    }


def test_a_fresh_network_begins_where_every_token_is_as_likely(
    rows: list[dict[str, Any]], tokenizer: Tokenizer
) -> None:
    """And keeps how it scales its outputs when its folder is opened again."""
    spec = _spec()
    encodings = spec.encode(rows, tokenizer, MAX_LENGTH)
    targets = spec.targets(rows, encodings)
    task = open_task_model(spec, targets=targets)
    module = task.build(OpenedBase(scratch_config("nano", tokenizer, "t5"), tokenizer, None), seed=0).eval()
    batch = task.collate(encodings[:8], targets[np.arange(8)], tokenizer.pad_id)
    loss = float(task.loss(module, batch, torch.float32).detach()) * task.tokens_per_row
    per_token = loss / int((batch["labels"] != IGNORED).sum())
    assert per_token == pytest.approx(np.log(module.config.vocab_size), rel=0.15)


def test_a_text_that_does_not_end_says_so(rows: list[dict[str, Any]], tokenizer: Tokenizer) -> None:
    spec = _spec(max_new_tokens=2)
    task = open_task_model(spec)
    encodings = spec.encode(rows[:2], tokenizer, MAX_LENGTH)
    predictor = open_predictor(task, task.build(_base(tokenizer), seed=0), tokenizer, CPU)
    answers = spec.decode(rows[:2], encodings, predict_all(predictor, encodings))
    assert [one.as_dict()["finish_reason"] for one in answers if one.num_tokens == 2 and not one.is_whole] != []


def test_a_base_without_a_decoder_is_refused(rows: list[dict[str, Any]]) -> None:
    wordpiece = train_wordpiece((row["source"] for row in rows), 300)
    with pytest.raises(ModelError) as caught:
        open_task_model(_spec()).build(OpenedBase(scratch_config("nano", wordpiece), wordpiece, None), seed=0)
    assert caught.value.code == "base-not-seq2seq"
    assert "T5" in str(caught.value.fields("en")["fix"])
