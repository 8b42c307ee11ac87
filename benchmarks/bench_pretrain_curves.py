"""How the speed of pretraining changes with the size, the length of a window, the tokens at once, and the processes.

    python benchmarks/bench_pretrain_curves.py --corpus FOLDER [--rounds 2] [--write FILE] [--picture FILE.svg]

FOLDER was built by ``triga corpus build``. Tokens a second of whole steps of `triga pretrain` (masked language
modelling of 30 %, AdamW, bfloat16): the median after a warm-up, of all rounds the best, for another process on the
machine can make a step slower, never faster. One thing changes at a time; the others stay at nano, 256 tokens, 8,192
tokens at once, all threads. Processes are started by torchrun, with the machine's cores dealt out among them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from picture import Panel, draw
from sitting import sitting

from triga.models.open import OpenedBase, scratch_config
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.train.allocator import keep_freed_memory
from triga.train.checkpoint import TrainState
from triga.train.loop import fit
from triga.train.optimizer import build_optimizer
from triga.train.pretrain import caller, problem_of
from triga.train.pretrain_recipe import PretrainSection
from triga.train.pretraining import Pretraining
from triga.train.ranks import Ranks

STEPS = 6
"""The first two are a warm-up."""
USUAL: dict[str, Any] = {"size": "nano", "length": 256, "at_once": 8192}
SIZES = ("nano", "micro", "mini", "small", "base")
LENGTHS = (64, 128, 256, 512, 1024)
AT_ONCE = (1024, 2048, 4096, 8192, 16384)


def main() -> None:
    arguments = _arguments()
    if arguments.one is not None:
        return _measure(arguments.corpus, **json.loads(arguments.one))
    curves, processes = _round(arguments.corpus)
    for _ in range(1, arguments.rounds):
        other_curves, other_processes = _round(arguments.corpus)
        curves = {name: _better(points, other_curves[name]) for name, points in curves.items()}
        processes = dict(zip(processes, _better([*processes.values()], [*other_processes.values()]), strict=True))
    page = "\n".join(_page(curves, processes))
    print(page)
    if arguments.write:
        arguments.write.write_text(page, encoding="utf-8")
    if arguments.picture:
        draw(_panels(curves), arguments.picture)


def _round(corpus: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, Any]]]:
    num_cores = len(os.sched_getaffinity(0))
    curves = {
        "size": [_apart(corpus, num_cores, size=size) for size in SIZES],
        "length": [_apart(corpus, num_cores, length=length) for length in LENGTHS],
        "at_once": [_apart(corpus, num_cores, at_once=at_once) for at_once in AT_ONCE],
    }
    processes = {
        "1 process, 1 thread": _apart(corpus, 1),
        f"1 process, {num_cores} threads": _apart(corpus, num_cores),
        f"{num_cores} processes, copies": _apart(corpus, num_cores, num_ranks=num_cores),
        f"{num_cores} processes, shares": _apart(corpus, num_cores, num_ranks=num_cores, shares=True),
    }
    return curves, processes


def _better(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [max(pair, key=lambda one: one["tokens_per_second"]) for pair in zip(first, second, strict=True)]


def _apart(corpus: Path, num_cores: int, num_ranks: int = 1, **changes: Any) -> dict[str, Any]:
    """Each measurement in processes of its own: memory that one kept would help the next."""
    threads = num_cores // num_ranks
    with tempfile.TemporaryDirectory() as folder:
        asked = json.dumps({**USUAL, **changes, "answer": str(Path(folder) / "answer.json")})
        launcher = ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
        start = [*launcher, "--nproc-per-node", str(num_ranks)] if num_ranks > 1 else []
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "GLOO_SOCKET_IFNAME": "lo"}
        command = [sys.executable, *start, __file__, "--corpus", str(corpus), "--one", asked]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        answer: dict[str, Any] = json.loads((Path(folder) / "answer.json").read_text())
    print(json.dumps({**USUAL, **changes, "processes": num_ranks, "threads": threads, **answer}), file=sys.stderr)
    return {**USUAL, **changes, **answer}


def _measure(corpus: Path, size: str, length: int, at_once: int, answer: str, shares: bool = False) -> None:
    """In each of the processes; the first one writes the answer."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    ranks = Ranks.of(os.environ)
    if ranks.leads:
        ranks.call()
    elif not ranks.wait_for_call():
        return
    keep_freed_memory()
    tokenizer = Tokenizer.load(corpus)
    rules = {
        "objective": {"kind": "mlm", "mlm_probability": 0.3, "whole_words": False},
        "optimizer": {"kind": "adamw"},
        "max_length": length,
        "max_tokens_per_batch": at_once,
        "tokens_per_step": at_once * ranks.size,
        "fully_shard": shares,
    }
    base = OpenedBase(scratch_config(size, tokenizer), tokenizer, None)  # type: ignore[arg-type]
    section, device = PretrainSection.model_validate(rules), torch.device("cpu")
    job = Pretraining(section, base, corpus, Path(), 17, device, ranks)
    windows = job.windows("train")
    module = job.objective.build(seed=17)
    problem = problem_of(job, windows, module, caller(job, module), job.plan(windows, STEPS))
    optimizer = build_optimizer(module, section, 1e-3)
    records = list(fit(problem, optimizer, lambda step: 1.0, TrainState(), max_grad_norm=1.0))
    speed = statistics.median(record.num_tokens / record.seconds for record in records[2:])
    if ranks.leads:
        parameters = sum(parameter.numel() for parameter in module.parameters())
        Path(answer).write_text(json.dumps({"tokens_per_second": round(speed), "parameters": parameters}))
        ranks.dismiss()
    else:
        ranks.wait_for_call()


def _page(curves: Mapping[str, Sequence[dict[str, Any]]], processes: Mapping[str, dict[str, Any]]) -> list[str]:
    lines = [f"`python benchmarks/bench_pretrain_curves.py --corpus FOLDER`, {sitting('torch', 'transformers')}.", ""]
    names = {"size": "size", "length": "tokens of a window", "at_once": "tokens at once"}
    for changed, points in curves.items():
        cells = [f"{point[changed]:,}" if changed != "size" else _size(point) for point in points]
        lines += [f"| {names[changed]} | " + " | ".join(cells) + " |", "| --- |" + " --- |" * len(points)]
        lines += ["| tokens/s | " + " | ".join(f"{point['tokens_per_second']:,}" for point in points) + " |", ""]
    lines += ["| processes | tokens/s |", "| --- | --- |"]
    return [*lines, *(f"| {name} | {one['tokens_per_second']:,} |" for name, one in processes.items()), ""]


def _size(point: Mapping[str, Any]) -> str:
    return f"{point['size']}, {point['parameters'] / 1e6:.1f} M"


def _panels(curves: Mapping[str, Sequence[dict[str, Any]]]) -> list[Panel]:
    sizes = [(round(point["parameters"] / 1e6, 1), point["tokens_per_second"] / 1e3) for point in curves["size"]]
    lengths = [(point["length"], point["tokens_per_second"] / 1e3) for point in curves["length"]]
    at_once = [(point["at_once"], point["tokens_per_second"] / 1e3) for point in curves["at_once"]]
    return [
        Panel("Thousand tokens/s by size", "million parameters", {"": sizes}, log_x=True),
        Panel("… by length (nano)", "tokens of a window", {"": lengths}, log_x=True),
        Panel("… by batch (nano)", "tokens at once", {"": at_once}, log_x=True),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
