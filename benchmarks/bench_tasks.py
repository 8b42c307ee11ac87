"""Quality of every task on real sets, from a shipped base and from random weights, beside a plain method.

    python benchmarks/bench_tasks.py --data FOLDER [--only conll2003 …] [--bases triga-nano triga-mini scratch-nano]
                                     [--workspace DIR] [--write FILE]

FOLDER holds a folder for each set with train.jsonl.gz, dev.jsonl.gz and test.jsonl.gz. Each run is `triga run` in a
process of its own, so that its peak memory can be told; what is finished is not run again. Prints a JSON line a run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sitting import sitting

from triga.core.artifact import dump_json, load_json
from triga.core.workspace import Workspace

BASES = ("triga-nano", "triga-mini", "scratch-nano")
GATE_MISSED = 3
SUMMARY = "summary.json"
"""In a run's folder: tables are written from all that are there."""


@dataclass(frozen=True)
class Set:
    """A data set: its task, what was published of it, and what the recipe says beside that."""

    kind: str
    language: str
    published: str
    goal: str = ""
    pairs: bool = False
    task: Mapping[str, Any] = field(default_factory=dict)
    tune: Mapping[str, Any] = field(default_factory=dict)


SETS = {
    "sst2": Set(
        "text-classification", "en", "BERT-Tiny 83.2, Mini 85.9, Small 89.7; ELECTRA-small 88.3 (GLUE test)", "90.0"
    ),
    "chnsenticorp": Set("text-classification", "zh", "RBT3 92.8, BERT 95.0 (Cui et al., 2021)", "94.2"),
    "waimai_10k": Set("text-classification", "zh", "–"),
    "ag_news": Set("text-classification", "en", "CNN 91.5 (Zhang et al., 2015), BERT 94 (6 times the train rows)"),
    "thucnews_title": Set("text-classification", "zh", "–"),
    "tnews_few": Set("text-classification", "zh", "–"),
    "banking77": Set("text-classification", "en", "BERT 93.7 (Casanueva et al., 2020)", "93.7"),
    "clinc150": Set("text-classification", "en", "BERT 96.9 in scope (Larson et al., 2019)", "96.9 in scope"),
    "intent-smp2019-zh": Set("text-classification", "zh", "–"),
    "conll2003": Set(
        "token-classification", "en", "BERT 92.4 (Devlin et al., 2019); 14 M distilled 89.1 (TextBrewer)", "89.6"
    ),
    "msra_ner": Set("token-classification", "zh", "ERNIE-medium 93.0, ELECTRA-small distilled 93.5 (TextBrewer)"),
    "weibo_ner": Set("token-classification", "zh", "BERT 68.2 (Li et al., 2020, FLAT)"),
    "cluener2020": Set("token-classification", "zh", "BERT 78.8 on the hidden test set (Xu et al., 2020)"),
    "mrpc": Set(
        "text-classification", "en", "BERT-Mini 71.8, BERT-Small 76.2 (google-research/bert; GLUE test)", pairs=True
    ),
    "afqmc": Set("text-classification", "zh", "BERT 73.7 on the hidden test set (CLUE)", pairs=True),
    "lcqmc": Set(
        "text-classification", "zh", "RBT3 85.1, BERT 86.9 (Cui et al., 2021; 30 times the train rows)", pairs=True
    ),
    "bq_corpus": Set(
        "text-classification", "zh", "RBT3 83.3, BERT 84.8 (Cui et al., 2021; 11 times the train rows)", pairs=True
    ),
    "stsb": Set(
        "text-regression",
        "en",
        pairs=True,
        published="BERT-Mini 73.3, BERT-Small 77.0 (google-research/bert; GLUE test)",
    ),
}
HEADLINES = {
    ("text-classification", False): ("accuracy", "Classes of texts: accuracy"),
    ("text-classification", True): ("accuracy", "Classes of pairs of texts: accuracy"),
    ("token-classification", False): ("micro_f1", "Entities: micro F1 of spans with their type"),
    ("text-regression", True): ("spearman", "Similarity: Spearman's correlation"),
}


def main() -> None:
    arguments = _arguments()
    workspace = Workspace.locate(arguments.workspace)
    for name in arguments.only or SETS:
        for base in arguments.bases:
            _run(name, base, arguments.data.resolve(), workspace)
    if arguments.write:
        found = [workspace.run(f"{name}-{base}") / SUMMARY for name in SETS for base in BASES]
        Path(arguments.write).write_text(
            _tables([load_json(path) for path in found if path.exists()]), encoding="utf-8"
        )


def _run(name: str, base: str, data: Path, workspace: Workspace) -> None:
    folder = workspace.root / "recipes"
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder / f"{name}-{base}.yaml"
    recipe.write_text(yaml.safe_dump(_recipe(name, base, data), allow_unicode=True), encoding="utf-8")
    run = workspace.run(f"{name}-{base}")
    command = [sys.executable, "-m", "triga.cli", "--workspace", str(workspace.root), "run", str(recipe)]
    process = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, GATE_MISSED):
        sys.exit(f"{recipe} failed")
    memory = run / "peak_memory.json"
    if not memory.exists():
        memory.write_bytes(dump_json({"bytes": usage.ru_maxrss * 1024}))
    result = _summary(name, base, load_json(run / "dossier.json"), load_json(memory)["bytes"], process.returncode)
    (run / SUMMARY).write_bytes(dump_json(result))
    print(json.dumps(result, ensure_ascii=False), flush=True)


def _recipe(name: str, base: str, data: Path) -> dict[str, Any]:
    one = SETS[name]
    size = base.removeprefix("scratch-")
    return {
        "name": f"{name}-{base}",
        "base": base if size == base else {"kind": "scratch", "size": size},
        "task": {"kind": one.kind, **one.task},
        "data": {split: str(data / name / f"{split}.jsonl.gz") for split in ("train", "dev", "test")},
        "tune": dict(one.tune),
        "evaluate": {},
        "compress": {"quantize": "int8"},
    }


def _summary(name: str, base: str, dossier: Mapping[str, Any], memory: int, code: int) -> dict[str, Any]:
    return {
        "set": name,
        "base": base,
        "rows": dossier["rows"],
        "systems": {system["key"]: system["scores"] for system in dossier["systems"]},
        "minutes": dossier["training"]["minutes"],
        "parameters": dossier["training"]["facts"]["num_parameters"],
        "memory": memory,
        "latency": dossier["latency"],
        "sizes": dossier["sizes"],
        "exported": code == 0,
    }


def _tables(results: list[dict[str, Any]]) -> str:
    lines = [
        "# Every task on real sets",
        "",
        f"`python benchmarks/bench_tasks.py --data FOLDER`, {sitting('torch', 'onnxruntime')}.",
        "",
        "Test scores in percent with 95 % intervals. Each set is tuned with a recipe's default settings, from bases",
        "that triga itself pretrained or from random weights; the plain methods see the same rows.",
    ]
    for heading, (metric, title) in HEADLINES.items():
        chosen = [result for result in results if (SETS[result["set"]].kind, SETS[result["set"]].pairs) == heading]
        if chosen:
            lines += ["", f"## {title}", "", *_table(chosen, metric)]
    return "\n".join(lines) + "\n"


def _table(results: list[dict[str, Any]], metric: str) -> list[str]:
    plain = [key for key in results[0]["systems"] if key != "model"]
    head = [
        "set",
        "train rows",
        "base (parameters)",
        "model",
        *plain,
        "minutes",
        "memory",
        "int8, one row",
        "published",
    ]
    rows = [" | ".join(head), " | ".join("---" for _ in head)]
    for result in results:
        one, systems = SETS[result["set"]], result["systems"]
        int8 = result["latency"].get("model_int8.onnx")
        rows.append(
            " | ".join(
                [
                    f"{result['set']} ({one.language})",
                    f"{result['rows']['train']:,}",
                    f"{result['base']} ({result['parameters'] / 1e6:.1f} M)",
                    _score(systems["model"][metric]),
                    *(_score(systems[key][metric]) for key in plain),
                    f"{result['minutes']:.1f}",
                    f"{result['memory'] / 2**20:,.0f} MB",
                    "–" if int8 is None else f"{int8['median_ms']:.2f} ms",
                    one.published + (f"; goal {one.goal}" if one.goal else ""),
                ]
            )
        )
    return [f"| {row} |" for row in rows]


def _score(score: Mapping[str, float]) -> str:
    return f"{score['value'] * 100:.1f} ({score['low'] * 100:.1f}–{score['high'] * 100:.1f})"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--only", nargs="+", choices=sorted(SETS), help="these sets")
    parser.add_argument("--bases", nargs="+", choices=BASES, default=list(BASES))
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--write", help="a Markdown file for the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
