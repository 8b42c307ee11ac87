"""Texts with entities in the forms that people's tools write, and what is said where they are wrong."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triga.core.errors import DataError
from triga.tasks.token_classification.entities import join_tokens, read_entities
from triga.tasks.token_classification.spans import Span

TEXT = "Ann lives in New York."
ANN, YORK = Span(0, 3, "PER"), Span(13, 21, "LOC")
TOKENS = ["Ann", "lives", "in", "New", "York", "."]
TAGS = ["B-PER", "O", "O", "B-LOC", "I-LOC", "O"]
TAG_NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def read(text: Any, entities: Any, scheme: Any = "auto", tag_names: Any = None) -> tuple[str, list[Span]]:
    return read_entities(text, entities, scheme=scheme, tag_names=tag_names)


def refused(text: Any, entities: Any, **settings: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        read(text, entities, **settings)
    assert caught.value.where is None
    assert caught.value.fields("zh")["what"] != caught.value.fields("en")["what"]
    return caught.value


def label_studio(*values: dict[str, Any], **annotation: Any) -> dict[str, Any]:
    return {"result": [{"type": "labels", "value": value} for value in values], **annotation}


# -- spans of a text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entities",
    [
        [[13, 21, "LOC"], [0, 3, "PER"]],
        [(0, 3, "PER"), (13, 21, "LOC")],
        ((0, 3, "PER"), (13, 21, "LOC")),
        [{"start": 0, "end": 3, "label": "PER"}, {"start": 13, "end": 21, "label": "LOC", "token_start": 3}],
        [{"id": 1, "start_offset": 0, "end_offset": 3, "label": "PER"}, [13, 21, "LOC"]],
        [{"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}, {"start": 13, "end": 21, "labels": ["LOC"]}],
        [{"start": 0, "end": 3, "type": "PER"}, {"start": 13, "end": 21, "type": "LOC", "entity": "New York"}],
        [
            {"start": 0, "end": 3, "word": "Ann", "entity": "PER"},
            {"start": 13, "end": 21, "word": " New York", "entity_group": "LOC", "label": None},
        ],
        [
            label_studio(
                {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}, {"start": 13, "end": 21, "labels": ["LOC"]}
            )
        ],
        {"PER": {"Ann": [[0, 2]]}, "LOC": {"New York": [[13, 20]], "Rome": None}, "ORG": None},
    ],
)
def test_spans_of_a_text(entities: Any) -> None:
    assert read(TEXT, entities) == (TEXT, [ANN, YORK])
    assert read(TEXT, json.dumps(entities)) == (TEXT, [ANN, YORK])


def test_cluener_counts_the_last_character_in() -> None:
    text = "浙商银行企业信贷部叶老桂博士"
    entities = {"name": {"叶老桂": [[9, 11]]}, "company": {"浙商银行": [[0, 3]]}}
    assert read(text, entities) == (text, [Span(0, 4, "company"), Span(9, 12, "name")])
    error = refused(text, {"name": {"叶老桂": [[9, 12]]}})
    assert error.code == "span-text-differs"
    assert "at 9-13 should be '叶老桂', but there stands '叶老桂博'" in str(error)


def test_label_studio_takes_the_first_annotation_that_was_not_cancelled() -> None:
    cancelled = label_studio({"start": 0, "end": 9, "labels": ["X"]}, was_cancelled=True)
    first = label_studio({"start": 0, "end": 3, "labels": ["PER"]}, was_cancelled=False)
    second = label_studio({"start": 13, "end": 21, "labels": ["LOC"]})
    assert read({"text": TEXT}, [cancelled, first, second]) == (TEXT, [ANN])
    assert read({"text": TEXT}, [{"result": []}]) == (TEXT, [])
    assert refused({"text": TEXT}, [cancelled]).code == "annotation-cancelled"


def test_label_studio_has_answers_that_are_no_spans() -> None:
    result = [
        {"value": {"start": 0, "end": 3, "labels": ["PER"]}},
        {"type": "relation", "from_id": "a", "to_id": "b"},
        {"type": "choices", "value": {"start": 0, "end": 3, "choices": ["sure"]}},
    ]
    assert read({"text": TEXT}, [{"result": result}]) == (TEXT, [ANN])
    for type_ in ("labels", "hypertextlabels"):
        value = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "labels": ["PER"]}
        assert refused(TEXT, [{"result": [{"type": type_, "value": value}]}]).code == "entities-unreadable"


@pytest.mark.parametrize("entities", [None, "", " ", [], (), {}, "[]", "{}"])
@pytest.mark.parametrize(("value", "text"), [(TEXT, TEXT), ({"text": TEXT}, TEXT), (["a b", "c"], "a b c")])
def test_a_row_may_have_no_entities(entities: Any, value: Any, text: str) -> None:
    assert read(value, entities) == (text, [])


def test_spaces_at_the_ends_of_a_span_do_not_count() -> None:
    assert read(TEXT, [[0, 4, "PER"], [12, 21, "LOC"]])[1] == [ANN, YORK]
    assert read(" 李\u3000", [[0, 3, " PER "]])[1] == [Span(1, 2, "PER")]


def test_what_is_written_twice_counts_once() -> None:
    assert read(TEXT, [[0, 3, "PER"], [0, 3, "PER"], [0, 4, " PER"]])[1] == [ANN]


def test_spans_that_touch_do_not_overlap() -> None:
    assert read("李雷韩梅", [[0, 2, "PER"], [2, 4, "PER"]])[1] == [Span(0, 2, "PER"), Span(2, 4, "PER")]


def test_a_label_may_be_a_number() -> None:
    assert read(TEXT, [[0, 3, 7]])[1] == [Span(0, 3, "7")]


# -- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "entities", "tag_names"),
    [
        (TOKENS, TAGS, None),
        (tuple(TOKENS), " ".join(TAGS), None),
        (" ".join(TOKENS), TAGS, None),
        (" ".join(TOKENS), "  ".join(TAGS), None),
        (json.dumps(TOKENS), json.dumps(TAGS), None),
        (json.dumps(TOKENS), " ".join(TAGS), None),
        ({"text": TOKENS}, TAGS, None),
        (TOKENS, [f" {tag} " for tag in TAGS], None),
        (TOKENS, [TAG_NAMES.index(tag) for tag in TAGS], TAG_NAMES),
        (" ".join(TOKENS), "1 0 0 3 4 0", TAG_NAMES),
        (TOKENS, TAGS, TAG_NAMES),
        (TOKENS, [[0, 0, "PER"], [3, 4, "LOC"]], None),
        (json.dumps(TOKENS), '[[0, 0, "PER"], [3, 4, "LOC"]]', None),
    ],
)
def test_tokens(text: Any, entities: Any, tag_names: Any) -> None:
    joined = "Ann lives in New York ."
    assert read(text, entities, tag_names=tag_names) == (joined, [ANN, YORK])


def test_a_scheme_may_be_named() -> None:
    assert read(["New", "York"], ["I-LOC", "I-LOC"], scheme="iob1") == ("New York", [Span(0, 8, "LOC")])
    assert refused(["New", "York"], ["I-LOC", "I-LOC"]).code == "tag-inside-without-begin"
    assert refused(["New", "York"], ["B-LOC", "I-LOC"], scheme="bioes").code == "tag-not-closed"


@pytest.mark.parametrize("text", ["我在北京", "我 在 北 京", ["我", "在", "北", "京"]])
def test_chinese_by_character(text: Any) -> None:
    assert read(text, ["O", "O", "B-LOC", "I-LOC"]) == ("我在北京", [Span(2, 4, "LOC")])


def test_a_text_by_character_keeps_its_spaces() -> None:
    assert read("李 li", "B-PER O B-PER I-PER") == ("李 li", [Span(0, 1, "PER"), Span(2, 4, "PER")])


def test_a_text_that_begins_like_json_is_a_text() -> None:
    for text in ("[1] is a number", '["a", 1]', "[]", "{}", "[" * 100_000):
        assert read(text, [[0, 1, "SIGN"]]) == (text, [Span(0, 1, "SIGN")])


@pytest.mark.parametrize(("value", "text"), [(None, ""), ("", ""), ([], ""), (12, "12"), (["in", 1999], "in 1999")])
def test_texts_that_are_no_strings(value: Any, text: str) -> None:
    assert read(value, None) == (text, [])


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["New", "York"], "New York"),
        (["我", "在", "N", "Y"], "我在NY"),
        (["我", "", "李", " ", "x"], "我 李 x"),
        (["我们", "爱", "New", "York", "和", "北京"], "我们爱New York和北京"),
        (["東京", "tower", "x"], "東京tower x"),
        (["a\n", "bc"], "a\nbc"),
        (["ab", " ", "c", "", "d"], "ab c d"),
        (["ab", "，", "c"], "ab，c"),
        (["나는", "서울에서", "산다", "."], "나는 서울에서 산다 ."),
        (["", "ab"], " ab"),
        ([], ""),
    ],
)
def test_joined_tokens(tokens: list[str], text: str) -> None:
    assert join_tokens(tokens)[0] == text


@given(st.lists(st.text("ab我东，. ", max_size=3), max_size=8))
def test_joined_tokens_are_where_they_are_said_to_be(tokens: list[str]) -> None:
    text, spans = join_tokens(tokens)
    assert [text[start:end] for start, end in spans] == [token or " " for token in tokens]
    assert {text[one[1] : other[0]] for one, other in pairwise(spans)} <= {"", " "}
    assert (spans[0][0], spans[-1][1]) == (0, len(text)) if spans else text == ""


# -- wrong ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "entities", "code"),
    [
        (TEXT, [[-1, 3, "PER"]], "span-outside"),
        (TEXT, [[-3, -1, "PER"]], "span-outside"),
        (TEXT, [[0, 23, "PER"]], "span-outside"),
        (TEXT, [[3, 3, "PER"]], "span-outside"),
        (TEXT, [[4, 3, "PER"]], "span-outside"),
        (TEXT, [[3, 4, "PER"]], "span-outside"),
        ("", [[0, 1, "PER"]], "span-outside"),
        (TOKENS, [[0, 6, "PER"]], "span-outside"),
        (TOKENS, [[1, 0, "PER"]], "span-outside"),
        (TOKENS, [[-1, 0, "PER"]], "span-outside"),
        (["a", " "], ["O", "B-X"], "span-outside"),
        (TEXT, [[0, 5, "A"], [4, 9, "B"]], "spans-overlap"),
        (TEXT, [[0, 3, "A"], [0, 3, "B"]], "spans-overlap"),
        (TEXT, [[0, 21, "A"], [4, 9, "B"]], "spans-overlap"),
        (TEXT, [{"start": 0, "end": 3, "labels": ["A", "B"]}], "spans-overlap"),
        (TOKENS, [[0, 1, "A"], [1, 2, "B"]], "spans-overlap"),
        (TEXT, [{"start": 0, "end": 3, "label": "PER", "text": "ann"}], "span-text-differs"),
        (TEXT, [{"start": 1, "end": 4, "label": "PER", "word": "Ann"}], "span-text-differs"),
        (TEXT, [[0, 3, " "]], "entity-label-empty"),
        (TEXT, [[0, 3, None]], "entity-label-empty"),
        (TEXT, [{"start": 0, "end": 3}], "entity-label-empty"),
        (TEXT, [{"start": 0, "end": 3, "labels": []}], "entity-label-empty"),
        (TOKENS[:2], ["B- ", "O"], "tag-unreadable"),
        (TEXT, [[0, 3]], "entities-unreadable"),
        (TEXT, [["0", "3", "PER"]], "entities-unreadable"),
        (TEXT, [[0.0, 3.0, "PER"]], "entities-unreadable"),
        (TEXT, [[False, True, "PER"]], "entities-unreadable"),
        (TEXT, [[0, 3, ["PER"]]], "entities-unreadable"),
        (TEXT, [{"end": 3, "label": "PER"}], "entities-unreadable"),
        (TEXT, [None], "entities-unreadable"),
        (TEXT, [["O"], "O"], "entities-unreadable"),
        (TEXT, 3, "entities-unreadable"),
        (TEXT, "[[0, 3", "entities-unreadable"),
        (TEXT, "[" * 100_000, "entities-unreadable"),
        (TEXT, [{"result": ["PER"]}], "entities-unreadable"),
        (TEXT, [{"result": [{"type": "labels"}]}], "entities-unreadable"),
        (TEXT, {"PER": [[0, 3]]}, "entities-unreadable"),
        (TEXT, {"PER": {"Ann": [0, 2]}}, "entities-unreadable"),
        (TEXT, {"PER": {"Ann": [["0", "2"]]}}, "entities-unreadable"),
        (TOKENS, [{"start": 0, "end": 3, "label": "PER"}], "entities-unreadable"),
        (TOKENS, [[0, "PER"]], "entities-unreadable"),
        (TOKENS, {"PER": {"Ann": [[0, 0]]}}, "entities-unreadable"),
        (TOKENS, TAGS[:5], "tags-count-differs"),
        (TEXT, TAGS, "tags-count-differs"),
        (TOKENS, ["O", "O", "O", "PER", "O", "O"], "tag-unreadable"),
        (TOKENS, [0, 0, 0, 0, 0, 0], "tag-names-missing"),
        (TOKENS, "0 0 0 0 0 0", "tag-names-missing"),
        ({"content": TEXT}, [], "text-not-string"),
        ([TOKENS], [], "text-not-string"),
    ],
)
def test_what_is_wrong_is_named(text: Any, entities: Any, code: str) -> None:
    assert refused(text, entities).code == code


@pytest.mark.parametrize("tag", [5, -1])
def test_a_number_without_a_name(tag: int) -> None:
    error = refused(["a"], [tag], tag_names=TAG_NAMES)
    assert error.code == "tag-not-in-names"
    assert f"tag {tag} is not among the 5" in str(error)


@pytest.mark.parametrize(
    ("text", "entities", "words"),
    [
        (TEXT, [[0, 30, "PER"]], "the entity PER at 0-30 is empty or not within the text, which ends at 22"),
        (TOKENS, [[0, 6, "PER"]], "the entity PER at 0-6 is empty or not within the text, which ends at 5"),
        (TOKENS, [[1, 0, "PER"]], "the entity PER at 1-0 is empty or not within the text, which ends at 5"),
        (TEXT, [[0, 9, "A"], [4, 12, "B"]], "'Ann lives' (A, 0-9) and 'lives in' (B, 4-12) overlap"),
        (TEXT, [{"start": 0, "end": 3, "label": "A", "text": "Bob"}], "should be 'Bob', but there stands 'Ann'"),
        (TEXT, [[0, 3, ""]], "the entity at 0-3 has no label"),
        (TEXT, [[0, 3]], "entities cannot be read from list [0, 3]"),
        (TOKENS, TAGS[:5], "there are 5 tags for 6 tokens"),
        (TEXT, TAGS, "there are 6 tags for 5 tokens"),
        (TOKENS, [1] * 6, "tags are numbers (1), and nothing says what they mean"),
        (TEXT, [label_studio(was_cancelled=True)], "whoever was to mark the text skipped it"),
    ],
)
def test_the_errors_show_what_they_mean(text: Any, entities: Any, words: str) -> None:
    assert words in str(refused(text, entities))
