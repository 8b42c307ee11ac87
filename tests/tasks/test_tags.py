"""One tag a token, in each scheme, to spans and back."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

from triga.core.errors import DataError
from triga.tasks.token_classification.spans import Span
from triga.tasks.token_classification.tags import Scheme, spans_of_tags, tags_of_spans


@st.composite
def spans_of_tokens(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans that do not overlap but may touch, and the number of tokens."""
    spans, end = [], 0
    for _ in range(draw(st.integers(0, 5))):
        start = end + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 4))
        spans.append(Span(start, end, draw(st.sampled_from(["PER", "LOC", "date-time", "a_b"]))))
    return spans, end + draw(st.integers(0, 2))


def as_bioes(spans: list[Span], num_tokens: int, letters: str) -> list[str]:
    """Tags with the given letters for begin, inside, end and single."""
    begin, inside, end, single = letters
    tags = ["O"] * num_tokens
    for span in spans:
        middle = [inside] * (span.end - span.start - 2)
        written = [single] if span.end - span.start == 1 else [begin, *middle, end]
        tags[span.start : span.end] = [f"{prefix}-{span.label}" for prefix in written]
    return tags


def random_tags(choice: random.Random, prefixes: str) -> list[str]:
    """Any tags at all, mostly against the scheme."""
    names = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC"))]
    return choice.choices(names, k=choice.randint(0, 8))


# -- right ------------------------------------------------------------------------------------------------------------


@given(spans_of_tokens())
def test_bio_there_and_back(case: tuple[list[Span], int]) -> None:
    spans, num_tokens = case
    tags = tags_of_spans(spans, num_tokens)
    assert len(tags) == num_tokens
    assert spans_of_tags(tags) == spans_of_tags(tags, "bio") == spans_of_tags(tags, "iob1") == spans


@given(spans_of_tokens(), st.sampled_from(["BIES", "BILU", "BMES"]))
def test_closed_schemes_mean_the_same_spans(case: tuple[list[Span], int], letters: str) -> None:
    tags = as_bioes(*case, letters)
    assert spans_of_tags(tags, "bioes") == case[0]
    if any(tag[0] in "ESLUM" for tag in tags):
        assert spans_of_tags(tags) == case[0]


def test_tags_of_spans_are_bio() -> None:
    assert tags_of_spans([Span(1, 3, "PER"), Span(3, 4, "PER")], 5) == ["O", "B-PER", "I-PER", "B-PER", "O"]
    assert tags_of_spans([], 2) == ["O", "O"]


@pytest.mark.parametrize(
    ("tags", "scheme", "spans"),
    [
        ("B-PER I-PER O B-LOC", "auto", [Span(0, 2, "PER"), Span(3, 4, "LOC")]),
        ("B-PER B-PER", "auto", [Span(0, 1, "PER"), Span(1, 2, "PER")]),
        ("I-PER I-PER I-LOC B-LOC", "iob1", [Span(0, 2, "PER"), Span(2, 3, "LOC"), Span(3, 4, "LOC")]),
        ("I-PER O I-PER", "iob1", [Span(0, 1, "PER"), Span(2, 3, "PER")]),
        ("B-PER E-PER S-PER", "auto", [Span(0, 2, "PER"), Span(2, 3, "PER")]),
        ("B_PER I_PER", "auto", [Span(0, 2, "PER")]),
        ("B-date-time I-date-time B-a_b", "auto", [Span(0, 2, "date-time"), Span(2, 3, "a_b")]),
        ("B_date-time", "auto", [Span(0, 1, "date-time")]),
        ("B-人名 I-人名", "auto", [Span(0, 2, "人名")]),
        ("", "auto", []),
    ],
)
def test_tags_mean_spans(tags: str, scheme: Scheme, spans: list[Span]) -> None:
    assert spans_of_tags(tags.split(), scheme) == spans


# -- wrong ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "scheme", "code", "position"),
    [
        ("O I-PER", "auto", "tag-inside-without-begin", 2),
        ("B-LOC I-PER", "bio", "tag-inside-without-begin", 2),
        ("B-PER O I-PER", "auto", "tag-inside-without-begin", 3),
        ("E-PER", "auto", "tag-inside-without-begin", 1),
        ("S-PER E-PER", "auto", "tag-inside-without-begin", 2),
        ("B-PER E-LOC", "auto", "tag-inside-without-begin", 2),
        ("S-PER B-PER O", "auto", "tag-not-closed", 2),
        ("S-PER B-PER", "auto", "tag-not-closed", 2),
        ("B-PER I-PER B-PER E-PER", "auto", "tag-not-closed", 1),
        ("B-PER S-PER", "auto", "tag-not-closed", 1),
        ("B-PER", "bioes", "tag-not-closed", 1),
        ("B-PER M-PER", "auto", "tag-not-closed", 1),
        ("O PER", "auto", "tag-unreadable", 2),
        ("X-PER", "auto", "tag-unreadable", 1),
        ("o", "auto", "tag-unreadable", 1),
        ("B-", "auto", "tag-unreadable", 1),
        ("B", "auto", "tag-unreadable", 1),
        ("B-PER E-PER", "bio", "tag-unreadable", 2),
        ("S-PER", "iob1", "tag-unreadable", 1),
    ],
)
def test_what_a_scheme_forbids_is_named(tags: str, scheme: Scheme, code: str, position: int) -> None:
    with pytest.raises(DataError) as caught:
        spans_of_tags(tags.split(), scheme)
    assert caught.value.code == code
    assert caught.value.params["position"] == position
    assert tags.split()[position - 1] in str(caught.value)


def test_the_errors_say_what_to_write() -> None:
    with pytest.raises(DataError) as caught:
        spans_of_tags(["O", "I-PER"])
    assert str(caught.value) == (
        "tag 'I-PER' of token 2 goes on with an entity that no B-PER began\n"
        "  fix:   write B-PER at its first token; or set task.scheme: iob1, where I- may begin an entity"
    )
    with pytest.raises(DataError, match="write E-PER at its last token, or S-PER"):
        spans_of_tags(["B-PER"], "bioes")
    with pytest.raises(DataError, match=r"tag 'E-PER' of token 1 is neither O nor a prefix \(B-, I-\)"):
        spans_of_tags(["E-PER"], "bio")


# -- seqeval ----------------------------------------------------------------------------------------------------------


def test_iob1_reads_any_tags_as_seqeval_does() -> None:
    choice = random.Random(1)
    for _ in range(500):
        tags = random_tags(choice, "BI")
        found = [Span(start, end + 1, label) for label, start, end in get_entities(tags)]
        assert spans_of_tags(tags, "iob1") == found


@pytest.mark.parametrize(
    ("scheme", "peer", "prefixes"),
    [("bio", IOB2, "BI"), ("bioes", IOBES, "BIES"), ("bioes", BILOU, "BILU")],
)
def test_strict_schemes_read_what_seqeval_reads_or_refuse(scheme: Scheme, peer: type, prefixes: str) -> None:
    """Seqeval drops what breaks a scheme, so its spans leave out tags where something does."""
    choice = random.Random(2)
    num_read = num_refused = 0
    for _ in range(3000):
        tags = random_tags(choice, prefixes)
        theirs = [Span(one.start, one.end, one.tag) for one in Entities([tags], peer).entities[0]]
        covered = sum(span.end - span.start for span in theirs)
        if covered == sum(tag != "O" for tag in tags):
            assert spans_of_tags(tags, scheme) == theirs
            num_read += 1
        else:
            with pytest.raises(DataError):
                spans_of_tags(tags, scheme)
            num_refused += 1
    assert min(num_read, num_refused) > 100


def test_iob1_reads_what_is_valid_as_seqeval_does() -> None:
    choice = random.Random(3)
    for _ in range(300):
        tags = [tag if tag == "O" else f"I{tag[1:]}" for tag in random_tags(choice, "BI")]
        theirs = [Span(one.start, one.end, one.tag) for one in Entities([tags], IOB1).entities[0]]
        assert spans_of_tags(tags, "iob1") == theirs
