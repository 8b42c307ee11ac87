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
from triga.text.tokenizer import Tokenizer

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
    assert the(report, "text-controls").params == {"character": "U+0007"}
    assert the(report, "text-mojibake").places == ("train.jsonl, line 26",)
    assert the(report, "text-no-words").places == ("train.jsonl, line 27", "train.jsonl, line 28")


def test_personal_data(tmp_path: Path) -> None:
    odd = labelled({"order": ["order LO-48213 of 2024-05-01", "write to nora@example.com", "我的电话是13800138000"]})
    found = the(look(tmp_path, [*CLEAN, *odd]), "text-personal")
    assert (found.severity, found.count, found.params) == ("info", 2, {"kind": "email"})
    assert found.places == ("train.jsonl, line 26", "train.jsonl, line 27")


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
