"""Tokenizers of every kind and size for English, Chinese and both: what they make of held-out text, and of a model.

    python benchmarks/bench_tokenizers.py --english en.jsonl.zst … --chinese zh.jsonl.zst … --work DIR [--mb 16]
        [--published NAME=FILE …] [--model-mb 1.5] [--write FILE]

Each tokenizer learns from the first ``--mb`` megabytes of its languages, in a process of its own, and is measured on
the ``--held-out-mb`` megabytes after them. ``--published`` names vocabularies to measure beside them: a tokenizer.json,
or a .tiktoken file of ranks (needs tiktoken). Then a causal model of size nano learns the same ``--model-mb`` megabytes
of each language once with each of ``MODELS``: bits per byte of unseen text can be compared between vocabularies, the
loss of a token cannot. What is finished lies in ``--work`` and is not run again.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import math
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LANGUAGES = {"en": ("en",), "zh": ("zh",), "both": ("en", "zh")}
SIZES = (8192, 16_384, 32_768)
KINDS = {
    "wordpiece": {"kind": "wordpiece"},
    "bpe": {"kind": "bpe"},
    "unigram": {"kind": "unigram"},
    "unigram, Chinese words": {"kind": "unigram", "chinese": "words"},
}
MODELS = (
    ("wordpiece", 16_384),
    ("unigram", 16_384),
    ("unigram, Chinese words", 16_384),
    ("unigram", 32_768),
)
SPLIT = ("internationalization", "cryptocurrencies", "photosynthesis", "人工智能", "量子力学", "魑魅魍魉")
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Choice:
    languages: str
    kind: str
    vocab_size: int

    @property
    def name(self) -> str:
        return f"{self.languages}-{self.kind.replace(', ', '-').replace(' ', '-')}-{self.vocab_size}"


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    for language, files in (("en", arguments.english), ("zh", arguments.chinese)):
        _cut(files, work, language, arguments)
    choices = [Choice(mix, kind, size) for mix in LANGUAGES for kind in KINDS for size in SIZES if _fits(mix, kind)]
    with ProcessPoolExecutor(2, max_tasks_per_child=1) as pool:
        measured = list(pool.map(_measure, choices, [work] * len(choices)))
    published = {name: _published(Path(file), work) for name, file in arguments.published}
    models = {}
    if arguments.model_mb:
        for kind, size in MODELS:
            choice = Choice("both", kind, size)
            models[choice] = _learn(choice, work, arguments.model_mb)
    if arguments.write:
        arguments.write.write_text(_page(choices, measured, published, models, arguments), encoding="utf-8")


def _fits(mix: str, kind: str) -> bool:
    return mix != "en" or "Chinese" not in kind


def _cut(files: Sequence[Path], work: Path, language: str, arguments: argparse.Namespace) -> None:
    """``en.txt.jsonl`` to learn from, ``en-held-out.jsonl``, and ``en-model.jsonl`` for the models."""
    texts = _texts(files)
    for name, megabytes in (("learn", arguments.mb), ("held-out", arguments.held_out_mb)):
        with open(work / f"{language}-{name}.jsonl", "w", encoding="utf-8") as rows:
            size = 0
            for text in texts:
                rows.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                size += len(text.encode())
                if size >= megabytes * 1e6:
                    break
    with open(work / f"{language}-model.jsonl", "w", encoding="utf-8") as rows:
        size = 0
        for text in _rows(work / f"{language}-learn.jsonl"):
            rows.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            size += len(text.encode())
            if size >= arguments.model_mb * 1e6:
                break


def _texts(files: Sequence[Path]) -> Iterator[str]:
    """One text of each file in turn, so that every source is in every part."""
    open_files = [_compressed(file) for file in files]
    while open_files:
        for stream in list(open_files):
            text = next(stream, None)
            if text is None:
                open_files.remove(stream)
            else:
                yield text


def _compressed(file: Path) -> Iterator[str]:
    import pyarrow as pa

    with pa.CompressedInputStream(open(file, "rb"), "zstd") as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield json.loads(line)["text"]


def _rows(path: Path) -> Iterator[str]:
    with open(path, encoding="utf-8") as rows:
        for row in rows:
            yield json.loads(row)["text"]


def _measure(choice: Choice, work: Path) -> dict[str, Any]:
    """Train unless it is there, and describe it on the held-out text of both languages."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from triga.text.tokenizers.report import describe, split
    from triga.text.tokenizers.tokenizer import Tokenizer
    from triga.text.tokenizers.training import TokenizerSettings, save_trained, train_tokenizer

    folder = work / choice.name
    if not (folder / "measured.json").exists():
        settings = TokenizerSettings.model_validate({**KINDS[choice.kind], "vocab_size": choice.vocab_size})
        texts = (text for one in LANGUAGES[choice.languages] for text in _rows(work / f"{one}-learn.jsonl"))
        begin = time.process_time()
        trained = train_tokenizer(texts, settings)
        cost = {
            "seconds": time.process_time() - begin,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        folder.mkdir(exist_ok=True)
        save_trained(trained, settings, folder)
        report = describe(trained, {one: _rows(work / f"{one}-held-out.jsonl") for one in ("en", "zh")})
        (folder / "measured.json").write_text(json.dumps({**cost, **report.as_dict()}), encoding="utf-8")
        print(choice.name, flush=True)
    found = json.loads((folder / "measured.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.load(folder)
    return {**found, "split": [" ".join(split(tokenizer, word)) for word in SPLIT]}


def _published(file: Path, work: Path) -> dict[str, Any]:
    """Pieces and characters a token of somebody else's vocabulary, without special tokens."""
    count, size = _counter(file)
    found: dict[str, Any] = {"vocab_size": size}
    for language in ("en", "zh"):
        texts = list(_rows(work / f"{language}-held-out.jsonl"))
        found[language] = sum(map(len, texts)) / count(texts)
    return found


def _counter(file: Path) -> tuple[Callable[[Iterable[str]], int], int]:
    if file.suffix == ".json":
        from tokenizers import Tokenizer

        raw = Tokenizer.from_file(str(file))
        return lambda texts: sum(
            len(raw.encode(text, add_special_tokens=False)) for text in texts
        ), raw.get_vocab_size()
    import tiktoken

    lines = file.read_bytes().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
    encoding = tiktoken.Encoding(file.name, pat_str=CL100K, mergeable_ranks=ranks, special_tokens={})
    return lambda texts: sum(len(encoding.encode_ordinary(text)) for text in texts), len(ranks)


def _learn(choice: Choice, work: Path, megabytes: float) -> dict[str, Any]:
    """Nats and bytes of unseen text, by language, of a causal nano after one pass."""
    import torch

    from triga.corpus.build import build_corpus
    from triga.corpus.recipe import CorpusSection
    from triga.models.open import OpenedBase, scratch_config
    from triga.text.tokenizers.tokenizer import Tokenizer
    from triga.train.pretrain import pretrain
    from triga.train.pretrain_recipe import PretrainSection
    from triga.train.pretraining import Pretraining

    stored = work / f"{choice.name}-model-{megabytes:g}.json"
    if stored.exists():
        return dict(json.loads(stored.read_text(encoding="utf-8")))
    corpus, job_folder = work / f"{choice.name}-corpus", work / f"{choice.name}-work"
    section = CorpusSection.model_validate(
        {
            "sources": [{"path": str((work / f"{one}-model.jsonl").resolve())} for one in ("en", "zh")],
            "tokenizer": {"path": str((work / choice.name).resolve())},
            "dev_share": 0.05,
        }
    )
    if not corpus.exists():
        build_corpus(section, corpus)
    tokenizer = Tokenizer.load(corpus)
    rules = PretrainSection.model_validate(
        {
            "objective": {"kind": "clm"},
            "budget": {"epochs": 1},
            "max_length": 256,
            "tokens_per_step": 4096,
            "num_evals": 1,
        }
    )
    job_folder.mkdir(exist_ok=True)
    base = OpenedBase(scratch_config("nano", tokenizer, "llama"), tokenizer, None)
    job = Pretraining(rules, base, corpus, job_folder, 17, torch.device("cpu"))
    module, facts = pretrain(job, _tell)
    found: dict[str, Any] = {one: _nats_and_bytes(module, job, one) for one in ("en", "zh")}
    found |= {"parameters": facts["num_parameters"], "seconds": facts["seconds"], "tokens": facts["tokens_per_epoch"]}
    print(json.dumps({"model": choice.name, **found}), flush=True)
    stored.write_text(json.dumps(found), encoding="utf-8")
    shutil.rmtree(job_folder)
    return found


def _tell(event: Any) -> None:
    from triga.core.events import TrainStep

    if isinstance(event, TrainStep) and event.step % 20 == 0:
        print(f"step {event.step} of {event.num_steps}, loss {event.loss:.3f}", flush=True)


def _nats_and_bytes(module: Any, job: Any, language: str) -> tuple[float, int]:
    """Over all held-out windows; the bytes are of the text that they stand for, spaces left out."""
    import numpy as np
    import torch

    windows = job.windows("dev", language)
    nats, size = 0.0, 0
    for start in range(0, len(windows), 16):
        ids, documents = windows.batch(np.arange(start, min(start + 16, len(windows))))
        batch = {"input_ids": torch.from_numpy(ids), "documents": torch.from_numpy(documents)}
        with torch.no_grad():
            corrupted = job.objective.corrupt(module, batch, torch.float32)
            mean = job.objective.scores(module, corrupted, torch.float32)["loss"]
        nats += float(mean) * int(corrupted["counted"].sum())
        size += sum(len("".join(text.split()).encode()) for text in job.base.tokenizer.raw.decode_batch(ids.tolist()))
    return nats, size


def _page(
    choices: Sequence[Choice],
    measured: Sequence[dict[str, Any]],
    published: dict[str, dict[str, Any]],
    models: dict[Choice, dict[str, Any]],
    arguments: argparse.Namespace,
) -> str:
    from sitting import sitting

    lines = [
        "# Tokenizers",
        "",
        f"`python benchmarks/bench_tokenizers.py`, {sitting('tokenizers', 'torch')}.",
        f"Encoder style (small letters, NFKC). Each learned from {arguments.mb:g} MB of each of its languages; figures",
        f"are on {arguments.held_out_mb:g} MB of each language that none of them saw.",
        "",
        "| learned from | kind | pieces | train, CPU s | peak MB | characters a token: English | Chinese | unknown, % "
        "(English, Chinese) | bytes of unknown characters, % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for choice, one in zip(choices, measured, strict=True):
        english, chinese = one["languages"]["en"], one["languages"]["zh"]
        lines.append(
            f"| {choice.languages} | {choice.kind} | {one['vocab_size']:,} | {one['seconds']:.0f} "
            f"| {one['peak_mb']:.0f} | {english['chars_per_token']:.2f} | {chinese['chars_per_token']:.2f} "
            f"| {_percents(one, 'unknown_share')} | {_percents(one, 'byte_share')} |"
        )
    for name, found in published.items():
        lines.append(
            f"| – | {name}, published | {found['vocab_size']:,} | | | {found['en']:.2f} | {found['zh']:.2f} | | |"
        )
    lines += [
        "",
        "## Rare words, 16k pieces, both languages",
        "",
        f"| kind | {' | '.join(SPLIT)} |",
        "| --- " * 7 + "|",
    ]
    lines += [
        f"| {choice.kind} | {' | '.join(one['split'])} |"
        for choice, one in zip(choices, measured, strict=True)
        if choice.languages == "both" and choice.vocab_size == SIZES[1]
    ]
    if models:
        lines += _model_lines(models, arguments)
    return "\n".join([*lines, ""])


def _model_lines(models: dict[Choice, dict[str, Any]], arguments: argparse.Namespace) -> list[str]:
    whole = models[Choice("both", "unigram", SIZES[1])]  # knows every byte, so its bytes are those of the text
    bits = {
        choice: [one[language][0] / whole[language][1] / math.log(2) for language in ("en", "zh")]
        for choice, one in models.items()
    }
    lines = [
        "",
        "## What a model makes of them",
        "",
        f"A causal nano (one body, one seed) after one pass over the same {arguments.model_mb:g} MB of each language.",
        "",
        "| kind | pieces | parameters, M | M tokens | seconds | bits a byte: English | Chinese |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return lines + [
        f"| {choice.kind} | {choice.vocab_size:,} | {one['parameters'] / 1e6:.1f} | {one['tokens'] / 1e6:.2f} "
        f"| {one['seconds']:.0f} | {bits[choice][0]:.3f} | {bits[choice][1]:.3f} |"
        for choice, one in models.items()
    ]


def _percents(one: dict[str, Any], share: str) -> str:
    return ", ".join(f"{100 * one['languages'][language][share]:.2f}" for language in ("en", "zh"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--english", type=Path, nargs="+", required=True, help="JSONL.zst files with a field text")
    parser.add_argument("--chinese", type=Path, nargs="+", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--mb", type=float, default=16)
    parser.add_argument("--held-out-mb", type=float, default=2)
    parser.add_argument("--model-mb", type=float, default=1.5, help="0 trains no models")
    parser.add_argument("--published", nargs="*", default=[], type=lambda given: given.split("=", 1))
    parser.add_argument("--write", type=Path, help="a Markdown file for the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
