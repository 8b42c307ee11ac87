"""What the page says of models of each kind, in English and Chinese: task, facts, examples to click."""

from __future__ import annotations

from dataclasses import dataclass

from triga.console.answers import Kind

__all__ = ["CHINESE_KINDS", "ENGLISH_KINDS", "KindTexts", "PairWords"]


@dataclass(frozen=True)
class PairWords:
    """How the two texts of a pair are called, and asked for."""

    first: str
    second: str
    placeholder: str
    placeholder_pair: str
    empty: str
    hint: str


@dataclass(frozen=True)
class KindTexts:
    """What is said of models of one kind."""

    task: str
    facts: str
    examples: tuple[str, ...]
    pairs: tuple[str, ...] = ()
    """Examples for a model of two texts; a tab divides them."""
    words: PairWords | None = None
    """Where the two are no texts to compare."""


ENGLISH_KINDS: dict[Kind, KindTexts] = {
    "classifier": KindTexts(
        task="Text classification",
        facts="{num_labels} labels · {precision} · reads up to {max_tokens} tokens",
        examples=(
            "Where is my parcel? It should have arrived on Monday.",
            "Thank you, that was quick and very friendly.",
            "The second one arrived broken, I would like my money back.",
            "Shares fell sharply after the company cut its forecast.",
        ),
        pairs=(
            "How do I change my password?\tI forgot my password, what now?",
            "A man plays the guitar.\tNobody is making music.",
        ),
    ),
    "token_classifier": KindTexts(
        task="Named entity recognition",
        facts="{num_labels} types of entities · {precision} · reads long texts in windows of {max_tokens} tokens",
        examples=(
            "Ada Lovelace met Charles Babbage in London in June 1833.",
            "Doctors of the Red Cross arrived in Nairobi on Monday.",
            "The night train of Deutsche Bahn from Berlin to Prague stops in Dresden.",
            "Please send the contract to Maria Santos at the University of Toronto.",
        ),
    ),
    "reader": KindTexts(
        task="Question answering",
        facts="{precision} · reads long texts in windows of {max_tokens} tokens",
        examples=(),
        pairs=(
            "How long does delivery take?\tOrders leave our store in Leeds within one working day. Delivery takes "
            "two to four days, and is free above 40 pounds.",
            "Who runs the company?\tThe bank was founded in 1974 and has 212 branches. Since last May it has been "
            "led by Ingrid Solheim, who came from its insurance arm.",
            "What does the card cost?\tReturns are free for thirty days. Keep the slip that came with the parcel.",
        ),
        words=PairWords(
            first="Question",
            second="Text in which to look",
            placeholder="What would you like to know?",
            placeholder_pair="Paste the text that may answer it",
            empty="Write a question and the text in which to look for its answer.",
            hint="Put a tab between the question and its text.",
        ),
    ),
    "regressor": KindTexts(
        task="Text regression",
        facts="a number for each text · {precision} · reads up to {max_tokens} tokens",
        examples=(
            "Terrible service, nobody ever called me back.",
            "It does what it should, nothing more.",
            "The best kettle I have ever had, and it came a day early!",
        ),
        pairs=(
            "My order arrived broken\tThe goods were damaged when they came",
            "Please cancel my subscription\tHow much is the subscription?",
            "A man plays the guitar.\tThe shares closed higher.",
        ),
    ),
    "writer": KindTexts(
        task="Answers in words",
        facts="{precision} · reads and writes up to {max_tokens} tokens",
        examples=(
            "How do I return something?",
            "When do I get my money back?",
            "Can I speak to a person?",
        ),
    ),
}

CHINESE_KINDS: dict[Kind, KindTexts] = {
    "classifier": KindTexts(
        task="文本分类",
        facts="{num_labels} 个标签 · {precision} · 最多读取 {max_tokens} 个词元",
        examples=(
            "我的包裹在哪里？本来说周一就该到的。",
            "谢谢，处理得很快，态度也很好。",
            "第二件收到时已经坏了，我想退款。",
            "公司下调业绩预期后，股价大幅下跌。",
        ),
        pairs=(
            "怎么修改密码？\t我忘记密码了，怎么办？",
            "一个男人在弹吉他。\t没有人在演奏音乐。",
        ),
    ),
    "token_classifier": KindTexts(
        task="命名实体识别",
        facts="{num_labels} 种实体 · {precision} · 长文本按 {max_tokens} 个词元的窗口读取",
        examples=(
            "李明上周从北京飞往上海，参加了华东师范大学的会议。",
            "红十字会的医生周一抵达昆明。",
            "诗人杜甫晚年住在成都的浣花溪畔。",
            "请把合同寄给深圳大学的陈静老师。",
        ),
    ),
    "reader": KindTexts(
        task="阅读问答",
        facts="{precision} · 长文本按 {max_tokens} 个词元的窗口读取",
        examples=(),
        pairs=(
            "多久能送到？\t订单在一个工作日内从合肥的仓库发出，配送需要两到四天，满九十九元免运费。",
            "现在谁负责这家公司？\t该银行成立于1974年，共有二百一十二家网点。去年五月起由曾任保险业务主管的沈若兰负责。",
            "办卡要多少钱？\t三十天内可免费退货，请保留包裹里的清单。",
        ),
        words=PairWords(
            first="问题",
            second="要查找的文本",
            placeholder="您想知道什么？",
            placeholder_pair="粘贴可能含有答案的文本",
            empty="请写下问题，以及要在其中查找答案的文本。",
            hint="每行的问题与文本之间用制表符（Tab）分开。",
        ),
    ),
    "regressor": KindTexts(
        task="文本评分",
        facts="为每条文本给出一个数值 · {precision} · 最多读取 {max_tokens} 个词元",
        examples=(
            "服务太差了，一直没有人给我回电话。",
            "该有的功能都有，没有惊喜。",
            "这是我用过最好的水壶，还提前一天送到了！",
        ),
        pairs=(
            "收到的商品是坏的\t东西送来时已经损坏",
            "请取消我的订阅\t订阅多少钱？",
            "一个男人在弹吉他。\t股价收盘上涨。",
        ),
    ),
    "writer": KindTexts(
        task="文字回答",
        facts="{precision} · 读写合计最多 {max_tokens} 个词元",
        examples=("怎么退货？", "退款什么时候到？", "能和真人说话吗？"),
    ),
}
