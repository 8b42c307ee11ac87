"""A recipe drafted from data: what is found out, and that every draft loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triga.core.errors import DataError
from triga.flow.init import draft_recipe, facts
from triga.flow.recipe import Recipe, load_recipe
from triga.flow.survey import survey

ROWS = [("where is my parcel", "parcel"), ("我要退款", "refund"), ("good morning", "greeting")]


def draft(data: Path, *, out: Path | None = None, name: str | None = None, language="en") -> tuple[str, Recipe]:
    out = out or data.parent / "recipe.yaml"
    text = draft_recipe(survey(data), folder=out.parent, name=name, language=language)
    out.write_text(text, encoding="utf-8")
    return text, load_recipe(out)


def write_csv(path: Path, rows=ROWS, header="text,label", times=6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{text} {i},{label}" for i in range(times) for text, label in rows]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_columns_labels_languages_and_lengths_are_found(tmp_path):
    found = survey(write_csv(tmp_path / "train.csv", header="question,intent"))
    assert found.columns.by_role == {"text": "question", "label": "intent"}
    assert dict(found.labels) == {"parcel": 6, "refund": 6, "greeting": 6}
    assert dict(found.languages) == {"en": 12, "zh": 6}
    assert found.lengths == (14, 20, 20)
    assert (found.num_rows, found.is_all, found.multi_label, found.has_pairs) == (18, True, False, False)
    assert facts(found).startswith("18 rows, 3 labels (one label a row); languages: en 67%, zh 33%; characters: med")
    assert facts(found, "zh").startswith("18 行，3 个标签")


@pytest.mark.parametrize(
    ("train", "dev", "test"),
    [
        ("train.csv", "dev.csv", "test.csv"),
        ("reviews_train.csv", "reviews_dev.csv", "reviews_test.csv"),
        ("labels.csv", "valid.csv", "test.csv"),
    ],
)
def test_files_beside_the_data_are_taken_along(tmp_path, train, dev, test):
    for name in (train, dev, test):
        write_csv(tmp_path / name)
    text, recipe = draft(tmp_path / train)
    assert (recipe.data.train, recipe.data.dev, recipe.data.test) == tuple(tmp_path / n for n in (train, dev, test))
    assert "a tenth of train" not in text


def test_without_them_the_split_is_explained(tmp_path):
    text, recipe = draft(write_csv(tmp_path / "train.csv"))
    assert (recipe.data.dev, recipe.data.test) == (None, None)
    assert text.count("a tenth of train") == 2
    assert all(section is not None for section in (recipe.tune, recipe.evaluate, recipe.compress))


def test_paths_are_relative_to_the_recipe(tmp_path):
    data = write_csv(tmp_path / "shop" / "data" / "train.csv")
    text, recipe = draft(data, out=tmp_path / "shop" / "recipe.yaml")
    assert "train: data/train.csv" in text
    assert recipe.data.train == data
    assert recipe.name == "shop"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("reviews.csv", "reviews"),
        ("mails_train.csv", "mails"),
        ("a b/data/train.csv", "a-b"),
        ("客服/train.csv", "客服"),
        ("data/!!/all.csv", None),
    ],
)
def test_the_name_comes_from_the_path(tmp_path, path, name):
    _, recipe = draft(write_csv(tmp_path / path))
    assert recipe.name == (name or recipe.name)


def test_several_labels_in_a_cell(tmp_path):
    rows = [
        ("a parcel came", "parcel;late"),
        ("late again", "late"),
        ("broken and late", "broken;late"),
        ("ok", "broken"),
    ]
    found = survey(
        write_csv(tmp_path / "train.csv", rows=[*rows, ("both", "parcel;broken"), ("all", "parcel;broken;late")])
    )
    assert (found.multi_label, found.separator) == (True, ";")
    assert set(found.labels) == {"parcel", "late", "broken"}
    _, recipe = draft(tmp_path / "train.csv")
    assert (recipe.task.multi_label, recipe.task.label_separator) == (True, ";")


def test_several_labels_as_lists(tmp_path):
    path = tmp_path / "train.jsonl"
    lines = [{"text": f"text {i}", "labels": ["a", "b"] if i % 2 else ["a"]} for i in range(12)]
    path.write_text("\n".join(map(json.dumps, lines)))
    _, recipe = draft(path)
    assert (recipe.task.multi_label, recipe.task.label_separator) == (True, None)


def test_a_label_that_merely_has_a_comma_is_one_label(tmp_path):
    rows = [("text one", '"refunds, returns"'), ("text two", '"parcels, late"'), ("text three", "other")]
    found = survey(write_csv(tmp_path / "train.csv", rows=rows))
    assert found.multi_label is False
    assert "refunds, returns" in found.labels


def test_pairs_indices_and_rare_labels_are_noticed(tmp_path):
    path = tmp_path / "train.csv"
    lines = [f"first {i},second {i},{int(i == 0)}" for i in range(30)]
    path.write_text("\n".join(["sentence1,sentence2,label", *lines]) + "\n")
    text, recipe = draft(path)
    assert recipe.data.columns["text_pair"] == "sentence2"
    assert "label_names: [negative, positive]" in text
    assert "(1: 1 rows): class_weights: balanced" in text


def test_rows_that_cannot_be_used_are_counted_not_hidden(tmp_path):
    path = write_csv(tmp_path / "train.csv")
    path.write_text(path.read_text() + ",parcel\nno label,\n")
    assert survey(path).unreadable == 2
    lines = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(6)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, [*lines, {"text": "no label"}])) + "\n{broken\n")
    assert survey(tmp_path / "train.jsonl").unreadable == 2


def test_a_file_without_a_usable_row_is_refused(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("text,label\n,a\n,b\n")
    with pytest.raises(DataError) as caught:
        survey(path)
    assert caught.value.code == "init-no-rows"


def test_the_start_is_a_base_that_speaks_the_rows_languages(tmp_path):
    _, recipe = draft(write_csv(tmp_path / "bilingual" / "train.csv"))
    assert recipe.base.kind == "shipped"
    rows = [("где моя посылка и когда она придёт", "parcel"), ("верните деньги за этот заказ", "refund")]
    _, recipe = draft(write_csv(tmp_path / "russian" / "train.csv", rows))
    assert recipe.base.kind == "scratch"


def test_the_draft_speaks_chinese(tmp_path):
    text, _ = draft(write_csv(tmp_path / "train.csv"), language="zh")
    assert "由 triga init 根据 train.csv 起草" in text
    assert "没有 test 文件" in text


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x00", exclude_categories=["Cc", "Cs"]), max_size=8
)


@given(header=WORDS, labels=st.lists(WORDS.filter(str.strip), min_size=2, max_size=4, unique_by=str.strip), stem=WORDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_draft_loads(tmp_path, header, labels, stem):
    path = tmp_path / "train.jsonl"
    column = header.strip() or "text"
    rows = [{column: f"a text of some length {i}", "label": labels[i % len(labels)]} for i in range(12)]
    path.write_text("\n".join(map(json.dumps, rows)))
    _, recipe = draft(path, name=None)
    assert recipe.data.train == path
