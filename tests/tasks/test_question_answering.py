"""Answers in texts: rows in every form, windows, the official scores by hand, the best span, and the network."""

from __future__ import annotations

import itertools
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_questions import question_rows
from torch.nn import functional as F
from transformers import BertConfig

from triga.compress.export import export_onnx
from triga.core.errors import DataError
from triga.data.rows import Record
from triga.data.sources.opening import Hints, open_file
from triga.models.open import OpenedBase, scratch_config
from triga.predict.onnx import OnnxPredictor
from triga.tasks.models import open_task_model
from triga.tasks.network import run_network
from triga.tasks.question_answering.formats import read_answers
from triga.tasks.question_answering.metrics import answer_scores
from triga.tasks.question_answering.model import QuestionAnsweringModel
from triga.tasks.question_answering.recipe import QuestionAnsweringSection
from triga.tasks.question_answering.spec import QuestionAnswering, answers_of
from triga.tasks.question_answering.windows import best_span, best_spans, log_probabilities, window_of
from triga.tasks.union import load_task, task_of_config, task_of_kind
from triga.text.files import find_file
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece

CONTEXT = "In 1867 Marie was born; in 1903 Marie won."


def _spec(**section: Any) -> QuestionAnswering:
    return QuestionAnswering(QuestionAnsweringSection(kind="question-answering", **section))


def _rows(num: int = 12, **section: Any) -> list[Any]:
    return [_spec(**section).parse(row) for row in question_rows(num)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_wordpiece((f"{row['question']} {row['context']}" for row in question_rows(60)), 400)


def _certain(targets: np.ndarray, encodings: Any, sure: float = 9.0) -> dict[str, np.ndarray]:
    """Outputs that say the truth, and shout at the question and behind the last token, where nobody may listen."""
    logits = np.full((len(encodings), max(map(len, encodings)) + 2, 2), 50.0, dtype=np.float32)
    for row, (start, end, first, stop, _) in zip(logits, targets, strict=True):
        row[[0, *range(first, stop)]] = 0.0
        row[start, 0] = row[end, 1] = sure
    return {"logits": logits}


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"text": ["1867", "In 1867"], "answer_start": [3, 0]}, [(3, "1867"), (0, "In 1867")]),
        ([{"text": "1867", "answer_start": 3}, {"text": "1867", "start": 3}], [(3, "1867")]),
        ({"text": "1867", "start": 3}, [(3, "1867")]),
        ('[{"text": "1867", "start": 3}]', [(3, "1867")]),
        ([{"text": " 1867 ", "answer_start": 2}], [(3, "1867")]),
        ("1867", [(3, "1867")]),
        (1867, [(3, "1867")]),
        (["1867", "1903"], [(3, "1867"), (27, "1903")]),
        ({"text": [], "answer_start": []}, []),
        ("", []),
        (None, []),
    ],
)
def test_answers_are_read_however_they_are_written(value: Any, found: list[tuple[int, str]]) -> None:
    assert read_answers(value, CONTEXT) == found


@pytest.mark.parametrize(
    ("value", "code", "fix"),
    [
        ({"text": ["1867"], "answer_start": [4]}, "answer-offset-differs-at", "write 3, where it stands"),
        ({"text": ["Marie"], "answer_start": [3]}, "answer-offset-differs", "count characters"),
        ({"text": ["won."], "answer_start": [40]}, "answer-outside", "count characters"),
        ({"text": ["In"], "answer_start": [-1]}, "answer-outside", "count characters"),
        ("1868", "answer-missing-in-context", "letter for letter"),
        ("Marie", "answer-several-times", '{"text": "Marie", "start": 8}'),
        ({"text": ["1867"], "answer_start": [1, 2]}, "answers-unreadable", '[{"text": "1867", "start": 12}]'),
        ([{"text": "", "start": 1}], "answers-unreadable", "write"),
        ([3], "answers-unreadable", "write"),
        ([{"text": "1867", "start": "3"}], "answers-unreadable", "write"),
    ],
)
def test_an_answer_that_is_not_there_is_named(value: Any, code: str, fix: str) -> None:
    with pytest.raises(DataError) as caught:
        read_answers(value, CONTEXT)
    assert caught.value.code == code
    assert fix in caught.value.text()
    assert caught.value.text("zh") != caught.value.text()


def test_an_offset_shows_what_stands_there() -> None:
    with pytest.raises(DataError) as caught:
        read_answers([{"text": "1867", "answer_start": 4}], CONTEXT)
    assert "the answer at 4 should be '1867', but there stands '867 '" in caught.value.text()


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"question": " ", "context": "a", "answers": "a"}, "question-empty"),
        ({"question": "a?", "context": None, "answers": "a"}, "context-empty"),
        ({"question": "a?", "context": "a", "answers": []}, "answer-none"),
        ({"question": ["a?"], "context": "a", "answers": "a"}, "text-not-string"),
    ],
)
def test_a_row_that_teaches_nothing_is_named(row: Any, code: str) -> None:
    with pytest.raises(DataError) as caught:
        _spec().parse(row)
    assert caught.value.code == code
    assert caught.value.text("zh") != caught.value.text()


def test_answers_move_with_the_context_that_is_prepared() -> None:
    spec = _spec(prepare={"markup": "html"})
    context = "<p>Born in <b>Oslo</b> &amp; Lund</p>"
    row = spec.parse({"question": "Where?", "context": context, "answers": ["Oslo"]})
    assert row["context"][row["answers"][0]["start"] :].startswith("Oslo")
    with pytest.raises(DataError) as caught:
        spec.parse({"question": "Where?", "context": "x <img alt='Oslo'> y", "answers": ["Oslo"]})
    assert caught.value.code == "answer-lost"


def test_nested_files_are_read_question_by_question(tmp_path: Path) -> None:
    """SQuAD's form, in one line and in several; the second version has questions without an answer."""
    asked = [
        {"id": "1", "question": "When?", "answers": [{"text": "1867", "answer_start": 3}], "is_impossible": False},
        {"id": "2", "question": "Why?", "answers": [], "plausible_answers": [{"text": "x"}], "is_impossible": True},
    ]
    article = {"title": "Marie", "paragraphs": [{"context": CONTEXT, "qas": asked}, {"context": "x", "qas": []}]}
    for version, indent in itertools.product((None, "v2.0"), (None, 1)):
        document = {**({"version": version} if version else {}), "data": [article, article]}
        (tmp_path / "train.json").write_text(json.dumps(document, indent=indent), encoding="utf-8")
        records = list(open_file(find_file(tmp_path / "train.json", "train.json"), Hints()))
        assert all(isinstance(record, Record) for record in records)
        assert [record.fields["id"] for record in records] == ["1", "2", "1", "2"]
        assert all(record.place.line >= 1 for record in records)
        parsed = [_spec(no_answer=True).parse(record.fields) for record in records]
        assert [len(row["answers"]) for row in parsed] == [1, 0, 1, 0]


# -- scores -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "accepted", "exact", "f1"),
    [
        ("The Denver Broncos!", ["denver broncos"], 1, 1),
        ("Broncos", ["Denver Broncos"], 0, 2 / 3),
        ("in Denver, Colorado", ["Denver Colorado"], 0, 4 / 5),
        ("Colorado Denver", ["Denver Colorado"], 0, 1),
        ("Denver", ["Lund", "Denver Colorado"], 0, 2 / 3),
        ("a", ["the"], 1, 1),
        ("the", ["Oslo"], 0, 0),
        ("", ["Oslo"], 0, 0),
        ("Oslo", [], 0, 0),
        ("", [], 1, 1),
    ],
)
def test_english_answers_are_scored_as_squad_does(given: str, accepted: list[str], exact: float, f1: float) -> None:
    assert answer_scores(given, accepted, "en") == (exact, pytest.approx(f1))


@pytest.mark.parametrize(
    ("given", "accepted", "exact", "f1"),
    [
        ("《国际动物命名规约》", ["国际动物命名规约"], 1, 1),
        ("国际动物", ["国际动物命名规约"], 0, 2 * 4 / 12),
        ("在北京大学", ["北京大学"], 0, 2 * 4 / 9),
        ("北大京学", ["北京大学"], 0, 2 * 1 / 8),  # a run without gaps: not four characters, not three in order
        ("Python 3.5版", ["python3.5 版"], 0, 2 * 1 / 5),  # spaces part words: "python", "3.5", "版"
        ("1998年", ["1999年", "1998 年"], 0, 1),
        ("上海", ["北京"], 0, 0),
        ("。", ["北京"], 0, 0),
    ],
)
def test_chinese_answers_are_scored_as_cmrc_does(given: str, accepted: list[str], exact: float, f1: float) -> None:
    assert answer_scores(given, accepted, "zh") == (exact, pytest.approx(f1))


# -- windows ----------------------------------------------------------------------------------------------------------


def test_a_pair_is_encoded_as_tokenizers_does(tokenizer: Tokenizer) -> None:
    for row in _rows(4):
        (encoding,) = _spec().encode([row], tokenizer, 128)
        raw = tokenizer.raw.encode(row["question"], row["context"])
        assert encoding.input_ids.tolist() == raw.ids
        window = window_of(encoding)
        assert [number == 1 for number in raw.sequence_ids] == [
            window.first <= token < window.stop for token in range(len(encoding))
        ]


def test_windows_hold_the_question_and_all_of_the_context(tokenizer: Tokenizer) -> None:
    row = {"question": "Where does Nora live? " * 9, "context": "Nora lives in Oslo. " * 30, "answers": []}
    encodings = _spec().encode([row, row], tokenizer, 32)
    assert {encoding.row for encoding in encodings} == {0, 1}
    assert all(len(encoding) <= 32 for encoding in encodings)
    windows = [window_of(encoding) for encoding in encodings if encoding.row == 0]
    assert {window.first for window in windows} == {2 + 29 // 2 + 0}
    assert (windows[0].starts[0], windows[-1].ends[-1]) == (0, len(row["context"].rstrip()))
    assert all(later.starts[0] < earlier.ends[-1] for earlier, later in itertools.pairwise(windows))


def test_targets_are_in_the_windows_that_hold_an_answer_whole(tokenizer: Tokenizer) -> None:
    context = "Nora lives in Oslo. " * 12 + "She works as a baker in Port Vale."
    answers = [{"start": context.index("Port Vale"), "text": "Port Vale"}, {"start": 14, "text": "Oslo"}]
    rows = [{"question": "Where?", "context": context, "answers": answers}]
    encodings = _spec().encode(rows, tokenizer, 24)
    targets = _spec().targets(rows, encodings)
    assert len(encodings) > 3
    assert (targets[:, :2].any(axis=1) == [True, *[False] * (len(encodings) - 2), True]).all()
    for i, said in ((0, "Oslo"), (-1, "Port Vale")):
        window, (start, end, first, *_) = window_of(encodings[i]), targets[i]
        assert context[window.starts[start - first] : window.ends[end - first]] == said


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab北京 .,（）1\n", min_size=1, max_size=50), st.integers(12, 24), st.data())
def test_certain_outputs_give_the_truth_back_in_any_windows(text: str, length: int, data: Any) -> None:
    """Any run of characters that are tokens of their own is found again, whether the text fits or not."""
    from triga.models.recipe import shipped_folder

    tokenizer = Tokenizer.load(shipped_folder("triga-nano"))
    (whole,) = _spec().encode([{"question": "a", "context": text}], tokenizer, 200)
    window = window_of(whole)
    real = [i for i in range(len(window.starts)) if text[window.starts[i] : window.ends[i]].strip()]
    if not real:
        return
    first = data.draw(st.sampled_from(real))
    start, end = int(window.starts[first]), int(window.ends[first])
    start += len(text[start:end]) - len(text[start:end].lstrip())
    said = text[start:end].strip()
    rows = [{"question": "a", "context": text, "answers": [{"start": start, "text": said}]}]
    encodings = _spec().encode(rows, tokenizer, length)
    outputs = _certain(_spec().targets(rows, encodings), encodings)
    (prediction,) = _spec().decode(rows, encodings, outputs)
    assert (prediction.answer[0], prediction.text) == (start, said)


def test_a_window_begins_where_its_first_token_does() -> None:
    """``京.a`` is read as ``京 . a``: the token of a begins at the point, but not in any window."""
    from triga.models.recipe import shipped_folder

    tokenizer = Tokenizer.load(shipped_folder("triga-nano"))
    rows = [{"question": "a", "context": "京.a" * 6, "answers": []}]
    for length in range(6, 12):
        windows = map(window_of, _spec().encode(rows, tokenizer, length))
        spans = {span for window in windows for span in zip(window.starts.tolist(), window.ends.tolist(), strict=True)}
        assert spans == {(i, i + 1) for i in range(18)}


# -- answers ----------------------------------------------------------------------------------------------------------


def test_the_best_span_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for length in (1, 2, 7):
        starts, ends = rng.normal(size=(2, length))
        ways = [(i, j) for i in range(length) for j in range(i, min(i + 3, length))]
        first, last = max(ways, key=lambda way: starts[way[0]] + ends[way[1]])
        assert best_span(starts, ends, 3) == (first, last, starts[first] + ends[last])
    assert best_span(np.zeros(0), np.zeros(0), 3)[2] == -np.inf


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 10), st.integers(1, 6))
def test_the_best_spans_are_the_best_that_are_apart(seed: int, length: int, longest: int, num: int) -> None:
    starts, ends = np.random.default_rng(seed).normal(size=(2, length))
    ways = [(starts[i] + ends[j], i, j) for i in range(length) for j in range(i, min(i + longest, length))]
    expected: list[tuple[int, int, float]] = []
    for sure, i, j in sorted(ways, reverse=True):
        if all(j < first or last < i for first, last, _ in expected):
            expected.append((i, j, sure))
    assert best_spans(starts, ends, longest, num) == expected[:num]


def test_others_of_all_windows_are_apart_and_the_best_first(tokenizer: Tokenizer) -> None:
    spec, rows = _spec(), _rows(6)
    encodings = spec.encode(rows, tokenizer, 24)
    rng = np.random.default_rng(0)
    longest = max(map(len, encodings))
    outputs = {"logits": rng.normal(size=(len(encodings), longest, 2)).astype(np.float32)}
    for row, prediction in zip(rows, spec.decode(rows, encodings, outputs), strict=True):
        spans = [prediction.best, *prediction.others]
        assert len(spans) == 5
        assert [one.score for one in spans] == sorted((one.score for one in spans), reverse=True)
        assert all(row["context"][one.start : one.end] == one.text for one in spans)
        places = sorted((one.start, one.end) for one in spans)
        assert all(end <= start for (_, end), (start, _) in pairwise(places))
        assert len(prediction.as_dict()["others"]) == 4
        assert prediction.as_dict(2)["others"] == [prediction.others[0].as_dict()]


def test_what_is_right_scores_one_and_says_how_sure(tokenizer: Tokenizer) -> None:
    spec, rows = _spec(), _rows(10)
    encodings = spec.encode(rows, tokenizer, 24)
    assert len(encodings) > len(rows)
    outputs = _certain(spec.targets(rows, encodings), encodings)
    assert spec.score(rows, encodings, outputs) == {"exact_match": 1.0, "f1": 1.0}
    first = spec.decode(rows, encodings, outputs)[0]
    (truth,) = answers_of(rows[0])
    assert first.answer == (truth.start, truth.end)
    assert first.as_dict(1) == {
        "context": rows[0]["context"],
        "answer": truth.text,
        "start": truth.start,
        "end": truth.end,
        "score": pytest.approx(first.score, abs=1e-6),
        "others": [],
    }
    assert 0.9 < first.score < 1
    assert spec.probabilities(encodings, outputs).shape[1] == 2


def test_an_answer_has_a_longest_length(tokenizer: Tokenizer) -> None:
    rows = [{"question": "What?", "context": "Nora lives in Oslo", "answers": []}]
    spec = _spec(max_answer_length=2)
    (encoding,) = encodings = spec.encode(rows, tokenizer, 64)
    logits = np.zeros((1, len(encoding), 2), dtype=np.float32)
    window = window_of(encoding)
    logits[0, window.first, 0] = logits[0, window.stop - 1, 1] = 9.0
    (prediction,) = spec.decode(rows, encodings, {"logits": logits})
    assert prediction.text != "Nora lives in Oslo"
    assert _spec().decode(rows, encodings, {"logits": logits})[0].text == "Nora lives in Oslo"


def test_rows_without_an_answer_get_one_only_above_the_threshold(tokenizer: Tokenizer) -> None:
    """Half of the rows have no answer; the model is too eager by the same amount everywhere."""
    spec = _spec(no_answer=True)
    rows = [{**row, "answers": [] if i % 2 else row["answers"]} for i, row in enumerate(_rows(12))]
    encodings = spec.encode(rows, tokenizer, 128)
    targets = spec.targets(rows, encodings)
    outputs = _certain(targets, encodings, sure=2.0)
    for row, (_, _, first, _, _) in zip(outputs["logits"], targets, strict=True):
        row[0] -= 8.0
        row[first + 1] += 0.5
    assert spec.score(rows, encodings, outputs)["exact_match"] == 0.5
    tuned = spec.calibrated(outputs, targets, 2.0)
    cooled = {"logits": outputs["logits"] / 2.0}
    assert tuned.threshold > 0
    assert tuned.score(rows, encodings, cooled) == {"exact_match": 1.0, "f1": 1.0}
    none = tuned.decode(rows, encodings, cooled)[1]
    assert (none.text, none.answer) == ("", (0, 0))
    assert len(none.others) == 4
    assert all(one.text for one in none.others)
    assert [one.text for one in tuned.decode(rows, encodings, cooled)[0].others].count("") == 1
    loaded = load_task(tuned.as_dict())
    assert loaded == tuned
    assert _spec().calibrated(outputs, targets, 2.0).threshold == 0.0


def test_claims_are_of_tokens_that_may_be_chosen(tokenizer: Tokenizer) -> None:
    spec, rows = _spec(), _rows(5)
    encodings = spec.encode(rows, tokenizer, 24)
    targets = spec.targets(rows, encodings)
    logits, truth = spec.claims(_certain(targets, encodings), targets)
    assert (logits.argmax(axis=1) == truth).all()
    assert len(truth) == 2 * len(encodings)


def test_a_model_made_elsewhere_is_a_reader() -> None:
    config = {"architectures": ["BertForQuestionAnswering"], "id2label": {"0": "LABEL_0", "1": "LABEL_1"}}
    assert task_of_config(config) == task_of_kind("question-answering")


# -- network ----------------------------------------------------------------------------------------------------------


def _base(tokenizer: Tokenizer) -> OpenedBase:
    config = scratch_config("nano", tokenizer)
    config.num_hidden_layers, config.layer_types = 2, config.layer_types[:2]
    return OpenedBase(config, tokenizer, None)


def _batch(tokenizer: Tokenizer, num: int = 6) -> tuple[Any, dict[str, torch.Tensor], Any]:
    spec, rows = _spec(), _rows(num)
    encodings = spec.encode(rows, tokenizer, 24)
    targets = spec.targets(rows, encodings)
    task = open_task_model(spec, targets=targets)
    return task, task.collate(encodings, targets, tokenizer.pad_id), targets


def test_the_fast_pass_is_that_of_transformers(tokenizer: Tokenizer) -> None:
    task, batch, _ = _batch(tokenizer)
    module = task.build(_base(tokenizer), seed=3).eval()
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        ours = task.logits(module, batch, torch.float32)
        theirs = module(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        slow = run_network(module, batch, torch.float32)
    torch.testing.assert_close(ours[real][:, 0], theirs.start_logits[real], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours[real][:, 1], theirs.end_logits[real], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours[real], slow[real], atol=1e-5, rtol=1e-4)
    assert module.config.id2label == {0: "start", 1: "end"}


def test_the_loss_is_that_of_transformers_over_what_may_be_chosen(tokenizer: Tokenizer) -> None:
    """And it is a sum over rows: batches of one have it as well."""
    task, batch, targets = _batch(tokenizer)
    module = task.build(_base(tokenizer), seed=3).eval()
    expected = 0.0
    with torch.no_grad():
        logits = task.logits(module, batch, torch.float32)
        for said, (start, end, first, stop, _) in zip(logits, targets, strict=True):
            places = [0, *range(first, stop)]
            wanted = torch.tensor([places.index(start), places.index(end)])
            expected += float(F.cross_entropy(said[places].T, wanted))
        total = task.loss(module, batch, torch.float32)
        alone = sum(
            task.loss(module, {name: value[i : i + 1] for name, value in batch.items()}, torch.float32)
            for i in range(len(targets))
        )
    assert float(total) == pytest.approx(expected, rel=1e-4)
    assert float(alone) == pytest.approx(expected, rel=1e-4)


def test_a_bert_is_exported_as_it_reads(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Start and end are two outputs of transformers and one of the graph; segments tell the two texts apart."""
    spec, rows = _spec(), _rows(4)
    with_types = Tokenizer(tokenizer.raw, uses_token_types=True)
    config = BertConfig(
        vocab_size=with_types.vocab_size,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    task = open_task_model(spec)
    module = task.build(OpenedBase(config, with_types, None), seed=1).eval()
    encodings = spec.encode(rows, with_types, 24)
    types = encodings[0].token_type_ids
    assert types is not None
    assert np.flatnonzero(types)[0] == window_of(encodings[0]).first
    batch = task.collate(encodings, None, with_types.pad_id)
    with torch.no_grad():
        ours = task.logits(module, batch, torch.float32).numpy()
    graph = tmp_path / "model.onnx"
    export_onnx(module, graph, uses_token_types=True, max_length=24, vocab_size=with_types.vocab_size)
    theirs = OnnxPredictor(graph, pad_id=with_types.pad_id).predict(encodings)["logits"]
    real = batch["attention_mask"].bool().numpy()
    np.testing.assert_allclose(ours[real], theirs[real], atol=1e-5)


def test_a_tiny_reader_learns(tokenizer: Tokenizer) -> None:
    task, batch, targets = _batch(tokenizer, 10)
    module = task.build(_base(tokenizer), seed=3, dropout=0.0).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3)
    for _ in range(60):
        optimizer.zero_grad()
        (task.loss(module, batch, torch.float32) / len(targets)).backward()
        optimizer.step()
    spec, rows = _spec(), _rows(10)
    encodings = spec.encode(rows, tokenizer, 24)
    with torch.no_grad():
        outputs = {"logits": task.logits(module.eval(), batch, torch.float32).numpy()}
    assert spec.score(rows, encodings, outputs)["exact_match"] >= 0.9
    assert isinstance(task, QuestionAnsweringModel)


def test_log_probabilities_are_over_the_context_and_nowhere() -> None:
    logs = log_probabilities(np.random.default_rng(0).normal(size=(9, 2)), 4, 7)
    assert logs.shape == (4, 2)
    np.testing.assert_allclose(np.exp(logs).sum(axis=0), 1.0)
