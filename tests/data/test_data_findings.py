"""Each finding once, with its places, in both languages; and a clean file has none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from data_files import Fields, labelled, numbered, section, task, write, write_csv, write_jsonl
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import models, pre_tokenizers

from triga.data.check import Report, check
from triga.data.findings import Finding
from triga.text.tokenizers.tokenizer import Tokenizer

CLEAN = [*numbered("order", 12), *numbered("refund", 12)]


def look(tmp_path: Path, train: Sequence[Fields], test: Sequence[Fields] | None = None, **options: object) -> Report:
    files = {"train": write_jsonl(tmp_path / "train.jsonl", train)}
    if test is not None:
        files["test"] = write_jsonl(tmp_path / "test.jsonl", test)
    return check(section(**files), task(**options), seed=3)


def the(report: Report, code: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.code == code]
    english, chinese = found.fields("en"), found.fields("zh")
    assert english.keys() == chinese.keys()
    assert english["what"] != chinese["what"]
    assert "{" not in english["what"] + chinese["what"]
    return found


def test_clean_data_has_no_findings(tmp_path: Path) -> None:
    report = look(tmp_path, CLEAN)
    assert report.findings == ()
    assert not report.has_errors


def test_a_report_is_json(tmp_path: Path) -> None:
    report = look(tmp_path, [*CLEAN, {"text": "", "label": "order"}])
    saved = json.loads(json.dumps(report.as_dict()))
    assert saved["splits"]["train"]["rows"] == 20
    assert saved["findings"][0]["places"] == ["train.jsonl, line 25"]
    assert saved["findings"][0]["zh"]["what"] == "text 为空"
    assert tuple(map(Finding.from_dict, saved["findings"])) == report.findings


def test_check_goes_on_after_every_error(tmp_path: Path) -> None:
    rows = [*CLEAN, {"text": "", "label": "order"}, {"text": "a b", "label": None}, "broken", {"words": "x"}, CLEAN[0]]
    report = look(tmp_path, rows)
    codes = {finding.code: finding.places for finding in report.findings if finding.severity == "error"}
    assert codes == {
        "text-empty": ("train.jsonl, line 25",),
        "label-empty": ("train.jsonl, line 26",),
        "record-not-object": ("train.jsonl, line 27",),
        "record-field-missing": ("train.jsonl, line 28",),
    }
    assert report.has_errors
    assert report.summary["splits"]["train"]["rows"] + report.summary["splits"]["test"]["rows"] > 20


def test_check_goes_on_after_a_cut_file(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "train.csv.gz", [{"text": f"text {i * i} {i}", "label": "ab"[i % 2]} for i in range(9000)]
    )
    path.write_bytes(path.read_bytes()[:-100])
    report = check(section(path), task(), seed=0)
    assert the(report, "data-file-damaged").places == ("train.csv.gz",)
    assert report.summary["splits"]["train"]["rows"] > 1000


def test_places_stop_at_twenty_and_the_count_does_not(tmp_path: Path) -> None:
    finding = the(look(tmp_path, [*CLEAN, *({"text": "", "label": "order"} for _ in range(70))]), "text-empty")
    assert (finding.count, len(finding.places)) == (70, 20)
    assert finding.text().splitlines()[0] == "the text is empty  ×70"
    assert finding.text().splitlines()[1].endswith("train.jsonl, line 29; …")


def test_unknown_labels(tmp_path: Path) -> None:
    report = look(
        tmp_path, CLEAN, [{"text": "one more", "label": "order"}, {"text": "a strange one", "label": "alien"}]
    )
    finding = the(report, "label-unknown")
    assert (finding.severity, finding.places) == ("error", ("test.jsonl, line 2",))
    assert "alien" in finding.text()


def test_named_labels_without_rows(tmp_path: Path) -> None:
    finding = the(look(tmp_path, CLEAN, label_names=("order", "refund", "greeting")), "label-untrained")
    assert finding.params == {"labels": "greeting"}


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_class(tmp_path: Path, split: str) -> None:
    same = [{"text": f"just one {i}", "label": "order"} for i in range(8)]
    report = look(tmp_path, same) if split == "train" else look(tmp_path, CLEAN, same)
    found = [finding for finding in report.findings if finding.code == "one-class" and finding.params["split"] == split]
    assert [finding.severity for finding in found] == ["error" if split == "train" else "warning"]


def test_a_split_without_rows(tmp_path: Path) -> None:
    finding = the(look(tmp_path, [CLEAN[0], CLEAN[-1]], CLEAN[1:3]), "split-empty")
    assert finding.params == {"split": "dev"}


def test_single_rows_imbalance_and_labels_alike(tmp_path: Path) -> None:
    rows = [*numbered("order", 60), *numbered("Order", 4), *numbered("rare", 1)]
    report = look(tmp_path, rows)
    assert the(report, "class-single-row").params == {"labels": "rare"}
    assert the(report, "class-imbalance").severity == "info"
    assert the(report, "labels-alike").params == {"labels": "Order / order"}


def test_duplicates(tmp_path: Path) -> None:
    twice = {"text": f" {CLEAN[0]['text'].upper()} !", "label": "order"}
    finding = the(look(tmp_path, [*CLEAN, twice], [CLEAN[0] | {"text": "new words here"}]), "rows-duplicate")
    assert finding.places == ("train.jsonl, line 25 = train.jsonl, line 1",)


def test_the_same_text_with_two_labels(tmp_path: Path) -> None:
    rows = [*CLEAN, {"text": CLEAN[3]["text"], "label": "refund"}]
    finding = the(
        look(tmp_path, rows, numbered("order", 1)[:0] or [{"text": "new words", "label": "order"}]), "labels-conflict"
    )
    assert finding.places == ("train.jsonl, line 4 (order) ≠ train.jsonl, line 25 (refund)",)
    across = the(look(tmp_path, CLEAN, [{"text": CLEAN[3]["text"], "label": "refund"}]), "labels-conflict")
    assert across.places == ("train.jsonl, line 4 (order) ≠ test.jsonl, line 1 (refund)",)


def test_leaks(tmp_path: Path) -> None:
    train = labelled(
        {
            "order": ["Where is my order? It should have come last Monday", "我昨天买的香薰机到现在还没有发货"],
            "refund": ["I want my money back", "请把钱退给我"],
        }
    )
    test = labelled(
        {
            "order": [
                "where is my order it should have come last MONDAY!",
                "Where is my order? It should have come last Monday evening",
                "我昨天买的香薰机到现在还没有发货呀",
                "a parcel that nobody has ever seen",
            ],
            "refund": ["Ｉ　ｗａｎｔ　ｍｙ　ｍｏｎｅｙ　ｂａｃｋ"],
        }
    )
    report = look(tmp_path, [*train, *CLEAN], test)
    assert the(report, "leak-exact").places == (
        "test.jsonl, line 1 = train.jsonl, line 1",
        "test.jsonl, line 5 = train.jsonl, line 3",
    )
    assert the(report, "leak-near").places == (
        "test.jsonl, line 2 ≈ train.jsonl, line 1",
        "test.jsonl, line 3 ≈ train.jsonl, line 2",
    )


def test_pairs_that_share_one_text_do_not_leak(tmp_path: Path) -> None:
    train = [{"text": f"so {LONG} sir or not", "text_pair": "what a lamp is this", "label": "order"}]
    pairs = [row | {"text_pair": f"{row['text']} too"} for row in CLEAN]
    report = look(tmp_path, [*train, *pairs], [{"text": LONG, "text_pair": "what a lamp", "label": "order"}])
    assert not codes(report) & {"leak-near", "leak-within"}


def test_a_few_texts_in_the_other_script_are_not_worth_a_word(tmp_path: Path) -> None:
    chinese = labelled({"order": ["我的订单为什么还没到"], "refund": ["請問什麼時候還錢給我"]})
    rows = [*numbered("order", 150), *numbered("refund", 150), *chinese]
    assert not codes(look(tmp_path, rows)) & {"text-some-traditional", "text-some-simplified"}


def test_index_blocks_do_not_change_leaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = [row | {"text": f"{row['text']} more"} for row in numbered("order", 12)]
    train = [row | {"text": f"{row['text']} more less"} for row in [*numbered("order", 12), *numbered("refund", 12)]]
    longer = [row | {"text": row["text"] + " that is a long tail of words so that one is near"} for row in train]
    near = [row | {"text": row["text"] + " that is a long tail of words so that one is near"} for row in test]
    whole = look(tmp_path, longer, near)
    monkeypatch.setattr("triga.data.leaks.INDEX_BLOCK_ROWS", 5)
    assert look(tmp_path, longer, near).findings == whole.findings
    assert the(whole, "leak-near").count == 11, "one of the twelve is in dev"


def test_controls_mojibake_and_no_words(tmp_path: Path) -> None:
    odd = labelled({"order": ["bell \x07 rings", "it was Ã©tÃ© then", "12345", "https://example.org/a?b=c 17"]})
    report = look(tmp_path, [*CLEAN, *odd])
    assert the(report, "text-controls").places == ("train.jsonl, line 25",)
    assert the(report, "text-controls").params == {"share": "3.6 %", "first": "U+0007"}
    assert the(report, "text-mojibake").places == ("train.jsonl, line 26",)
    assert the(report, "text-no-words").places == ("train.jsonl, line 27", "train.jsonl, line 28")


def test_personal_data(tmp_path: Path) -> None:
    odd = labelled({"order": ["order LO-48213 of 2024-05-01", "write to nora@example.com", "我的电话是13800138000"]})
    found = the(look(tmp_path, [*CLEAN, *odd]), "text-personal")
    assert (found.severity, found.count, found.params) == ("info", 2, {"share": "7.4 %", "first": "email"})
    assert found.places == ("train.jsonl, line 26", "train.jsonl, line 27")


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def test_markup_is_said_from_one_row_in_a_hundred_on(tmp_path: Path) -> None:
    html = labelled({"order": ["a fine book<br />really", "Tom &amp; Jerry came", "# T\n\n**a** and **b**\n\n# U"]})
    found = the(look(tmp_path, [*CLEAN, *html]), "text-markup")
    assert (found.count, found.params) == (3, {"share": "11 %", "first": "<br />"})
    assert found.places[0] == "train.jsonl, line 25"
    assert "text-markup" not in codes(look(tmp_path, [*numbered("order", 150), *numbered("refund", 150), html[0]]))
    prepared = look(tmp_path, [*CLEAN, *html[:2]], prepare={"markup": "html"})
    assert "text-markup" not in codes(prepared), "what the model does not see is no finding"


@pytest.mark.parametrize(
    "text",
    [
        "I <3 you && c>d",
        "AT&T; and R&D rocks",
        "click <link> at <time>, says <unk>",
        "花呗额度是***，我想买***的",
        "1 * 2 * 3 # 4",
        "x_y_z [a](b",
    ],
)
def test_what_only_looks_like_markup_is_none(tmp_path: Path, text: str) -> None:
    assert "text-markup" not in codes(look(tmp_path, [*CLEAN, {"text": text, "label": "order"}]))


def test_full_width_letters_are_found_and_chinese_punctuation_is_not(tmp_path: Path) -> None:
    rows = labelled({"order": ["质量不错，物流很快！（推荐）", "２００１年来过"], "refund": ["退款：ＱＱ钱包"]})
    found = the(look(tmp_path, [*CLEAN, *rows]), "text-full-width")
    assert (found.count, found.params["first"]) == (2, "２００１")
    assert found.places == ("train.jsonl, line 26", "train.jsonl, line 27")


def test_the_rarer_of_two_scripts_is_found(tmp_path: Path) -> None:
    simplified = labelled({"order": ["我的订单为什么还没到", "请问这个多少钱"], "refund": ["给我退钱"]})
    traditional = labelled({"refund": ["請問什麼時候還錢給我"]})
    found = the(look(tmp_path, [*CLEAN, *simplified, *traditional]), "text-some-traditional")
    assert (found.count, found.params, found.places) == (1, {"share": "25 %"}, ("train.jsonl, line 28",))
    other = [{"text": "這個東西還沒來", "label": "order"} for _ in range(1)]
    more = labelled({"refund": ["請退錢給我們", "這樣不對", "誰來過"]})
    found = the(look(tmp_path, [*CLEAN, *simplified[:1], *traditional, *other, *more]), "text-some-simplified")
    assert found.places == ("train.jsonl, line 25",)
    assert not codes(look(tmp_path, [*CLEAN, *simplified])) & {"text-some-traditional", "text-some-simplified"}


LONG = "please tell me when the blue lamp that i ordered last week will arrive"


def look_at_train(tmp_path: Path, rows: Sequence[Fields], **options: object) -> Report:
    """With dev and test of their own, so that train keeps its rows."""
    held = write_jsonl(tmp_path / "held.jsonl", labelled({"order": ["quite new words"], "refund": ["and some others"]}))
    train = write_jsonl(tmp_path / "train.jsonl", [*CLEAN, *rows])
    return check(section(train, dev=held, test=held, **options), task(), seed=3)


def test_near_duplicates_in_train(tmp_path: Path) -> None:
    rows = labelled({"order": [LONG, f"{LONG} here"], "refund": [f"so {LONG}"]})
    report = look_at_train(tmp_path, rows)
    near = the(report, "rows-near-duplicate")
    assert (near.count, near.params["share"]) == (1, "3.7 %")
    assert near.places == ("train.jsonl, line 26 ≈ train.jsonl, line 25",)
    conflict = the(report, "labels-conflict-near")
    assert conflict.places == ("train.jsonl, line 25 (order) ≈ train.jsonl, line 27 (refund)",)


def test_a_copy_of_a_copy_that_goes_stays(tmp_path: Path) -> None:
    """The first of a chain is near to the second and that to the third; without the second the third is no copy."""
    words = LONG.split()
    chain = [" ".join([*words[i:], *(f"new{k}" for k in range(i))]) for i in range(3)]
    near = the(look_at_train(tmp_path, labelled({"order": chain})), "rows-near-duplicate")
    assert near.places == ("train.jsonl, line 26 ≈ train.jsonl, line 25",)


def test_index_blocks_do_not_change_near_duplicates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = labelled({"order": [f"{LONG} {word}" for word in "abc"], "refund": [f"{LONG} {word} sir" for word in "de"]})
    whole = look_at_train(tmp_path, rows)
    monkeypatch.setattr("triga.data.duplicates.INDEX_BLOCK_ROWS", 5)
    assert look_at_train(tmp_path, rows).findings == whole.findings
    assert {"rows-near-duplicate", "labels-conflict-near"} <= codes(whole)


def test_few_near_duplicates_are_not_worth_a_word(tmp_path: Path) -> None:
    rows = [*labelled({"order": [LONG, f"{LONG} here"]}), *numbered("order", 150)]
    assert "rows-near-duplicate" not in codes(look_at_train(tmp_path, rows))


def test_near_duplicates_are_dropped_before_the_split(tmp_path: Path) -> None:
    texts = [LONG, LONG.upper(), f"{LONG} here", f"so {LONG}"]
    train = write_jsonl(tmp_path / "train.jsonl", [*CLEAN, *labelled({"order": texts[:3], "refund": texts[3:]})])
    report = check(section(train, drop=["near-duplicates"]), task(), seed=3)
    dropped = the(report, "near-duplicates-dropped")
    assert (dropped.severity, dropped.count) == ("info", 2)
    assert dropped.places == tuple(f"train.jsonl, line {line} ≈ train.jsonl, line 25" for line in (26, 27))
    assert sum(numbers["rows"] for numbers in report.summary["splits"].values()) == 26, "another label stays"


def test_leaks_are_dropped_from_train_and_test_stays_whole(tmp_path: Path) -> None:
    train = [
        *labelled({"order": [LONG.upper(), f"{LONG} here", f"as i said on monday: {LONG} or else i am gone"]}),
        *CLEAN,
    ]
    held = write_jsonl(tmp_path / "held.jsonl", labelled({"order": [LONG], "refund": ["and some others"]}))
    files = {"dev": held, "test": held}
    path = write_jsonl(tmp_path / "train.jsonl", train)
    assert {"leak-exact"} <= codes(check(section(path, **files), task(), seed=3))
    report = check(section(path, **files, drop=["leaks"]), task(), seed=3)
    dropped = the(report, "leaks-dropped")
    assert dropped.places == ("train.jsonl, line 1", "train.jsonl, line 2", "train.jsonl, line 3")
    assert {name: numbers["rows"] for name, numbers in report.summary["splits"].items()} == {
        "train": 24,
        "dev": 2,
        "test": 2,
    }
    assert not codes(report) & {"leak-exact", "leak-near", "leak-within"}


def test_a_row_within_a_longer_one_leaks(tmp_path: Path) -> None:
    train = [{"text": f"$ABC - {LONG} https://example.com/a said the man from the shop to us", "label": "order"}]
    test = [{"text": LONG, "label": "order"}, {"text": "where is my order now", "label": "order"}]
    found = the(look(tmp_path, [*train, *CLEAN], test), "leak-within")
    assert found.places == ("test.jsonl, line 1 ⊂ train.jsonl, line 1",)


def test_rows_that_would_be_cut(tmp_path: Path) -> None:
    raw = RawTokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    long = {"text": " ".join(f"w{i}" for i in range(25)), "label": "order"}
    path = write_jsonl(tmp_path / "train.jsonl", [*CLEAN, long])
    test = write_jsonl(tmp_path / "test.jsonl", [{"text": "short", "label": "order"}])
    report = check(section(path, test=test, dev=test), task(), seed=0, tokenizer=Tokenizer(raw), max_length=10)
    finding = the(report, "rows-cut")
    assert finding.params == {"split": "train", "max_length": 10, "tokens": 15}
    assert finding.places == ("train.jsonl, line 25",)


def test_errors_come_first(tmp_path: Path) -> None:
    rows = [*CLEAN, CLEAN[0], {"text": "12", "label": "order"}, {"text": "", "label": "order"}]
    severities = [finding.severity for finding in look(tmp_path, rows).findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert set(severities) == {"error", "warning", "info"}


def test_checking_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", b"text,label\nx y,a\nz w,b\nv u,a\n")
    before = path.read_bytes(), path.stat().st_mtime_ns
    check(section(path), task(), seed=0)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["train.csv"]
