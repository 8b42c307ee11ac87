"""Each rule drops what it is for and keeps prose of both languages."""

from __future__ import annotations

import pytest

from triga.text.characters import Characters
from triga.text.cleaning.quality import PHRASE_UNITS, REASONS, QualitySection, quality_reasons
from triga.text.shingles import Units

PROSE = (
    "The harbour was empty when the first boat came back, and for a while nobody spoke about the storm of the night "
    "before. Then the oldest of the fishermen began to laugh, and it was over."
)
CHINESE_PROSE = (
    "第一条船回来的时候，港口里空无一人，好一会儿都没有人提起前一天夜里的暴风雨。"
    "后来最老的渔夫笑了起来，事情就这样过去了。"
)
GOODS = "sofa chair table lamp rug desk shelf bed stool bench couch cabinet mirror vase clock pillow oven pot pan jar"
CHINESE_GOODS = (
    "沙发椅桌台灯地毯书架床凳柜镜花瓶挂钟枕头窗帘锅碗瓢盆刀叉勺筷杯碟炉灶壶桶扫帚拖把抹布肥皂毛巾牙刷梳剪线针"
)
UNPOINTED = (
    "the old man of the sea and the boat that was lost in a storm are in the tale that he told to me on a day of may"
)
SAGAS = [f"The story of {name} who went to the sea…" for name in ("Ann", "Bo", "Cy", "Dee", "Eve")]
POEM = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"
LIST = "\n".join(f"• the {word} of it" for word in ("colour", "weight", "shape", "price", "smell", "name", "sound"))


def reason(text: str, rules: QualitySection | None = None) -> str | None:
    batch = Characters.of([text])
    words = Units.of_characters(batch)
    (number,) = quality_reasons([text], batch, words, words.shingle_sets(PHRASE_UNITS), rules or QualitySection())
    return REASONS[number - 1] if number else None


@pytest.mark.parametrize("text", [PROSE, CHINESE_PROSE, POEM, PROSE + "\n" + CHINESE_PROSE])
def test_prose_is_kept(text: str) -> None:
    assert reason(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A short note.", "too-short"),
        ("很短的话。", "too-short"),
        ("a b 1 2 3 ... 4 5 6 !!! 7 8 9 ??? " * 4, "few-letters"),
        (PROSE + " ★☆▲" * 12, "symbols"),
        ("lots 314 sold at 926 and " * 9, "digits"),
        ("well... no! why? yes, yes, 'so' -- ah! and, then... off! oh, no... but " * 4, "punctuation"),
        ("x y z a b c d e f g h i j k l m n o p q r s t u v w", "word-length"),
        (" ".join([GOODS, *(f"{word}s my{word}" for word in GOODS.split())]), "stop-words"),
        (CHINESE_GOODS, "stop-words"),
        (" ".join(f"{word} {word}{i}" for i in range(3) for word in UNPOINTED.split()), "no-punctuation"),
        ((PROSE + " ") * 3, "repeated-phrases"),
        (CHINESE_PROSE * 3, "repeated-phrases"),
        (PROSE + "\n" + "\n".join(["Read our terms before you go on."] * 6), "repeated-lines"),
        (LIST, "bullets"),
        ("\n".join(SAGAS), "unfinished-lines"),
        ("Lorem ipsum dolor. " + PROSE, "placeholder"),
    ],
)  # fmt: skip
def test_each_reason(text: str, expected: str) -> None:
    assert reason(text) == expected


def test_every_reason_is_tested() -> None:
    marks = test_each_reason.pytestmark[0].args[1]
    assert {expected for _, expected in marks} == set(REASONS)


def test_bounds_can_be_moved() -> None:
    assert reason("A short note.", QualitySection(min_words=2)) is None
    assert reason(PROSE, QualitySection(min_words=1000)) == "too-short"
