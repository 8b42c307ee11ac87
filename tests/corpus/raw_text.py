"""Raw text for the tests of this room: documents of sentences in a seeded order, and small sources in every format."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

ENGLISH = """The market opened early and the stalls were full of apples from the valley.
Nobody had told the carpenter that the bridge would be closed for the whole week.
She wrote a long letter to her brother, who was working on a ship in the north.
In the evening the children played near the river until it was too dark to see.
The museum keeps a map on which every well of the old town is marked in red.
After the storm the road was covered with branches and two of the trees had fallen.
He counted the coins twice, because the baker was known to make small mistakes.
A train that leaves at noon is slower than the one that leaves in the morning.
They painted the door green, and a month later they painted it blue again.
The teacher asked for silence, and for a moment even the clock seemed to stop.
It rained on the day of the concert, so the orchestra moved into the church.
The recipe calls for three eggs, but two are enough when they are large.
On the last page of the diary there is a drawing of a house with no windows.
The engineer explained why the pump failed and how it could be repaired at night.
We walked along the coast for hours and met only a man with a black dog.
The library lends skis in winter and seeds in spring to anyone with a card.""".splitlines()
CHINESE = """市场很早就开了，摊位上摆满了从山谷里运来的苹果。
没有人告诉木匠，这座桥整个星期都要关闭。
她给在北方船上工作的哥哥写了一封很长的信。
傍晚，孩子们在河边玩耍，直到天黑得什么也看不见。
博物馆里有一张地图，上面用红色标出了老城的每一口井。
暴风雨过后，路上到处都是树枝，还有两棵树倒了。
他把硬币数了两遍，因为面包师常常算错账。
中午开的火车比早上开的那一趟要慢一些。
他们把门刷成了绿色，一个月以后又刷回了蓝色。
老师要求大家安静，有一会儿连钟好像都停了。
音乐会那天下了雨，所以乐队搬到了教堂里演出。
这个菜谱要用三个鸡蛋，不过鸡蛋大的话两个就够了。
日记的最后一页画着一座没有窗户的房子。
工程师解释了水泵为什么会坏，以及怎样在夜里修好它。
我们沿着海岸走了几个小时，只遇到一个牵着黑狗的人。
图书馆冬天出借滑雪板，春天向有借书证的人出借种子。""".splitlines()


def document(seed: int, language: str = "en", num: int = 8) -> str:
    chosen = random.Random(f"{language}{seed}").sample(ENGLISH if language == "en" else CHINESE, num)
    return (" " if language == "en" else "").join(chosen)


def write_sources(folder: Path) -> Path:
    """A tree with a file of each format; every document is different."""
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "a.txt").write_text(document(1), encoding="utf-8")
    (folder / "notes" / "b.md").write_text(f"# Title\n\n**{document(2)}**\n\n- [link](x.html)\n", encoding="utf-8")
    page = f"<html><head><style>p {{}}</style></head><body><nav>Home</nav><p>{document(3)}</p></body></html>"
    (folder / "c.html").write_text(page, encoding="utf-8")
    (folder / "d.txt").write_bytes(document(4, "zh").encode("gb18030"))
    lines = [json.dumps({"text": document(i, "zh" if i % 2 else "en")}, ensure_ascii=False) for i in range(10, 22)]
    (folder / "e.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    rows = [document(i, "zh" if i % 2 else "en") for i in range(30, 40)]
    parquet.write_table(pa.table({"text": rows, "n": list(range(10))}), folder / "f.parquet")
    (folder / "ignored.png").write_bytes(b"\x89PNG")
    return folder
