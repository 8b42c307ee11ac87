"""Fine-tuning speed beside Hugging Face's Trainer: same ModernBERT, same rows, same number of epochs, one sitting.

    python benchmarks/bench_tune.py [--data rows.jsonl(.gz)] [--rounds 5] [--size nano] [--max-length 128]

Three ways are timed in turn, round after round, and the ratio is taken within each round:

* ``trainer-defaults``  `Trainer` with `TrainingArguments(use_cpu=True)`: float32, 8 rows a batch, random order;
* ``trainer-best``      bf16 autocast, rows grouped by length, fused AdamW, about as many tokens a batch as triga;
* ``triga``             the loop of `triga tune`.

Tokens are real ones (padding not counted). Prints JSON lines and, with --write, a table.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sitting import sitting

from triga.core.arrays import Encoding
from triga.models.open import OpenedBase, open_base
from triga.models.recipe import ScratchBase
from triga.tasks.models import open_task_model
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.train.checkpoint import TrainState
from triga.train.loop import Problem, fit
from triga.train.optimizer import build_optimizer
from triga.train.plan import Plan
from triga.train.recipe import TuneSection

MAX_TOKENS = 2048
SEED = 17


def main() -> None:
    arguments = _arguments()
    logging.disable(logging.WARNING)
    os.environ["TQDM_DISABLE"] = "1"
    rows = _rows(arguments.data, arguments.num_rows)
    job = _Job(rows, arguments.size, arguments.max_length)
    ways: dict[str, Callable[[], float]] = {
        "trainer-defaults": job.trainer_defaults,
        "trainer-best": job.trainer_best,
        "triga": job.triga,
    }
    for way in ways.values():  # warm-up: caches, kernels, imports
        way()
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(arguments.rounds):
        for name, way in ways.items():
            speeds[name].append(job.num_tokens / way())
            print(json.dumps({"round": number, "way": name, "tokens_per_second": round(speeds[name][-1])}), flush=True)
    summary = _summary(arguments, job, speeds)
    print(json.dumps(summary), flush=True)
    if arguments.write:
        Path(arguments.write).write_text(_table(summary), encoding="utf-8")


class _Job:
    """One model and one set of rows, trained for one epoch in each of the three ways."""

    def __init__(self, rows: Sequence[dict[str, str]], size: str, max_length: int) -> None:
        labels = sorted({row["label"] for row in rows})
        self.spec = TextClassification(TextClassificationSection(kind="text-classification"), tuple(labels))
        self.rows = [self.spec.parse(row) for row in rows]
        self.base: OpenedBase = open_base(ScratchBase(size=size), lambda: [row["text"] for row in rows])  # type: ignore[arg-type]
        self.encodings: list[Encoding] = self.spec.encode(self.rows, self.base.tokenizer, max_length)
        self.targets = self.spec.targets(self.rows)
        self.lengths = np.array([len(encoding) for encoding in self.encodings])
        self.num_tokens = int(self.lengths.sum())
        self.task = open_task_model(self.spec)

    def model(self) -> Any:
        return self.task.build(self.base, seed=SEED)

    def triga(self) -> float:
        module, pad_id = self.model(), self.base.tokenizer.pad_id
        section = TuneSection(max_tokens_per_batch=MAX_TOKENS, num_train_epochs=1)
        plan = Plan(self.lengths, MAX_TOKENS, 1, 1, 1, SEED)

        def collate(indices: Any) -> Any:
            return self.task.collate([self.encodings[i] for i in indices], self.targets[indices], pad_id)

        problem = Problem(module, collate, self.task.loss, plan, torch.device("cpu"), torch.bfloat16)
        optimizer = build_optimizer(module, section, 1e-3)
        started = time.perf_counter()
        for _ in fit(problem, optimizer, lambda step: 1.0, TrainState(), max_grad_norm=1.0):
            pass
        return time.perf_counter() - started

    def trainer_defaults(self) -> float:
        return self._trainer()

    def trainer_best(self) -> float:
        rows_per_batch = max(1, round(MAX_TOKENS / float(self.lengths.mean())))
        return self._trainer(
            bf16=True,
            per_device_train_batch_size=rows_per_batch,
            train_sampling_strategy="group_by_length",
            length_column_name="length",
            optim="adamw_torch_fused",
        )

    def _trainer(self, **settings: Any) -> float:
        from transformers import DataCollatorWithPadding, PreTrainedTokenizerFast, Trainer, TrainingArguments

        tokenizer = PreTrainedTokenizerFast(tokenizer_object=self.base.tokenizer.raw, pad_token="[PAD]")
        data = _TorchRows(self.encodings, self.targets, with_length="length_column_name" in settings)
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder,
                use_cpu=True,
                num_train_epochs=1,
                learning_rate=1e-3,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                logging_strategy="no",
                remove_unused_columns=False,
                **settings,
            )
            collator = DataCollatorWithPadding(tokenizer)
            trainer = Trainer(self.model(), arguments, train_dataset=data, data_collator=_without_length(collator))
            started = time.perf_counter()
            trainer.train()
            return time.perf_counter() - started


class _TorchRows(torch.utils.data.Dataset[dict[str, Any]]):
    def __init__(self, encodings: Sequence[Encoding], targets: Any, *, with_length: bool) -> None:
        self.rows: list[dict[str, Any]] = [
            {"input_ids": encoding.input_ids.tolist(), "labels": int(target)}
            for encoding, target in zip(encodings, targets, strict=True)
        ]
        if with_length:
            for row in self.rows:
                row["length"] = len(row["input_ids"])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]


def _without_length(collator: Callable[[list[dict[str, Any]]], Any]) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda rows: collator([{key: row[key] for key in row if key != "length"} for row in rows])


def _rows(path: Path | None, num_rows: int) -> list[dict[str, str]]:
    if path is None:
        import csv

        demo = Path(__file__).parents[1] / "recipes/demo/data/train.csv"
        with open(demo, encoding="utf-8", newline="") as file:
            return [{"text": row["question"], "label": row["intent"]} for row in csv.DictReader(file)][:num_rows]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file][:num_rows]


def _summary(arguments: argparse.Namespace, job: _Job, speeds: dict[str, list[float]]) -> dict[str, Any]:
    ratios = {
        name: sorted(ours / theirs for ours, theirs in zip(speeds["triga"], speeds[name], strict=True))
        for name in ("trainer-defaults", "trainer-best")
    }
    return {
        "benchmark": "tune",
        "sitting": sitting("torch", "transformers", "accelerate"),
        "size": arguments.size,
        "rows": len(job.rows),
        "mean_tokens": round(float(job.lengths.mean()), 1),
        "rounds": arguments.rounds,
        "tokens_per_second": {name: _spread(values) for name, values in speeds.items()},
        "ratio": {name: _spread(values) for name, values in ratios.items()},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    digits = 0 if max(values) > 100 else 2
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def _table(summary: dict[str, Any]) -> str:
    lines = [
        "# Fine-tuning speed beside Hugging Face's Trainer",
        "",
        f"`python benchmarks/bench_tune.py`, {summary['sitting']}. "
        f"ModernBERT `{summary['size']}` from scratch, {summary['rows']} rows of {summary['mean_tokens']} tokens on "
        f"average, one epoch a round, {summary['rounds']} rounds in turn.",
        "",
        "| way | tokens/s, median (min–max) | triga is … times as fast, median of rounds (min–max) |",
        "| --- | --- | --- |",
    ]
    for name, speed in summary["tokens_per_second"].items():
        ratio = summary["ratio"].get(name)
        times = "–" if ratio is None else f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})"
        lines.append(f"| {name} | {speed['median']:,.0f} ({speed['min']:,.0f}–{speed['max']:,.0f}) | {times} |")
    lines += [
        "",
        "`trainer-defaults` takes 8 rows a batch, so it makes more updates an epoch; `trainer-best` is bf16, grouped",
        "by length, fused AdamW, as many tokens a batch as triga.",
    ]
    return "\n".join(lines) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help='JSON lines with "text" and "label"; the demo\'s rows when absent')
    parser.add_argument("--num-rows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="nano")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--write", help="a Markdown file for the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
