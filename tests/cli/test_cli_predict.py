"""``triga predict``: the answers are the pipeline's, whatever they are read from; bad inputs keep their place."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from triga.core.workspace import Workspace
from triga.flow.registry import keep, open_registry
from triga.predict.pipeline import Pipeline

TEXTS = ["where is my parcel", "我想退款", "hello there"]


def answers(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def expected(bundle: Path) -> list[dict]:
    return [prediction.as_dict() for prediction in Pipeline.open(bundle).predict(TEXTS)]


def test_texts_from_the_command_line(triga, bundle, expected):
    said = triga("predict", bundle, *TEXTS, "--top-k", "9")
    assert said.code == 0
    assert answers(said.out) == [{"text": text, **answer} for text, answer in zip(TEXTS, expected, strict=True)]


def test_lines_from_a_pipe(triga, bundle, expected):
    said = triga("predict", bundle, "--top-k", "1", stdin="\r\n".join(TEXTS).encode())
    assert [answer["labels"] for answer in answers(said.out)] == [answer["labels"] for answer in expected]
    assert all(len(answer["scores"]) == 1 for answer in answers(said.out))


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.txt", "in.csv.gz", "gbk.txt", "gbk.csv"])
def test_files_of_many_kinds(triga, bundle, expected, tmp_path, name):
    path = tmp_path / name
    text = {
        "csv": "id,question\n" + "".join(f"{i},{line}\n" for i, line in enumerate(TEXTS)),
        "jsonl": "".join(json.dumps({"question": line}) + "\n" for line in TEXTS),
        "txt": "".join(f"{line}\n" for line in TEXTS),
    }[name.split(".")[1]]
    data = text.encode("gbk" if name.startswith("gbk") else "utf-8")
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    said = triga("predict", bundle, "--file", path)
    assert [(answer["text"], answer["labels"]) for answer in answers(said.out)] == [
        (text, answer["labels"]) for text, answer in zip(TEXTS, expected, strict=True)
    ]


def test_a_column_may_be_named(triga, bundle, tmp_path):
    (tmp_path / "in.csv").write_text("a,b\nhello there,where is my parcel\n")
    said = triga("predict", bundle, "-f", "in.csv", "--column", "b")
    assert answers(said.out)[0]["text"] == "where is my parcel"
    assert triga("predict", bundle, "-f", "in.csv", "--column", "c").code == 2


def test_inputs_that_cannot_be_read_keep_their_place(triga, bundle):
    said = triga("predict", bundle, stdin=b"hello\n\nwhere\xff\nhello\n")
    assert said.code == 2
    lines = answers(said.out)
    assert [("labels" in line, line.get("where")) for line in lines] == [
        (True, None),
        (False, "stdin, line 2"),
        (False, "stdin, line 3"),
        (True, None),
    ]
    assert lines[1]["error"] == "the text is empty"
    assert lines[2]["error"] == "the text is not UTF-8"
    assert said.err == "2 of the inputs could not be answered; the output says why\n"
    said = triga("predict", bundle, stdin=b"\xff\n", language="zh")
    assert "文本不是 UTF-8" in said.out
    assert "有 1 条输入无法回答" in said.err


def test_a_file_of_answers_appears_whole_and_replaces_nothing(triga, bundle, tmp_path):
    said = triga("predict", bundle, *TEXTS, "--out", "new/answers.jsonl")
    assert (said.code, said.out) == (0, "")
    path = tmp_path / "new" / "answers.jsonl"
    assert [answer["text"] for answer in answers(path.read_text(encoding="utf-8"))] == TEXTS
    again = triga("predict", bundle, "x", "--out", "new/answers.jsonl")
    assert again.code == 2
    assert "is not replaced" in again.err
    (tmp_path / "bad.jsonl").write_text("")
    assert triga("predict", bundle, "--file", "bad.jsonl", "--out", "new/b.jsonl").code == 2
    assert [file.name for file in path.parent.iterdir()] == ["answers.jsonl"]


def test_pairs_go_to_a_model_of_pairs_and_not_to_others(triga, make_bundle, bundle, tmp_path):
    (tmp_path / "in.csv").write_text("text,text_pair\nhello there,where is my parcel\n")
    said = triga("predict", make_bundle(takes_pairs=True), "-f", "in.csv")
    assert answers(said.out)[0]["text_pair"] == "where is my parcel"
    said = triga("predict", make_bundle(takes_pairs=False), "-f", "in.csv")
    assert "text_pair" not in answers(said.out)[0]


def test_a_run_folder_and_a_registered_name_mean_their_bundle(triga, bundle, tmp_path, expected):
    workspace = Workspace(tmp_path / "workspace")
    with open_registry(workspace.database_url) as registry:
        registry.register_model("tiny", keep(bundle, workspace.root / "models" / "tiny"), kind="bundle")
    for model in ("tiny", "tiny@1", bundle.parent):
        assert answers(triga("predict", model, *TEXTS).out)[0]["labels"] == expected[0]["labels"]
    said = triga("predict", "tyni", "x")
    assert said.code == 2
    assert "tiny" in said.err


@pytest.mark.parametrize("model", ["nothing", "no/such/folder"])
def test_a_model_that_is_not_there_makes_no_workspace(triga, tmp_path, model):
    said = triga("predict", model, "x")
    assert said.code == 2
    assert f"there is no folder '{model}'" in said.err
    assert "没有文件夹" in triga("predict", model, "x", language="zh").err
    assert not (tmp_path / "workspace").exists()


def test_a_terminal_gets_a_table(bundle):
    """In a pseudo-terminal, as a person sees it."""
    command = f"{sys.executable} -m triga.cli predict {bundle} 'where is my parcel' '{'long ' * 30}'"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stdout.replace("\r", "").splitlines()
    assert lines[0].replace("\x1b[1m", "").split()[:3] == ["text", "label", "score"]
    assert lines[1].startswith("where is my parcel")
    assert "…" in lines[2]


def test_nothing_to_answer_is_a_usage_error(bundle):
    command = f"{sys.executable} -m triga.cli predict {bundle}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "give texts, or" in done.stdout
