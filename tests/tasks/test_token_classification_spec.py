"""Token classification without its network: words, windows, tags, the best sequence, entities and scores."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny_entities import LABELS, entity_rows

from triga.core.arrays import IGNORED
from triga.core.errors import DataError
from triga.tasks.token_classification.recipe import TokenClassificationSection
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.spec import TokenClassification, spans_of
from triga.tasks.token_classification.tagging import Transitions, best_tags, labels_of_tags, tag_names
from triga.tasks.token_classification.units import pieces_of, window_units
from triga.tasks.union import load_task, task_of_config
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece
from triga.text.words import word_spans


def _spec(**section: Any) -> TokenClassification:
    return TokenClassification(TokenClassificationSection(kind="token-classification", **section)).with_labels(LABELS)


def _rows(num: int = 12) -> list[Any]:
    return [_spec().parse(row) for row in entity_rows(num)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_wordpiece((row["text"] for row in entity_rows(60)), 300)


@pytest.fixture(params=["wordpiece", "triga-nano"])
def any_tokenizer(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> Tokenizer:
    from triga.models.recipe import shipped_folder

    return tokenizer if request.param == "wordpiece" else Tokenizer.load(shipped_folder("triga-nano"))


def _certain(spec: TokenClassification, encodings: Any, rows: Any) -> dict[str, np.ndarray]:
    """Outputs that say the truth."""
    targets = spec.targets(rows, encodings)[np.arange(len(encodings))]
    logits = np.full((*targets.shape, len(spec.tags)), -4.0, dtype=np.float32)
    np.put_along_axis(logits, np.where(targets == IGNORED, 0, targets)[..., None], 4.0, axis=2)
    return {"logits": logits}


# -- rows -------------------------------------------------------------------------------------------------------------


def test_a_row_has_a_text_and_spans() -> None:
    row = _spec().parse({"text": ["Nora", "Berg", "left", "."], "entities": ["B-PER", "I-PER", "O", "O"]})
    assert row == {"text": "Nora Berg left .", "spans": [{"start": 0, "end": 9, "label": "PER"}]}
    assert (_spec().text_of(row), _spec().targets_of(row)) == ("Nora Berg left .", ("PER",))


def test_answers_differ_where_spans_do() -> None:
    rows = [_spec().parse({"text": "Oslo Lund", "entities": spans}) for spans in ([[0, 4, "LOC"]], [[5, 9, "LOC"]], [])]
    assert len({_spec().answer_of(row) for row in rows}) == 3


def test_spans_move_with_the_text_that_is_prepared() -> None:
    spec = _spec(prepare={"markup": "html", "width": "half", "redact": ["email"]})
    text = "<b>Nora Berg</b> &amp; ｏｓｌｏ, write to nora@example.com"
    spans = [[3, 12, "PER"], [text.index("ｏ"), text.index("ｏ") + 4, "LOC"], [text.index("nora@"), len(text), "MAIL"]]
    row = spec.parse({"text": text, "entities": spans})
    found = [(row["text"][span["start"] : span["end"]], span["label"]) for span in row["spans"]]
    assert found == [("Nora Berg", "PER"), ("oslo", "LOC"), ("[email]", "MAIL")]


def test_an_entity_of_which_nothing_is_left_is_an_error() -> None:
    spec = _spec(prepare={"markup": "html"})
    with pytest.raises(DataError) as caught:
        spec.parse({"text": "see <img alt='Oslo'> here", "entities": [[14, 18, "LOC"]]})
    assert caught.value.code == "entity-lost"
    assert "Oslo" in caught.value.text()


def test_an_empty_text_is_an_error() -> None:
    with pytest.raises(DataError) as caught:
        _spec().parse({"text": "  ", "entities": []})
    assert caught.value.code == "text-empty"


# -- words and windows ------------------------------------------------------------------------------------------------


def test_words_are_runs_of_letters_and_digits_and_single_signs() -> None:
    text = "Dr. Li 在北京, 3.5% ก็"
    assert [text[start:end] for start, end in word_spans(text)] == [
        *("Dr", ".", "Li", "在", "北", "京", ",", "3", ".", "5", "%", "ก", "็"),
    ]


@given(st.text(max_size=60))
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text


@pytest.mark.parametrize(
    "text", ["他（林小雨），住在Oslo。", "在Python3里：「好」！", "U.S. isn't Port-Vale’s", "a\u200bb c"]
)
def test_units_are_words_whatever_the_tokenizer(any_tokenizer: Tokenizer, text: str) -> None:
    (encoding,) = _spec().encode([{"text": text}], any_tokenizer, 64)
    units = window_units(text, encoding)
    words = set(word_spans(text))
    ends = {end for _, end in words}
    assert all((start, end) in words or end in ends for start, end in units.spans.tolist())
    assert (np.diff(units.heads) > 0).all()
    assert (units.spans[1:, 0] >= units.spans[:-1, 1]).all()


@settings(deadline=None, max_examples=60)
@example("1111111.1.1a1a.1", 6)
@given(st.text(alphabet="ab北京 .,（）1’\n", min_size=1, max_size=40), st.integers(6, 20))
def test_certain_outputs_give_the_truth_back_in_any_windows(text: str, length: int) -> None:
    """Any set of whole words is found again, whether the text fits or is read in windows."""
    from triga.models.recipe import shipped_folder

    tokenizer = Tokenizer.load(shipped_folder("triga-nano"))
    words = word_spans(text)
    spans = [{"start": start, "end": end, "label": LABELS[i % 2]} for i, (start, end) in enumerate(words[::3])]
    rows, spec = [{"text": text, "spans": spans}], _spec()
    encodings = spec.encode(rows, tokenizer, length)
    assert all(len(encoding) <= length for encoding in encodings)
    (prediction,) = spec.decode(rows, encodings, _certain(spec, encodings, rows))
    assert list(prediction.spans) == spans_of(rows[0])


def test_entities_across_windows_are_whole(tokenizer: Tokenizer) -> None:
    text = "on " * 9 + "Nora Berg lives in Port Vale. " * 4
    starts = [i for i in range(len(text)) if text.startswith("Nora Berg", i)]
    rows = [{"text": text, "spans": [{"start": start, "end": start + 9, "label": "PER"} for start in starts]}]
    spec = _spec()
    encodings = spec.encode(rows, tokenizer, 12)
    assert len(encodings) > 4
    assert {encoding.row for encoding in encodings} == {0}
    (prediction,) = spec.decode(rows, encodings, _certain(spec, encodings, rows))
    assert list(prediction.spans) == spans_of(rows[0])
    assert spec.score(rows, encodings, _certain(spec, encodings, rows))["micro_f1"] == 1.0


def test_targets_stand_at_the_first_token_of_each_word(tokenizer: Tokenizer) -> None:
    spec, text = _spec(), "Nora Berg went to Lundby."
    spans = [{"start": 0, "end": 9, "label": "PER"}, {"start": 18, "end": 24, "label": "LOC"}]
    (encoding,) = encodings = spec.encode([{"text": text}], tokenizer, 64)
    (target,) = spec.targets([{"text": text, "spans": spans}], encodings)[np.array([0])]
    units = window_units(text, encoding)
    assert len(encoding) > len(units) + 2, "some word has several tokens"
    assert np.flatnonzero(target != IGNORED).tolist() == units.heads.tolist()
    words = [text[start:end] for start, end in units.spans]
    tags = [spec.tags[tag] for tag in target[units.heads]]
    assert list(zip(words, tags, strict=True)) == [
        ("Nora", "B-PER"),
        ("Berg", "I-PER"),
        ("went", "O"),
        ("to", "O"),
        ("Lundby", "B-LOC"),
        (".", "O"),
    ]


# -- tags -------------------------------------------------------------------------------------------------------------


def test_the_best_tags_are_the_best_of_all_sequences() -> None:
    """Against every sequence, with learned transitions and without."""
    rng = np.random.default_rng(0)
    learned = Transitions(*(rng.normal(size=shape) for shape in ((5, 5), (5,), (5,))))
    allowed = Transitions.allowed(2)
    for transitions in (allowed, allowed + learned):
        for length in (1, 2, 4):
            scores = rng.normal(size=(length, 5))
            ways = itertools.product(range(5), repeat=length)
            best = max(ways, key=lambda tags: _total(scores, np.array(tags), transitions))
            assert best_tags([scores], transitions)[0].tolist() == list(best)


def _total(scores: np.ndarray, tags: np.ndarray, transitions: Transitions) -> float:
    emitted = scores[np.arange(len(tags)), tags].sum()
    followed = transitions.pair[tags[:-1], tags[1:]].sum()
    return float(emitted + followed + transitions.start[tags[0]] + transitions.end[tags[-1]])


@given(st.integers(0, 2**32 - 1))
def test_tags_always_make_entities(seed: int) -> None:
    """I- follows B- or I- of its own type, whatever the network says; rows of several lengths, empty ones too."""
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=(length, 7)) * 5 for length in (3, 0, 8, 3)]
    names = tag_names(("a", "b", "c"))
    for tags in best_tags(scores, Transitions.allowed(3)):
        before = "O"
        for tag in tags:
            if names[tag].startswith("I-"):
                assert before[2:] == names[tag][2:]
            before = names[tag]


def test_an_entity_is_as_sure_as_its_least_sure_word(tokenizer: Tokenizer) -> None:
    rows = [{"text": "Nora Berg", "spans": []}]
    spec = _spec()
    encodings = spec.encode(rows, tokenizer, 64)
    outputs = _certain(spec, encodings, [{**rows[0], "spans": [{"start": 0, "end": 9, "label": "PER"}]}])
    _first, second = window_units("Nora Berg", encodings[0]).heads
    outputs["logits"][0, second] = np.log([0.2, 0.05, 0.05, 0.1, 0.6])
    (prediction,) = spec.decode(rows, encodings, outputs)
    assert prediction.as_dict() == {
        "text": "Nora Berg",
        "entities": [{"text": "Nora Berg", "label": "PER", "start": 0, "end": 9, "score": pytest.approx(0.6)}],
    }


def test_the_spec_is_saved_with_all_that_it_learned() -> None:
    learned = Transitions(np.eye(5), np.arange(5.0), -np.arange(5.0))
    spec = _spec(crf=True).with_transitions(learned)
    loaded = load_task(spec.as_dict())
    assert isinstance(loaded, TokenClassification)
    assert (loaded.labels, loaded.section) == (LABELS, spec.section)
    np.testing.assert_array_equal(loaded.transitions.pair, spec.transitions.pair)


def test_a_model_made_elsewhere_may_have_its_tags_in_another_order(tokenizer: Tokenizer) -> None:
    names = ("B-PER", "I-LOC", "O", "I-PER", "B-LOC", "[PAD]")
    config = {
        "architectures": ["BertForTokenClassification"],
        "id2label": {str(i): name for i, name in enumerate(names)},
    }
    spec = task_of_config(config)
    assert isinstance(spec, TokenClassification)
    assert spec.labels == ("PER", "LOC")
    rows = _rows(6)
    encodings = spec.encode(rows, tokenizer, 64)
    assert spec.score(rows, encodings, _certain(spec, encodings, rows))["micro_f1"] == 1.0
    assert task_of_config({**config, "id2label": {"0": "I-PER", "1": "O"}}) is None
    assert labels_of_tags(["O", "B-PER"]) == ()


def test_claims_are_those_of_words(tokenizer: Tokenizer) -> None:
    spec, rows = _spec(), _rows(5)
    encodings = spec.encode(rows, tokenizer, 64)
    outputs, targets = _certain(spec, encodings, rows), spec.targets(rows, encodings)
    logits, truth = spec.claims(outputs, targets)
    assert len(truth) == sum(len(window_units(row["text"], one)) for row, one in zip(rows, encodings, strict=True))
    assert (logits.argmax(axis=1) == truth).all()


def test_a_random_field_is_cooled_with_the_logits() -> None:
    spec = _spec(crf=True).with_transitions(Transitions(np.eye(5), np.ones(5), np.ones(5)))
    cooled = spec.calibrated({}, None, 2.0)
    assert cooled.learned is not None
    np.testing.assert_array_equal(cooled.learned.pair, np.eye(5) / 2)
    assert _spec().calibrated({}, None, 2.0).learned is None


def test_spans_are_found_again(tokenizer: Tokenizer) -> None:
    assert spans_of({"spans": [{"start": 1, "end": 3, "label": "LOC"}]}) == [Span(1, 3, "LOC")]
