"""Write a recipe for labelled data that works: a first draft with the reasons beside it, in English or Chinese.

What was found in the data (``survey``) is written as comments, so that it can be judged and changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from triga.core.errors import Language
from triga.flow.recipe_text import dump_yaml
from triga.flow.survey import Survey
from triga.tasks.question_answering.spec import QuestionAnswering
from triga.tasks.sequence_to_sequence.spec import SequenceToSequence
from triga.tasks.text_classification.spec import TextClassification

__all__ = ["draft_recipe", "facts", "name_of"]

IMBALANCE = 10
"""Times that the most frequent label outnumbers the rarest, above which class weights are worth a hint."""
SPOKEN = frozenset({"en", "zh"})
"""By the bases that come with triga."""
FOREIGN_SHARE = 0.1
"""Of rows in other languages, above which random weights and a tokenizer of the rows' own are the better start."""
PLACE_NAMES = ("train", "data", "dataset", "all", "labels", "labelled", "labeled")

Say = Callable[[str, str], str]
"""Chooses between an English and a Chinese sentence."""


def draft_recipe(found: Survey, *, folder: Path, name: str | None = None, language: Language = "en") -> str:
    """The recipe's text, for a file in ``folder`` (paths are written relative to it), with comments in a language."""

    def say(english: str, chinese: str) -> str:
        return chinese if language == "zh" else english

    baseline, metric = found.spec.baseline_name, found.spec.main_metric
    lines = [
        say(
            f"# Drafted by triga init from {found.train.name}. triga schema describes every key.",
            f"# 由 triga init 根据 {found.train.name} 起草。triga schema 说明每个键。",
        ),
        f"# {facts(found, language)}",
        dump_yaml({"name": name or name_of(found.train)}).strip(),
        "",
        say(
            "# Where the weights start from: random weights, or the folder of any T5, BART or Marian\n"
            "# (base: path/to/it); sizes: nano, micro, mini, small, base.",
            "# 权重从哪里开始：随机权重，或任意 T5、BART、Marian 模型文件夹\n"
            "# （base: 文件夹的路径）；大小可选 nano、micro、mini、small、base。",
        )
        if isinstance(found.spec, SequenceToSequence)
        else say(
            "# Where the weights start from: a base that comes with triga (triga-nano, triga-mini; English, Chinese),\n"
            "# any model's folder (base: path/to/it), or random weights\n"
            "# (base: {kind: scratch, size: nano}; also micro, mini, small, base).",
            "# 权重从哪里开始：triga 自带的模型（triga-nano、triga-mini，英文和中文）、任意模型文件夹\n"
            "# （base: 文件夹的路径），或随机权重\n"
            "# （base: {kind: scratch, size: nano}，还有 micro、mini、small、base）。",
        ),
        f"base: {_base(found)}",
        "",
        f"task: {_inline(_task(found))}",
        *_task_hints(found, say),
        "",
        "data:",
        *_data_lines(found, folder, say),
        "",
        say(
            "# Fit the model. Epochs, rate, length and number type follow from size, data and machine when left out;\n"
            "# for example: tune: {num_train_epochs: 5}",
            "# 训练。轮数、学习率、长度和数值类型不写时，由模型大小、数据和机器决定；\n"
            "# 例如 tune: {num_train_epochs: 5}",
        ),
        "tune: {}",
        "",
        say(
            f"# Scores with intervals, a {baseline} baseline beside them, the worst mistakes: dossier.html.\n"
            f"# A missed gate ends the run with exit code 3; for example: evaluate: {{gates: {{{metric}: 0.8}}}}",
            f"# 评估：带区间的分数、{baseline} 基线、最严重的错误，见 dossier.html。\n"
            f"# 未达到门槛时以退出码 3 结束；例如 evaluate: {{gates: {{{metric}: 0.8}}}}",
        ),
        "evaluate: {}",
        *([] if isinstance(found.spec, SequenceToSequence) else _compress_lines(say)),
    ]
    return "\n".join(lines) + "\n"


def _compress_lines(say: Say) -> list[str]:
    return [
        "",
        say(
            "# The bundle that triga serve runs, proven to answer as the trained model does.",
            "# triga serve 所用的部署包；导出时验证它与训练好的模型给出相同的答案。",
        ),
        "compress: {quantize: int8}",
    ]


def _task(found: Survey) -> dict[str, Any]:
    several = {"multi_label": True} if found.multi_label else {}
    none = {"no_answer": True} if _may_be_none(found) else {}
    return {
        "kind": found.spec.kind,
        **several,
        **none,
        **({"label_separator": found.separator} if found.separator else {}),
    }


def _may_be_none(found: Survey) -> bool:
    return isinstance(found.spec, QuestionAnswering) and found.spec.section.no_answer


def facts(found: Survey, language: Language = "en") -> str:
    """What was found, in one line."""
    median, long, longest = found.lengths
    learned = found.spec.in_words(found.labels, found.columns.by_role, language)
    languages = ", ".join(
        f"{name} {share:.0%}" if share >= 0.01 else f"{name} <1%"
        for name, count in sorted(found.languages.items(), key=lambda item: -item[1])
        for share in [count / found.num_rows]
    )
    if language == "zh":
        rows = f"{found.num_rows:,} 行" if found.is_all else f"前 {found.num_rows:,} 行"
        return f"{rows}，{learned}；语言：{languages}；字符数：中位 {median}，99 % 不超过 {long}，最长 {longest}"
    rows = f"{found.num_rows:,} rows" if found.is_all else f"the first {found.num_rows:,} rows"
    return (
        f"{rows}, {learned}; languages: {languages}; characters: median {median}, 99 % up to {long}, longest {longest}"
    )


def _task_hints(found: Survey, say: Say) -> list[str]:
    hints: list[str] = []
    if found.scores is not None:
        low, high = (f"{score:g}" for score in found.scores)
        hints.append(
            say(
                f"# Scores lie between {low} and {high}. A range refuses others and cuts answers to it:"
                f" range: [{low}, {high}]",
                f"# 分数在 {low} 与 {high} 之间。写明范围后，超出的行会被拒绝，答案也限于其中：range: [{low}, {high}]",
            )
        )
    if _may_be_none(found):
        hints.append(
            say(
                "# Some questions have no answer in their context: the model learns to say so.",
                "# 有的问题在原文中没有答案：模型会学习如实说明。",
            )
        )
    if not isinstance(found.spec, TextClassification):
        return hints
    if found.are_indices and found.labels:
        hints.append(
            say(
                "# Labels are numbers; label_names gives them names in order: label_names: [negative, positive]",
                "# 标签是数字；可用 label_names 按顺序命名：label_names: [负面, 正面]",
            )
        )
    rarest, fewest = min(found.labels.items(), key=lambda item: item[1], default=("", 0))
    if fewest * IMBALANCE < max(found.labels.values(), default=0):
        rarest = " ".join(rarest.split())
        hints.append(
            say(
                f"# Some labels are rare ({rarest}: {fewest} rows): class_weights: balanced may help them.",
                f"# 有的标签很少（{rarest}：{fewest} 行）：class_weights: balanced 可能有帮助。",
            )
        )
    return hints


def _data_lines(found: Survey, folder: Path, say: Say) -> list[str]:
    files = {"train": found.train, "dev": found.dev, "test": found.test}
    lines = [
        "  " + dump_yaml({split: _relative(path, folder)}).strip() for split, path in files.items() if path is not None
    ]
    if found.dev is None:
        lines.append(
            say(
                "  # No dev file: a tenth of train decides when to stop (dev_size).",
                "  # 没有 dev 文件：从 train 中取十分之一来决定何时停止（dev_size）。",
            )
        )
    if found.test is None:
        lines.append(
            say(
                "  # No test file: a tenth of train is kept for the dossier (test_size).",
                "  # 没有 test 文件：从 train 中留出十分之一用于评估（test_size）。",
            )
        )
    guessed = say("  # The column of {role} was guessed from its content.", "  # {role} 列是根据内容猜的。")
    return [
        *lines,
        f"  columns: {_inline(dict(found.columns.by_role))}",
        *(guessed.format(role=role) for role in found.columns.guessed),
    ]


def _base(found: Survey) -> str:
    if isinstance(found.spec, SequenceToSequence):
        return "{kind: scratch, size: nano}"
    foreign = sum(count for name, count in found.languages.items() if name not in SPOKEN)
    return "triga-nano" if foreign <= FOREIGN_SHARE * found.num_rows else "{kind: scratch, size: nano}"


def _relative(path: Path, folder: Path) -> str:
    """Relative where the two share more than the root, so that the folder can be moved as a whole."""
    path, folder = path.resolve(), folder.resolve()
    shared = os.path.commonpath([path, folder])
    return str(path) if len(Path(shared).parts) < 2 else Path(os.path.relpath(path, folder)).as_posix()


def name_of(train: Path) -> str:
    """The most telling name on the path: ``intents`` for ``intents/data/train.csv``."""
    stem = re.sub(r"[\W_]*train$", "", train.name.partition(".")[0])
    parts = [stem, *(parent.name for parent in train.resolve().parents)]
    telling = next((part for part in parts if part.lower() not in PLACE_NAMES and _slug(part)), "my-model")
    return _slug(telling)


def _slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text).strip("-_")[:64]


def _inline(values: Mapping[str, Any]) -> str:
    return dump_yaml(values, on_one_line=True).strip()
