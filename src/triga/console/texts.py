"""Every sentence of the page, in English and Chinese, and which of the two a browser likes better."""

from __future__ import annotations

from dataclasses import dataclass

from triga.console.answers import Kind
from triga.console.kind_texts import CHINESE_KINDS, ENGLISH_KINDS, KindTexts, PairWords
from triga.core.errors import Language
from triga.core.http import preferred_language

__all__ = ["TEXTS", "Texts", "page_language"]


@dataclass(frozen=True)
class Texts:
    """Sentences with ``{…}`` are filled by ``str.format``."""

    html_lang: str
    title: str
    language_group: str
    unknown_model: str
    tab_try: str
    tab_batch: str
    text: str
    second_text_optional: str
    pair_words: PairWords
    """Of two texts to compare, where a kind has no words of its own."""
    clear: str
    examples: str
    result: str
    empty: str
    no_label: str
    several: str
    chosen: str
    show_all: str
    show_fewer: str
    announce: str
    no_entity: str
    types: str
    marked_text: str
    entities: str
    announce_entities: str
    no_answer: str
    marked_context: str
    candidates: str
    scale: str
    beyond: str
    announce_score: str
    announce_written: str
    written_whole: str
    written_cut: str
    tokens: str
    cut: str
    round_trip: str
    tokenization: str
    queue: str
    inference: str
    history: str
    history_empty: str
    history_none: str
    history_clear: str
    error_code: str
    waiting: str
    retrying: str
    batch_lines: str
    batch_hint: str
    batch_placeholder: str
    batch_run: str
    batch_stop: str
    batch_progress: str
    batch_done: str
    batch_table: str
    copy: str
    copied: str
    copy_failed: str
    download: str
    column_text: str
    column_label: str
    column_score: str
    column_entities: str
    column_answer: str
    column_number: str
    column_written: str
    lost: str
    reconnecting: str
    too_long: str
    too_long_fix: str
    privacy: str
    for_readers: dict[str, tuple[str, str]]
    """What and fix of API errors that speak of request fields and headers, for someone who only sees a page."""
    kinds: dict[Kind, KindTexts]


ENGLISH = Texts(
    html_lang="en",
    title="triga: try {model}",
    language_group="Language",
    unknown_model="Waiting for the model",
    tab_try="Try",
    tab_batch="Batch",
    text="Text",
    second_text_optional="Second text (optional)",
    pair_words=PairWords(
        first="First text",
        second="Second text",
        placeholder="Type or paste a text; the answer follows as you write",
        placeholder_pair="The text to compare it with",
        empty="The model compares two texts: fill in both.",
        hint="Put a tab between the two texts of a line.",
    ),
    clear="Clear",
    examples="Examples",
    result="Answer",
    empty="Write something, or choose an example.",
    no_label="No label reaches its threshold",
    several="{num_chosen} of {num_labels} labels chosen",
    chosen="chosen",
    show_all="Show all {num_labels}",
    show_fewer="Show fewer",
    announce="Answer: {labels}, {score}",
    no_entity="No entity was found in this text",
    types="Types of entities, and how many were found",
    marked_text="The text with its entities",
    entities="Entities, in the order of the text",
    announce_entities="Entities found: {num_entities} ({types})",
    no_answer="No answer in this text",
    marked_context="The text with the answer",
    candidates="The answer, and what else was considered",
    scale="From the least to the greatest known score",
    beyond="This is beyond all scores that the model was taught.",
    announce_score="Score: {score}",
    announce_written="The model answers: {written}",
    written_whole="{num_tokens} tokens",
    written_cut="Cut after {num_tokens} tokens: the model was not done.",
    tokens="{num_tokens} tokens",
    cut="The model reads {max_tokens} tokens at most; what comes after them was not seen.",
    round_trip="{ms} ms in all",
    tokenization="tokenising {ms}",
    queue="queue {ms}",
    inference="model {ms}",
    history="Tried in this tab",
    history_empty="What you try is listed here, for this tab only.",
    history_none="nothing",
    history_clear="Clear the list",
    error_code="code",
    waiting="Looking for the server every few seconds.",
    retrying="Asking again by itself.",
    batch_lines="Texts, one a line",
    batch_hint="Up to {max_lines} lines. They go to the model's server and are stored nowhere.",
    batch_placeholder="Paste lines here",
    batch_run="Start",
    batch_stop="Stop",
    batch_progress="{done} of {total} lines",
    batch_done="{done} lines",
    batch_table="Answers, one line each",
    copy="Copy as CSV",
    copied="Copied",
    copy_failed="The browser did not allow copying; download the file",
    download="Download CSV",
    column_text="Text",
    column_label="Label",
    column_score="Probability",
    column_entities="Entities",
    column_answer="Answer",
    column_number="Score",
    column_written="Written",
    lost="This page has lost its program.",
    reconnecting="It comes back when triga serve --page runs again.",
    too_long="This text is too long for the page.",
    too_long_fix="Use triga predict on a file.",
    privacy="What you type goes to the model's server and nowhere else.",
    for_readers={
        "text-too-long": (
            "This text is longer than the server takes",
            "Shorten it, or try it in parts.",
        ),
        "token-wrong": (
            "The model's server wants a token that this page was not given",
            "Start both together with triga serve --page, or give the page the server's token.",
        ),
    },
    kinds=ENGLISH_KINDS,
)

CHINESE = Texts(
    html_lang="zh-CN",
    title="triga：试用 {model}",
    language_group="语言",
    unknown_model="正在等待模型",
    tab_try="试用",
    tab_batch="批量",
    text="文本",
    second_text_optional="第二段文本（可选）",
    pair_words=PairWords(
        first="第一段文本",
        second="第二段文本",
        placeholder="输入或粘贴文本，结果会随着输入更新",
        placeholder_pair="与之比较的文本",
        empty="该模型比较两段文本：请都填写。",
        hint="每行的两段文本之间用制表符（Tab）分开。",
    ),
    clear="清空",
    examples="示例",
    result="结果",
    empty="请输入文本，或选择一个示例。",
    no_label="没有标签达到阈值",
    several="选中 {num_chosen} 个标签（共 {num_labels} 个）",
    chosen="已选中",
    show_all="显示全部 {num_labels} 个",
    show_fewer="收起",
    announce="结果：{labels}，{score}",
    no_entity="这段文本中没有找到实体",
    types="实体类型及找到的数量",
    marked_text="标出实体的文本",
    entities="实体，按文本中的顺序",
    announce_entities="找到 {num_entities} 个实体（{types}）",
    no_answer="这段文本中没有答案",
    marked_context="标出答案的文本",
    candidates="答案，以及其他候选",
    scale="从已知的最低分到最高分",
    beyond="超出了模型训练时见过的所有分数。",
    announce_score="分数：{score}",
    announce_written="模型回答：{written}",
    written_whole="{num_tokens} 个词元",
    written_cut="在 {num_tokens} 个词元处截断，模型还没写完。",
    tokens="{num_tokens} 个词元",
    cut="模型最多读取 {max_tokens} 个词元；之后的内容没有被读取。",
    round_trip="总计 {ms} 毫秒",
    tokenization="分词 {ms}",
    queue="排队 {ms}",
    inference="模型 {ms}",
    history="本标签页的试用记录",
    history_empty="试过的文本会列在这里，仅限本标签页。",
    history_none="无",
    history_clear="清空记录",
    error_code="代码",
    waiting="每隔几秒自动查找服务器。",
    retrying="将自动重试。",
    batch_lines="文本，每行一条",
    batch_hint="最多 {max_lines} 行。文本只发送到模型的服务器，不会保存。",
    batch_placeholder="在此粘贴多行文本",
    batch_run="开始",
    batch_stop="停止",
    batch_progress="{done} / {total} 行",
    batch_done="{done} 行",
    batch_table="结果，每行一条",
    copy="复制为 CSV",
    copied="已复制",
    copy_failed="浏览器不允许复制，请下载文件",
    download="下载 CSV",
    column_text="文本",
    column_label="标签",
    column_score="概率",
    column_entities="实体",
    column_answer="答案",
    column_number="分数",
    column_written="所写内容",
    lost="本页面与程序的连接已断开。",
    reconnecting="再次运行 triga serve --page 后会自动恢复。",
    too_long="文本太长，本页面无法处理。",
    too_long_fix="请用 triga predict 处理文件。",
    privacy="您输入的内容只发送到模型的服务器，不会发往别处。",
    for_readers={
        "text-too-long": ("文本超过服务器接受的长度", "请缩短文本，或分成几段试用。"),
        "token-wrong": (
            "模型的服务器需要令牌，而本页面没有得到",
            "请用 triga serve --page 同时启动两者，或为页面提供服务器的令牌。",
        ),
    },
    kinds=CHINESE_KINDS,
)

TEXTS: dict[Language, Texts] = {"en": ENGLISH, "zh": CHINESE}


def page_language(remembered: str | None, accept_language: str) -> Language:
    """The language that was chosen on an earlier visit, else the browser's."""
    return next((name for name in TEXTS if name == remembered), None) or preferred_language(accept_language)
