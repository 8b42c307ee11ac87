"""A whole recipe over real text: once with one process, once with two, and whether the bytes are the same.

    python benchmarks/bench_corpus_recipe.py recipes/corpus/bilingual.yaml --root FOLDER --folder DIR [--write FILE]

FOLDER is where the recipe's sources lie; DIR holds the corpora meanwhile. Prints, and writes, what was kept and dropped
by source and reason, tokens, megabytes a second and peak memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sitting import sitting
from watch import Watched, watch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--write", type=Path, help="a Markdown file for the tables")
    arguments = parser.parse_args()
    runs, contents = {}, []
    for num in (1, 2):
        workspace = arguments.folder / f"by-{num}"
        shutil.rmtree(workspace, ignore_errors=True)
        command = [
            sys.executable,
            "-m",
            "triga",
            "--workspace",
            str(workspace),
            "corpus",
            "build",
            str(arguments.recipe),
        ]
        runs[num] = watch([*command, "--processes", str(num), "--set", f"corpus.root={arguments.root.resolve()}"])
        (corpus,) = (path for path in (workspace / "corpora").iterdir() if not path.name.startswith("."))
        contents.append(_content(corpus))
    facts = json.loads((corpus / "corpus.json").read_text(encoding="utf-8"))
    page = "\n".join(_page(arguments.recipe, facts, runs, contents))
    print(page)
    if arguments.write:
        arguments.write.write_text(page, encoding="utf-8")


def _content(corpus: Path) -> dict[str, str]:
    """Checksums of every file but the manifest, which has the date."""
    return {
        path.relative_to(corpus).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(corpus.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def _page(
    recipe: Path, facts: dict[str, Any], runs: dict[int, Watched], contents: list[dict[str, str]]
) -> Iterator[str]:
    total = facts["total"]
    packed = sum(file["size_bytes"] for source in facts["sources"] for file in source["files"]) / 1e6
    megabytes = total["read_bytes"] / 1e6
    same = "the same, byte for byte" if contents[0] == contents[1] else "NOT the same"
    yield f"`python benchmarks/bench_corpus_recipe.py {recipe.as_posix()} --root FOLDER`, {sitting('tokenizers')}."
    yield f"{megabytes:.0f} MB of text ({packed:.0f} MB packed); the {len(contents[0])} files of both runs are {same}."
    yield ""
    yield "| processes | seconds | MB/s | peak MB, all processes |\n| --- | --- | --- | --- |"
    for num, one in runs.items():
        yield f"| {num} | {one.seconds:.0f} | {megabytes / one.seconds:.1f} | {one.peak_mb:.0f} |"
    yield ""
    yield "| source | read | dropped | documents | tokens |\n| --- | --- | --- | --- | --- |"
    for source in (*facts["sources"], {**total, "name": "all"}):
        dropped = sum(sum(languages.values()) for languages in source["dropped"].values())
        documents, tokens = sum(source["documents"].values()), sum(source["tokens"].values())
        yield f"| {source['name']} | {source['read']:,} | {dropped:,} | {documents:,} | {tokens:,} |"
    yield ""
    yield "| dropped for | documents | languages |\n| --- | --- | --- |"
    for reason, languages in total["dropped"].items():
        named = ", ".join(f"{name} {count}" for name, count in sorted(languages.items()))
        yield f"| {reason} | {sum(languages.values()):,} | {named} |"
    for kind, count in (facts["duplicates"] or {}).items():
        yield f"| copy ({kind}) | {count:,} | |"
    yield ""
    yield "Redacted: " + ", ".join(f"{kind} {count:,}" for kind, count in total["redacted"].items()) + "."
    yield ""


if __name__ == "__main__":
    main()
