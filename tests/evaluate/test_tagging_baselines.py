"""A CRF and a dictionary find entities as they should, in English and in Chinese, and are the same each time."""

from __future__ import annotations

from importlib import util

import pytest

from triga.core.errors import MachineError
from triga.evaluate.token_classification import crf as room
from triga.evaluate.token_classification.crf import fit_crf
from triga.evaluate.token_classification.dictionary import fit_dictionary
from triga.tasks.token_classification.spans import Span

Marked = tuple[list[str], list[list[Span]]]


def marked(*lines: str) -> Marked:
    """Texts and their entities from lines as ``[PER Ada Moss] sings .``"""
    texts, spans = [], []
    for line in lines:
        text, found = "", []
        for i, part in enumerate(line.replace("]", "[").split("[")):
            label, _, said = part.partition(" ") if i % 2 else ("", "", part)
            if label:
                found.append(Span(len(text), len(text) + len(said), label))
            text += said
        texts.append(text)
        spans.append(found)
    return texts, spans


PEOPLE = ("Ada Moss", "Tom Reed", "Lena Hart", "Igor Blum", "Nina Falk", "Hugo Lind")
PLACES = ("Norwick", "Halden", "Porto Alto", "Elmstead", "Varna", "Tarsk")
NAMES_ZH = ("林小雨", "赵一鸣", "孙立", "周文博", "钱多", "吴晓")
PLACES_ZH = ("青河", "石门", "柳州", "白沙湾", "云溪", "东岭")
ENGLISH = marked(
    *(f"[PER {person}] lives in [LOC {place}]." for person in PEOPLE for place in PLACES),
    *(f"We met Dr. [PER {person}] at the lake, and it rained." for person in PEOPLE),
    "Nobody came to the old house on the hill.",
)
CHINESE = marked(
    *(f"记者[PER {name}]从[LOC {place}]市报道。" for name in NAMES_ZH for place in PLACES_ZH),
    *(f"我们昨天见到了[PER {name}]先生。" for name in NAMES_ZH),
    "今天没有人来上班。",
)


@pytest.mark.parametrize("rows", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_a_crf_fits_its_rows(rows: Marked) -> None:
    texts, spans = rows
    crf = fit_crf(texts, spans, seed=0)
    assert crf.spans(texts) == spans
    assert crf.settings["train_rows"] == len(texts)
    assert 0 < crf.settings["iterations"] <= room.MAX_ITERATIONS
    assert crf.settings["features"] > 0


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (ENGLISH, "[PER Wim Dorn] lives in [LOC Quarrel]."),
        (ENGLISH, "We met Dr. [PER Olga Brandt] at the lake."),
        (CHINESE, "记者[PER 郑海洋]从[LOC 龙泉]市报道。"),
        (CHINESE, "我们见到了[PER 冯远]先生。"),
    ],
)
def test_a_crf_knows_new_names_by_what_stands_around_and_their_shape(rows: Marked, line: str) -> None:
    texts, spans = marked(line)
    assert fit_crf(*rows, seed=0).spans(texts) == spans


def test_a_crf_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_TRAIN_WORDS", 100)
    first, again, other = (fit_crf(*ENGLISH, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.model != other.model  # another sample


def test_of_too_many_words_a_sample_of_rows_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, spans = marked(*["[LOC Halden] is old."] * 10)
    monkeypatch.setattr(room, "MOST_TRAIN_WORDS", 10)  # a row has four
    assert fit_crf(texts, spans, seed=0).settings["train_rows"] == 3
    monkeypatch.setattr(room, "MOST_TRAIN_WORDS", 1)
    assert fit_crf(texts, spans, seed=0).settings["train_rows"] == 1


def test_an_answer_covers_the_words_that_an_entity_overlaps() -> None:
    texts = ["the Norwickers sang"] * 4
    crf = fit_crf(texts, [[Span(4, 11, "LOC")]] * 4, seed=0)
    assert crf.spans(texts[:1]) == [[Span(4, 14, "LOC")]]


def test_neighbours_of_one_type_stay_apart() -> None:
    rows = marked(*(f"由[PER {one}][PER {other}]主演。" for one in NAMES_ZH for other in NAMES_ZH if one != other))
    assert fit_crf(*rows, seed=0).spans(rows[0]) == rows[1]


def test_tags_that_break_their_scheme_still_give_entities() -> None:
    places = [(i, i + 1) for i in range(7)]
    tags = ["I-A", "I-A", "E-B", "B-B", "S-B", "B-A", "O"]
    found = [Span(0, 2, "A"), Span(2, 3, "B"), Span(3, 4, "B"), Span(4, 5, "B"), Span(5, 6, "A")]
    assert room._spans(places, tags) == found


def test_shapes() -> None:
    shapes = {form: room._shape(form) for form in ("Berlin", "USA", "iPhone7", "1996", "京", "ß", "!", "Ａ", "，")}
    assert list(shapes.values()) == ["Xxx", "XX", "xXxxd", "dd", "a", "x", ".", "X", "."]


def test_nothing_is_found_where_train_has_no_entity() -> None:
    texts = ["Ada sings.", "", "没有。"]
    nothing = [[], [], []]
    crf, dictionary = fit_crf(texts, nothing, seed=0), fit_dictionary(texts, nothing)
    assert crf.spans(texts) == dictionary.spans(texts) == nothing
    assert crf.settings["train_rows"] == 2  # one has no word
    assert fit_crf([], [], seed=0).spans(texts) == fit_dictionary([], []).spans(texts) == nothing


def test_a_single_tag_in_train_is_given_to_all() -> None:
    texts, spans = marked("[LOC Halden]")
    assert fit_crf(texts, spans, seed=0).spans(["Varna", ""]) == [[Span(0, 5, "LOC")], []]


@pytest.mark.parametrize("text", ["", "  \n", "\ud83d", "\x00"])
def test_texts_without_a_word_and_odd_signs_are_answered(text: str) -> None:
    texts, spans = [*ENGLISH[0], text], [*ENGLISH[1], []]
    assert fit_crf(texts, spans, seed=0).spans([text]) == [[]]
    assert fit_dictionary(texts, spans).spans([text]) == [[]]


def test_without_crfsuite_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = util.find_spec
    monkeypatch.setattr(room, "find_spec", lambda name: None if name == "pycrfsuite" else real(name))
    with pytest.raises(MachineError, match=r"triga\[train\]") as caught:
        fit_crf(*ENGLISH, seed=0)
    assert caught.value.code == "crf-needs-extra"


# -- the dictionary -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_a_dictionary_finds_what_it_has_seen_and_nothing_else(rows: Marked) -> None:
    texts, spans = rows
    dictionary = fit_dictionary(texts, spans)
    assert dictionary.spans(texts) == spans
    assert dictionary.spans(["Wim Dorn lives in Quarrel.", "记者郑海洋从龙泉市报道。"]) == [[], []]
    assert dictionary == fit_dictionary(texts, spans)


def test_the_longest_form_wins_from_left_to_right() -> None:
    train = marked(
        "[LOC Halden] won.", "[ORG Halden Rail] lost.", "[PER Rail Smith] ran.", "[LOC 青河]和[ORG 青河大学]。"
    )
    texts, spans = marked(
        "[ORG Halden Rail] Smith saw [LOC Halden].",
        "[LOC Halden]",
        "在[ORG 青河大学]，在[LOC 青河]大",
        "[LOC Halden]'s",
    )
    assert fit_dictionary(*train).spans(texts) == spans


def test_a_form_is_found_as_whole_words_and_as_it_is_written() -> None:
    dictionary = fit_dictionary(*marked("[LOC Porto Alto] is old."))
    texts, spans = marked("[LOC Porto  Alto]", "PORTO ALTO", "Portos Alto", "Porto Altos", "Porto")
    assert dictionary.spans(texts) == spans


def test_a_form_needs_to_be_an_entity_in_half_of_its_places() -> None:
    train = marked(
        *("It may rain in [DATE May] and May again.", "May I?", "They met in [DATE June].", "June was hot."),
        "[ORG June Choir] and [ORG June Bank] sang.",  # within a longer entity it does not count against June
    )
    texts, spans = marked("From May to [DATE June]")
    assert fit_dictionary(*train).spans(texts) == spans


def test_of_several_types_the_most_frequent_is_given() -> None:
    train = marked("[LOC Varna] and [ORG Varna]", "[ORG Varna] won", "[PER Tarsk] or [LOC Tarsk]")
    texts, spans = marked("[ORG Varna]", "[LOC Tarsk]")  # of equals the first by name
    assert fit_dictionary(*train).spans(texts) == spans
