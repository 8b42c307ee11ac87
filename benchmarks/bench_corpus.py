"""Corpus speed by step beside datatrove's equal steps and ``tokenizers`` alone, English and Chinese, in one sitting.

    python benchmarks/bench_corpus.py --english en.jsonl.zst … --chinese zh.jsonl.zst … [--mb 20] [--datatrove PYTHON]

The first ``--mb`` megabytes of text of each language are written as JSONL and built by one process; the figures are
megabytes of text a second of processor time. ``--datatrove`` names the Python of an environment that has datatrove,
spacy and tokenizers; its steps run on the first tenth of the same rows (they are slow). Then the whole build with one
process and with two, by the clock.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

PEER_STEPS = {
    "quality": "GopherQualityFilter + GopherRepetitionFilter",
    "redact": "PIIFormatter (e-mail and IP only)",
    "clean": "FTFYFormatter",
    "fingerprint": "MinhashDedupSignature",
}


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "--peer":
        print(json.dumps(_peer(Path(sys.argv[2]), sys.argv[3])))
        return
    arguments = _arguments()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for language, files in (("en", arguments.english), ("zh", arguments.chinese)):
            raw = Path(folder) / f"{language}.jsonl"
            size = _write_rows(files, raw, arguments.mb * 1e6)
            results[language] = _measure(raw, language, size / 1e6, arguments, Path(folder))
            print(json.dumps({"language": language, **results[language]}), flush=True)
        results["both"] = _scaling(Path(folder))
        print(json.dumps(results["both"]), flush=True)
    if arguments.write:
        arguments.write.write_text(_table(results, arguments), encoding="utf-8")


def _write_rows(files: Sequence[Path], target: Path, most: float) -> int:
    """JSONL with the first texts of ``files``; returns their bytes."""
    size = 0
    with open(target, "w", encoding="utf-8") as rows:
        for text in _texts(files):
            rows.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            size += len(text.encode())
            if size >= most:
                break
    return size


def _texts(files: Sequence[Path]) -> Iterator[str]:
    import pyarrow as pa

    for file in files:
        with pa.CompressedInputStream(open(file, "rb"), "zstd") as stream:
            for line in io.TextIOWrapper(stream, encoding="utf-8"):
                yield json.loads(line)["text"]


def _measure(raw: Path, language: str, megabytes: float, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    seconds = _build(raw, folder / f"corpus-{language}", 1)
    tokenize = seconds.pop("tokenize")
    training = seconds.pop("train tokenizer")
    filters = sum(seconds.values())
    found: dict[str, Any] = {
        "megabytes": round(megabytes, 1),
        "steps": {step: round(megabytes / spent, 1) for step, spent in seconds.items() if spent > 0.01},
        "filters": round(megabytes / filters, 2),
        "tokenize": round(megabytes / tokenize, 2),
        "whole": round(megabytes / (filters + tokenize), 2),
        "train_tokenizer_s": round(training, 1),
        "tokenizers_alone": round(_library(raw, folder / f"corpus-{language}", megabytes), 2),
    }
    if arguments.datatrove:
        command = [str(arguments.datatrove), __file__, "--peer", str(raw), "eng" if language == "en" else "zho"]
        found["datatrove"] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def _build(raw: Path, target: Path, num_processes: int) -> dict[str, float]:
    from triga.corpus.build import build_corpus
    from triga.corpus.recipe import CorpusSection

    sources = [{"path": str(path)} for path in sorted(raw.glob("*.jsonl"))] if raw.is_dir() else [{"path": str(raw)}]
    section = CorpusSection.model_validate({"sources": sources, "tokenizer": {"max_text_mb": 8}})
    return build_corpus(section, target, num_processes=num_processes)


def _library(raw: Path, corpus: Path, megabytes: float) -> float:
    """MB/s of ``tokenizers`` alone on one core, in batches of 256 texts."""
    from triga.text.tokenizers.tokenizer import Tokenizer

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    tokenizer = Tokenizer.load(corpus).raw
    texts = [json.loads(line)["text"] for line in raw.read_text(encoding="utf-8").splitlines()]
    begin = time.process_time()
    for start in range(0, len(texts), 256):
        for encoding in tokenizer.encode_batch_fast(texts[start : start + 256], add_special_tokens=False):
            _ = encoding.ids
    return megabytes / (time.process_time() - begin)


def _scaling(folder: Path) -> dict[str, Any]:
    """Seconds by the clock of the whole build, both languages in four files, by one process and by two."""
    split = folder / "split"
    split.mkdir()
    for language in ("en", "zh"):
        lines = (folder / f"{language}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        for half in (0, 1):
            (split / f"{language}-{half}.jsonl").write_text("".join(lines[half::2]), encoding="utf-8")
    seconds = {}
    for num in (1, 2):
        begin = time.perf_counter()
        _build(split, folder / f"by-{num}", num)
        seconds[num] = round(time.perf_counter() - begin, 1)
    return {"seconds_by_processes": seconds, "gain": round(seconds[1] / seconds[2], 2)}


def _peer(raw: Path, language: str) -> dict[str, float]:
    """datatrove's steps, in its own environment: MB/s of processor time."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter
    from datatrove.utils.hashing import HashConfig

    lines = raw.read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines[: max(len(lines) // 10, 1)]]
    documents = [Document(text=text, id=str(i)) for i, text in enumerate(texts)]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    gopher, repetition = GopherQualityFilter(language=language), GopherRepetitionFilter(language=language)
    personal, repair = PIIFormatter(), FTFYFormatter()
    config = MinhashConfig(hash_config=HashConfig(hash_fc="sha1"))
    signature = MinhashDedupSignature(tempfile.mkdtemp(), config=config, language=language)
    steps: dict[str, Callable[[Document], Any]] = {
        "quality": lambda one: (gopher.filter(one), repetition.filter(one)),
        "redact": lambda one: personal.format(one.text),
        "clean": lambda one: repair.format(one.text),
        "fingerprint": lambda one: signature.get_signature(signature.get_shingles(one.text)),
    }
    speeds = {}
    for name, step in steps.items():
        step(documents[0])
        begin = time.process_time()
        for document in documents:
            step(document)
        speeds[name] = round(megabytes / (time.process_time() - begin), 2)
    return speeds


def _table(results: dict[str, Any], arguments: argparse.Namespace) -> str:
    from sitting import sitting

    lines = [
        "# Corpus: speed by step",
        "",
        f"`python benchmarks/bench_corpus.py`, {sitting('tokenizers', 'numpy')}.",
        "Megabytes of text a second of processor time, one process.",
        "",
        "| step | English | Chinese | datatrove, English | datatrove, Chinese | its step |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    english, chinese = results["en"], results["zh"]
    peers = [one.get("datatrove", {}) for one in (english, chinese)]
    for step in english["steps"]:
        mine = [one["steps"].get(step, "–") for one in (english, chinese)]
        theirs = [peer.get(step, "–") for peer in peers]
        lines.append(f"| {step} | {mine[0]} | {mine[1]} | {theirs[0]} | {theirs[1]} | {PEER_STEPS.get(step, '')} |")
    for name, label in (
        ("filters", "**all but tokenising**"),
        ("tokenize", "tokenise"),
        ("tokenizers_alone", "`tokenizers` alone"),
        ("whole", "**whole**"),
    ):
        lines.append(f"| {label} | {english[name]} | {chinese[name]} | | | |")
    both = results["both"]
    return "\n".join(
        [
            *lines,
            "",
            f"Both languages in four files, {english['megabytes'] + chinese['megabytes']:.0f} MB, the build with its "
            f"tokenizer's training: {both['seconds_by_processes'][1]} s with one process, "
            f"{both['seconds_by_processes'][2]} s with two ({both['gain']} times as fast).",
            "",
        ]
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--english", type=Path, nargs="+", required=True, help="JSONL.zst files with a field text")
    parser.add_argument("--chinese", type=Path, nargs="+", required=True)
    parser.add_argument("--mb", type=float, default=20)
    parser.add_argument("--datatrove", type=Path, help="a Python that has datatrove")
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
