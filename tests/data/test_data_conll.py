"""Tagged columns: a sentence a record, at its place; a broken line costs its sentence and nothing else."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest
from data_files import Fields, faults, opened, records, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triga.data.rows import Record, Unreadable
from triga.data.sources import tagged_columns
from triga.data.sources.opening import FILE_SUFFIXES
from triga.data.sources.tagged_columns import TaggedColumnsSource, is_tagged_columns
from triga.data.writers import open_writer

CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- -X- O

BRUSSELS NNP B-NP B-LOC
1996-08-22 CD I-NP O
"""
SENTENCES: list[Fields] = [
    {"tokens": ["EU", "rejects", "German", "call"], "tags": ["B-ORG", "O", "B-MISC", "O"]},
    {"tokens": ["Peter", "Blackburn"], "tags": ["B-PER", "I-PER"]},
    {"tokens": ["BRUSSELS", "1996-08-22"], "tags": ["B-LOC", "O"]},
]
CHINESE = "海 O\n钓 O\n厦 B-LOC\n门 I-LOC\n\n我 O\n爱 O\n北 B-LOC\n京 E-LOC\n\n"
CHINESE_SENTENCES: list[Fields] = [
    {"tokens": list("海钓厦门"), "tags": ["O", "O", "B-LOC", "I-LOC"]},
    {"tokens": list("我爱北京"), "tags": ["O", "O", "B-LOC", "E-LOC"]},
]


def tagged(tmp_path: Path, text: str, name: str = "train.conll") -> TaggedColumnsSource:
    source = opened(write(tmp_path / name, text.encode()))
    assert isinstance(source, TaggedColumnsSource)
    return source


def only_fault(source: TaggedColumnsSource) -> Unreadable:
    (fault,) = [item for item in source if isinstance(item, Unreadable)]
    return fault


# -- reading ----------------------------------------------------------------------------------------------------------


def test_conll_2003(tmp_path: Path) -> None:
    source = tagged(tmp_path, CONLL_2003)
    assert records(source) == SENTENCES
    assert records(source) == SENTENCES, "iterating again starts again"
    assert [str(item.place) for item in source] == [f"train.conll, line {line}" for line in (3, 8, 13)]
    assert source.details == {"format": "tagged-columns", "encoding": "utf-8", "columns": "4"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_with_a_character_a_line(tmp_path: Path, encoding: str) -> None:
    source = opened(write(tmp_path / "train.txt", CHINESE.encode(encoding)))
    assert records(source) == CHINESE_SENTENCES
    assert source.details == {"format": "tagged-columns", "encoding": encoding, "columns": "2"}


def test_tokens_hold_spaces_where_tabs_part_columns(tmp_path: Path) -> None:
    source = tagged(tmp_path, "New York\tNNP\tB-LOC\n 10 000 \t\tO\n\nParis\tNNP\tB-LOC\n")
    assert records(source) == [
        {"tokens": ["New York", "10 000"], "tags": ["B-LOC", "O"]},
        {"tokens": ["Paris"], "tags": ["B-LOC"]},
    ]


def test_runs_of_spaces_part_columns_and_other_blanks_do_not(tmp_path: Path) -> None:
    source = tagged(tmp_path, "10\xa0000   CD\tO \n\u3000  SP O\nParis NNP B-LOC\n")
    assert records(source) == [{"tokens": ["10\xa0000", "\u3000", "Paris"], "tags": ["O", "O", "B-LOC"]}]
    source = tagged(tmp_path, "a  O\t\nb B-LOC\t\n")
    assert records(source) == [{"tokens": ["a", "b"], "tags": ["O", "B-LOC"]}]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, ending: str) -> None:
    source = tagged(tmp_path, CONLL_2003.replace("\n", ending))
    assert records(source) == SENTENCES
    assert [item.place.line for item in source] == [3, 8, 13]


@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_compressed(tmp_path: Path, compression: str) -> None:
    assert records(tagged(tmp_path, CONLL_2003, f"train.conll{compression}")) == SENTENCES


def test_without_a_line_end_at_the_end(tmp_path: Path) -> None:
    assert records(tagged(tmp_path, CONLL_2003.rstrip())) == SENTENCES
    assert records(tagged(tmp_path, "Peter B-PER\nlives O")) == [{"tokens": ["Peter", "lives"], "tags": ["B-PER", "O"]}]


def test_many_empty_lines_are_one(tmp_path: Path) -> None:
    source = tagged(tmp_path, "\n\n" + CONLL_2003.replace("\n\n", "\n \n\t\n\n") + "\n\n")
    assert records(source) == SENTENCES


def test_a_document_ends_a_sentence_even_without_an_empty_line(tmp_path: Path) -> None:
    assert records(tagged(tmp_path, "a O\n-DOCSTART- O\nb B-LOC\n")) == [
        {"tokens": ["a"], "tags": ["O"]},
        {"tokens": ["b"], "tags": ["B-LOC"]},
    ]


def test_comments_are_left_out(tmp_path: Path) -> None:
    source = tagged(tmp_path, "# id 1\n# text B-side\nPeter B-PER\nlives O\n\n# id 2\n# newdoc 7\n# a B-side\nhere O\n")
    assert records(source) == [
        {"tokens": ["Peter", "lives"], "tags": ["B-PER", "O"]},
        {"tokens": ["here"], "tags": ["O"]},
    ]
    assert [item.place.line for item in source] == [3, 9]


def test_a_comment_of_as_many_columns_has_no_tag(tmp_path: Path) -> None:
    """As MultiCoNER 2022 writes them."""
    source = tagged(tmp_path, "# id 48cc9 domain=en\nhis _ _ O\nParis _ _ B-LOC\n")
    assert records(source) == [{"tokens": ["his", "Paris"], "tags": ["O", "B-LOC"]}]


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_a_hash_is_a_token_where_it_has_a_tag(tmp_path: Path, separator: str) -> None:
    source = tagged(tmp_path, "# O\n1 B-RANK\n\n#1 O\nthe O\n# I-RANK\n".replace(" ", separator))
    assert records(source) == [
        {"tokens": ["#", "1"], "tags": ["O", "B-RANK"]},
        {"tokens": ["#1", "the", "#"], "tags": ["O", "O", "I-RANK"]},
    ]


# -- broken lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "found"), [("rejects", 1), ("#rejects", 1), ("rejects VBZ O", 3), ("re jects VBZ B-VP O", 5), (" O", 1)]
)
@pytest.mark.parametrize("name", ["train.conll", "train.txt"])
def test_a_broken_line_costs_its_sentence(tmp_path: Path, name: str, broken: str, found: int) -> None:
    text = CONLL_2003.replace("rejects VBZ B-VP O", broken) + "\n" + CONLL_2003
    source = tagged(tmp_path, text, name)
    fault = only_fault(source)
    assert (fault.error.code, str(fault.place)) == ("tagged-line-columns", f"{name}, line 4")
    assert fault.error.params == {"found": found, "expected": 4}
    assert fault.raw == f"EU NNP B-NP B-ORG\n{broken}\nGerman JJ B-NP B-MISC\ncall NN I-NP O\n"
    assert [item.fields for item in source if isinstance(item, Record)] == [*SENTENCES[1:], *SENTENCES]


@pytest.mark.parametrize("lost", ["O\n", " O\n", "  O \n"])
def test_a_lost_token_is_a_broken_line(tmp_path: Path, lost: str) -> None:
    source = tagged(tmp_path, CHINESE.replace("爱 O\n", lost) + CHINESE, "train.bio")
    assert only_fault(source).error.text() == (
        "columns in this line: 1; in the file: 2\n"
        "  fix:   complete it, the token first and its tag last; delete it where the token was a space and is lost"
    )
    assert faults(source) == [("tagged-line-columns", "train.bio, line 7")]


@pytest.mark.parametrize("broken", ["\tO", " \tO", "New York\t", "New York B-LOC"])
def test_a_lost_column_between_tabs(tmp_path: Path, broken: str) -> None:
    source = tagged(tmp_path, f"a\tO\nOld Town\tB-LOC\n\nb\tO\n{broken}\n\nc\tO\n")
    assert faults(source) == [("tagged-line-columns", "train.conll, line 5")]
    assert only_fault(source).error.params == {"found": 1, "expected": 2}


def test_a_first_line_that_is_broken_does_not_set_the_columns(tmp_path: Path) -> None:
    source = tagged(tmp_path, " O\n" + CHINESE)
    assert faults(source) == [("tagged-line-columns", "train.conll, line 1")]
    assert [item.fields for item in source if isinstance(item, Record)] == CHINESE_SENTENCES[1:]


def test_a_sentence_is_one_fault_at_its_first_broken_line(tmp_path: Path) -> None:
    assert faults(tagged(tmp_path, "a O\nb\nc\nd O\n\ne O\nf B-LOC\n\ng\n")) == [
        ("tagged-line-columns", "train.conll, line 2"),
        ("tagged-line-columns", "train.conll, line 9"),
    ]


def test_a_line_in_another_encoding(tmp_path: Path) -> None:
    content = (CHINESE * 5).encode().split(b"\n")
    content[12] = "厦 B-LOC".encode("gb18030")
    source = opened(write(tmp_path / "train.txt", b"\n".join(content)))
    assert source.details["encoding"] == "utf-8"
    assert faults(source) == [("line-encoding", "train.txt, line 13")]
    assert len(list(source)) == 10


def test_a_file_without_empty_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagged_columns, "MAX_TOKENS", 4)
    four, five = "a O\nb O\nc O\nd B-LOC\n", "a O\nb O\nc O\nd O\ne O\n"
    source = tagged(tmp_path, f"{four}\n{five}\n{four}")
    assert faults(source) == [("tagged-sentence-too-long", "train.conll, line 6")]
    assert only_fault(source).error.params == {"most": 4}
    assert len(list(source)) == 3


@pytest.mark.parametrize(
    ("limit", "code"), [("MAX_TOKENS", "tagged-sentence-too-long"), ("MAX_LINE_CHARS", "line-too-long")]
)
def test_a_sentence_without_end_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, code: str
) -> None:
    monkeypatch.setattr(tagged_columns, limit, 2000)
    source = tagged(tmp_path, f"{'x' * 500} O\n" * 20_000)
    tracemalloc.start()
    assert faults(source) == [(code, "train.conll, line 1")]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000, "of a file of 10 MB"


# -- detection --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".txt", ".tsv", ".conll"])
@pytest.mark.parametrize(
    "head",
    [
        CONLL_2003,
        CHINESE,
        CHINESE.replace("\n", "\r\n"),
        CHINESE.replace(" ", "\t"),
        "Peter B-PER\nlives O\nher",
        "# id 1\nPeter U_PER\nlives O\n",
        "a O\nb M-X\nc L-X\n",
        "a O\nb\nc O\n\n" + CHINESE * 2,
    ],
)
def test_tagged_columns_are_seen(head: str, suffix: str) -> None:
    assert is_tagged_columns(head, suffix)


@pytest.mark.parametrize("suffix", [".conll", ".bio", ".bioes", ".iob", ".iob2", ".ner", ".tagged"])
def test_a_suffix_that_says_so_needs_less(suffix: str) -> None:
    for head in ("a O\nb O\n\nc O\n", "a O\nb\n\nc O\nd\n", "a O\n"):
        assert is_tagged_columns(head, suffix)
        assert not is_tagged_columns(head, ".txt")
    assert suffix in FILE_SUFFIXES


@pytest.mark.parametrize("suffix", ["", ".txt", ".csv", ".tsv", ".conll"])
@pytest.mark.parametrize(
    "head",
    [
        "",
        "\n\n",
        "-DOCSTART- O\n\n",
        "Peter B-PER",
        "text\tlabel\nlovely and warm\tgood\nbroke at once\tbad\n",
        "lovely and warm\tgood\nbroke at once\tbad\n",
        "text,label\nwhere is it,O\nwhere,B-LOC\n",
        "lovely\tb-good\nbroke\to\n",
        "I live in Paris\tO O O B-LOC\nParis calls\tB-LOC O\n",
        "an I-beam is strong\tgood\na B-movie is weak\tbad\n",
        "what an E- book\nO what a play\n",
        "plain words on\neach line here\n",
        '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["b"], "tags": ["B-LOC"]}\n',
        '[\n  "O",\n  "B-LOC"\n]\n',
        "O\nB-LOC\nO\n",
        "a NN\nb VB\n\nc NN\n",
    ],
)
def test_other_files_are_not_taken_for_them(head: str, suffix: str) -> None:
    assert not is_tagged_columns(head, suffix)


@pytest.mark.parametrize("suffix", ["", ".txt", ".csv", ".tsv"])
@pytest.mark.parametrize(
    "head",
    [
        "word\ttag\nPeter\tB-PER\nlives\tO\n",
        "great car\tE-class\nfine car\tS-class\n",
        "great car\tO\nfine car\tO\n",
        "great car\tO\nfine car\tB-side\nold car\tother\n",
        "word\ttag\n" + "Peter\tB-PER\nlives\tO\n" * 10,
        "great car\tO\nfine car\tB-side\n\nold car\tother\nnew car\tother\n",
    ],
)
def test_tables_with_labels_like_tags_are_tables(head: str, suffix: str) -> None:
    assert not is_tagged_columns(head, suffix)


def test_the_head_may_end_within_a_line(tmp_path: Path) -> None:
    text = CHINESE * 4000
    assert len(text.encode()) > 1 << 17
    assert len(records(tagged(tmp_path, text, "train.txt"))) == 8000


def test_a_file_that_begins_like_json_is_tagged_if_its_lines_are(tmp_path: Path) -> None:
    assert records(tagged(tmp_path, "{ O\nParis B-LOC\n} O\n", "train.txt"))[0]["tokens"] == ["{", "Paris", "}"]


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_copy_holds_tokens_and_tags(tmp_path: Path) -> None:
    source = tagged(tmp_path, CONLL_2003)
    with open_writer(source, tmp_path / "copy.conll") as writer:
        for item in source:
            writer.add(item.fields)
    assert (tmp_path / "copy.conll").read_text() == (
        "EU B-ORG\nrejects O\nGerman B-MISC\ncall O\n\nPeter B-PER\nBlackburn I-PER\n\nBRUSSELS B-LOC\n1996-08-22 O\n\n"
    )
    assert records(opened(tmp_path / "copy.conll")) == SENTENCES


def test_a_copy_is_compressed_as_its_source(tmp_path: Path) -> None:
    source = tagged(tmp_path, CHINESE, "train.bio.gz")
    with open_writer(source, tmp_path / "copy.bio.gz") as writer:
        for item in source:
            writer.add(item.fields)
    assert gzip.decompress((tmp_path / "copy.bio.gz").read_bytes()).decode() == CHINESE


TOKENS = st.text("ab#国\u3000\xa0", min_size=1, max_size=4)
SPACED_TOKENS = st.text("ab #国", min_size=1, max_size=5).map(str.strip).filter(bool)


def sentences_of(tokens: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[tuple[str, str]]]]:
    pairs = st.tuples(tokens, st.sampled_from(["O", "B-LOC", "I-LOC"]))
    return st.lists(st.lists(pairs, min_size=1, max_size=5), max_size=5)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.tuples(st.just(" "), sentences_of(TOKENS)),
        st.tuples(st.just("\t"), sentences_of(SPACED_TOKENS)),
    )
)
def test_what_is_written_is_read_back(tmp_path: Path, case: tuple[str, list[list[tuple[str, str]]]]) -> None:
    separator, sentences = case
    first = [("a", "O"), ("b", "B-LOC")]
    rows = [
        {"tokens": [token for token, _ in pairs], "tags": [tag for _, tag in pairs]} for pairs in [first, *sentences]
    ]
    sample = tagged(tmp_path, f"a{separator}O\nb{separator}B-LOC\n")
    with open_writer(sample, tmp_path / "copy.conll") as writer:
        for row in rows:
            writer.add(row)
    source = opened(tmp_path / "copy.conll", encoding="utf-8")
    assert isinstance(source, TaggedColumnsSource)
    assert records(source) == rows
