"""``triga tokenizer``: train one on raw text, look at what it makes of texts, compare some, give one new words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from triga.cli.files import require_absent
from triga.cli.output import JsonOption, Settings, print_json, print_table, shown_path
from triga.cli.tokenizer_tables import comparison, language_rows, whole_rows
from triga.cli.tokenizer_texts import by_language, examples, read_texts
from triga.core.errors import ModelError

if TYPE_CHECKING:
    from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["app"]

app = typer.Typer(help="Train, show, compare and extend tokenizers.", no_args_is_help=True)

FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILES", help=".txt (a text a line) or .jsonl, also .gz and .zst.")
]
TextOption = Annotated[
    list[Path] | None, typer.Option("--text", help="A file of texts, as for train; may be repeated.")
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="The folder to write.")]


@app.command("train")
def train(
    context: typer.Context,
    files: FilesArgument,
    out: OutOption,
    kind: Annotated[Literal["wordpiece", "bpe", "unigram"], typer.Option(help="Which kind.")] = "unigram",
    vocab_size: Annotated[int, typer.Option(min=512, max=262_144, help="Most pieces it may have.")] = 16_384,
    style: Annotated[Literal["encoder", "decoder"], typer.Option(help="For which sort of model.")] = "encoder",
    chinese: Annotated[
        Literal["characters", "words"], typer.Option(help="Each character alone, or frequent words as pieces.")
    ] = "characters",
    lowercase: Annotated[
        bool | None, typer.Option("--lowercase/--keep-case", help="Left out: encoders lower, decoders keep.")
    ] = None,
    byte_fallback: Annotated[
        bool | None, typer.Option("--byte-fallback/--no-byte-fallback", help="Bytes for unknown characters.")
    ] = None,
    sentinels: Annotated[int, typer.Option(min=0, max=8192, help="Pieces for spans taken out (T5: 100).")] = 0,
    max_text_mb: Annotated[float, typer.Option(min=0.001, help="An even sample where there is more.")] = 200.0,
    as_json: JsonOption = False,
) -> None:
    """Train a tokenizer on raw text, English, Chinese or both."""
    from triga.core.artifact import writing
    from triga.text.tokenizers.training import TokenizerSettings, save_trained, train_tokenizer

    settings = Settings.of(context)
    chosen = TokenizerSettings(
        kind=kind,
        vocab_size=vocab_size,
        style=style,
        chinese=chinese,
        lowercase=lowercase,
        byte_fallback=byte_fallback,
        sentinels=sentinels,
        max_text_mb=max_text_mb,
    )
    require_absent(out)
    begun = time.perf_counter()
    tokenizer = train_tokenizer(read_texts(files), chosen)
    seconds = time.perf_counter() - begun
    with writing(out, kind="tokenizer", inputs=chosen.model_dump(mode="json")) as folder:
        save_trained(tokenizer, chosen, folder)
    if as_json:
        print_json({"folder": str(out), "vocab_size": tokenizer.vocab_size, "seconds": round(seconds, 3)})
        return
    size = f"{tokenizer.vocab_size:,}"
    said = settings.speech(
        f"wrote {shown_path(out)}: {kind}, {size} pieces, {seconds:.1f} s",
        f"已写入 {shown_path(out)}：{kind}，{size} 个词元，用时 {seconds:.1f} 秒",
    )
    settings.console().print(said, markup=False)


@app.command("show")
def show(
    context: typer.Context,
    tokenizer: Annotated[Path, typer.Argument(metavar="TOKENIZER", help="A folder, or its tokenizer.json.")],
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a tokenizer: its size and longest pieces and, with --text, what it makes of texts by language."""
    from triga.text.tokenizers.report import describe

    settings = Settings.of(context)
    report = describe(_open(tokenizer), by_language(text or []))
    if as_json:
        print_json(report.as_dict())
        return
    console, say = settings.console(), settings.speech
    longest = [
        (say(f"longest ({name})", f"最长（{name}）"), "  ".join(found)) for name, found in report.longest_pieces.items()
    ]
    facts = [
        (say("pieces", "词元数"), f"{report.vocab_size:,}"),
        (say("special tokens", "特殊词元"), "  ".join(report.special_tokens)),
        *longest,
        *(whole_rows([report], say) if report.languages else ()),
    ]
    print_table(console, [say("kind", "类型"), report.kind], facts)
    if report.languages:
        console.print()
        rows = language_rows(list(report.languages.values()), say)
        print_table(console, [say("language", "语言"), *report.languages], rows)
    for name, language in report.languages.items():
        console.print()
        pieces = ((word, " | ".join(found)) for word, found in language.splits.items())
        print_table(console, [say(f"rare ({name})", f"罕见词（{name}）"), say("pieces", "词元")], pieces)


@app.command("compare")
def compare(
    context: typer.Context,
    tokenizers: Annotated[list[Path], typer.Argument(metavar="TOKENIZERS", help="Two or more folders.")],
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare tokenizers on the same texts, with example sentences as each of them splits them."""
    from triga.text.tokenizers.report import describe, split

    if len(tokenizers) < 2:
        raise typer.BadParameter("name two or more", param_hint="TOKENIZERS")
    if not text:
        raise typer.BadParameter("give texts to compare them on", param_hint="--text")
    settings = Settings.of(context)
    opened = {str(path): _open(path) for path in tokenizers}
    texts = by_language(text)
    reports = [describe(tokenizer, texts) for tokenizer in opened.values()]
    splits = {
        example: [split(tokenizer, example) for tokenizer in opened.values()]
        for found in texts.values()
        for example in examples(found)
    }
    if as_json:
        told = [{"tokenizer": name, **report.as_dict()} for name, report in zip(opened, reports, strict=True)]
        print_json({"tokenizers": told, "examples": splits})
        return
    console, say = settings.console(), settings.speech
    names = [shown_path(Path(name)) for name in opened]
    print_table(console, [say("tokenizer", "分词器"), *names], comparison(reports, say))
    for example, pieces in splits.items():
        console.print()
        rows = zip(names, (" | ".join(found) for found in pieces), strict=True)
        print_table(console, [say("example", "例句"), example], rows)


@app.command("extend")
def extend(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="MODEL_FOLDER", help="A plain Hugging Face model folder.")],
    text: Annotated[list[Path], typer.Option("--text", help="A file of the domain's texts; may be repeated.")],
    out: OutOption,
    max_words: Annotated[int, typer.Option(min=1, max=50_000, help="Most words to add.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """Give a model's tokenizer, and its embeddings, the frequent words of a domain that it splits."""
    from triga.core.artifact import writing
    from triga.models.extend import extend_embeddings, open_network
    from triga.models.open import OpenedBase, open_tokenizer
    from triga.models.save import save_model
    from triga.predict.settings import SETTINGS_FILE, ModelSettings
    from triga.text.tokenizers.extension import extend, find_domain_words

    settings = Settings.of(context)
    require_absent(out)
    network = open_network(model)
    old = open_tokenizer(model)
    told = ModelSettings.load(model) if (model / SETTINGS_FILE).is_file() else None
    words = find_domain_words(old, read_texts(text), max_words)
    new = extend(old, words)
    num_rows = extend_embeddings(network, old, new)
    length = OpenedBase(network.config, old, model).max_positions if told is None else told.max_length
    with writing(out, kind="base", inputs={"words": words}) as folder:
        save_model(network, new, folder, max_length=length)
        if told is not None:  # its recipe and data alone no longer give these weights
            added = [*told.lineage.get("added_words", ()), *words]
            told.model_copy(update={"lineage": {**told.lineage, "added_words": added}}).save(folder)
    if as_json:
        print_json({"folder": str(out), "num_rows": num_rows, "words": words})
        return
    said = settings.speech(
        f"wrote {shown_path(out)}: {len(words)} new words, {num_rows} new rows of the embeddings. "
        "Train it on texts of the domain: a new row starts as the mean of the old pieces' rows",
        f"已写入 {shown_path(out)}：新增 {len(words)} 个词，嵌入矩阵新增 {num_rows} 行。"
        "请用领域文本继续训练：新行的初值是原词元各行的平均",
    )
    settings.console().print(said, markup=False)
    settings.console().print("  ".join(words), markup=False)


def _open(path: Path) -> Tokenizer:
    """A tokenizer's or a model's folder, or the ``tokenizer.json`` in it."""
    from triga.models.open import CONFIG_FILE, open_tokenizer
    from triga.text.tokenizers.tokenizer import TOKENIZER_FILE, Tokenizer

    folder = path.parent if path.name == TOKENIZER_FILE else path
    if not folder.is_dir():
        raise ModelError(
            "tokenizer-missing",
            "there is no tokenizer here",
            where=path,
            fix="name a folder with tokenizer.json in it",
        )
    is_model = (folder / CONFIG_FILE).is_file() and not (folder / TOKENIZER_FILE).is_file()
    return open_tokenizer(folder) if is_model else Tokenizer.load(folder)
