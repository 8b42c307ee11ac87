"""Pretraining speed beside Hugging Face's Trainer: same ModernBERT, same text, same number of tokens, one sitting.

    python benchmarks/bench_pretrain.py --corpus FOLDER [--size nano] [--tokens 150000] [--rounds 3] [--write FILE]

FOLDER was built by ``triga corpus build``. Masked language modelling of 30 % with AdamW, from the same random weights,
three ways in turn, round after round; ratios are taken within each round:

* ``trainer-defaults``  Trainer and DataCollatorForLanguageModeling: float32, 8 documents a batch, padded
* ``trainer-best``      bf16 autocast, logits of hidden words only, grouped by length, fused AdamW, as many tokens a
                        batch as triga, and triga's setting of the allocator
* ``triga``             the loop of `triga pretrain`: packed rows

Tokens are real ones (padding not counted). After the last round all three are scored on the same hidden words of
held-out text. The machine's peak is the best bfloat16 product of 1,024 and 2,048 squares, before and after; the body is
the encoder's layers alone, forward and back: 6 x its matrices' parameters x tokens, and 12 x layers x length x width a
token for attention.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sitting import sitting

from triga.models import fast
from triga.models.open import OpenedBase, scratch_config
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.train.allocator import keep_freed_memory
from triga.train.checkpoint import TrainState
from triga.train.held_out import held_out_batches, held_out_scores
from triga.train.loop import fit
from triga.train.optimizer import build_optimizer
from triga.train.pretrain import caller, problem_of
from triga.train.pretrain_recipe import PretrainSection
from triga.train.pretraining import Pretraining
from triga.train.utilisation import matmul_peak

SEED = 17
RATE = 1e-3
TOKENS_PER_BATCH = 8192
SHARE = 0.3
BODY_STEPS = 5


def main() -> None:
    arguments = _arguments()
    logging.disable(logging.WARNING)
    os.environ["TQDM_DISABLE"] = "1"
    job = _Job(arguments)
    ways: dict[str, Callable[[], tuple[float, Any]]] = {
        "trainer-defaults": job.trainer_defaults,
        "trainer-best": job.trainer_best,
        "triga": job.triga,
    }
    peak = matmul_peak(torch.device("cpu"), torch.bfloat16)
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, float] = {}
    for number in range(arguments.rounds):
        for name, way in ways.items():
            seconds, module = way()
            speeds[name].append(job.num_tokens / seconds)
            print(json.dumps({"round": number, "way": name, "tokens_per_second": round(speeds[name][-1])}), flush=True)
            if number == arguments.rounds - 1:
                losses[name] = job.held_out(module)
    body = job.body()
    peak = max(peak, matmul_peak(torch.device("cpu"), torch.bfloat16))
    summary = {
        "sitting": sitting("torch", "transformers", "accelerate"),
        "threads": torch.get_num_threads(),
        "size": arguments.size,
        "length": arguments.max_length,
        "tokens": job.num_tokens,
        "speeds": {name: round(statistics.median(found)) for name, found in speeds.items()},
        "ratios": {
            name: round(statistics.median(a / b for a, b in zip(speeds["triga"], speeds[name], strict=True)), 2)
            for name in ways
        },
        "losses": {name: round(loss, 3) for name, loss in losses.items()},
        "peak_gflops": round(peak / 1e9),
        "body_gflops": round(body / 1e9),
    }
    print(json.dumps(summary), flush=True)
    if arguments.write:
        arguments.write.write_text(_table(summary), encoding="utf-8")


class _Job:
    """One network, and the first windows of a corpus: as many as hold the tokens that were asked for."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.length: int = arguments.max_length
        tokenizer = Tokenizer.load(arguments.corpus)
        self.tokenizer = tokenizer
        self.config = scratch_config(arguments.size, tokenizer)
        rules = {
            "objective": {"kind": "mlm", "mlm_probability": SHARE, "whole_words": False},
            "optimizer": {"kind": "adamw"},
            "max_length": self.length,
            "max_tokens_per_batch": TOKENS_PER_BATCH,
            "tokens_per_step": TOKENS_PER_BATCH,
        }
        base = OpenedBase(self.config, tokenizer, None)
        self.section = PretrainSection.model_validate(rules)
        self.pretraining = Pretraining(self.section, base, arguments.corpus, Path(), SEED, torch.device("cpu"))
        self.windows = self.pretraining.windows("train")
        self.num_steps = max(1, arguments.tokens // TOKENS_PER_BATCH)
        plan = self.pretraining.plan(self.windows, self.num_steps)
        self.rows = np.concatenate([np.concatenate(plan.step(i).micro_batches) for i in range(self.num_steps)])
        self.num_tokens = int(self.windows.lengths[self.rows].sum())

    def triga(self) -> tuple[float, Any]:
        keep_freed_memory()
        module = self.pretraining.objective.build(seed=SEED)
        job = self.pretraining
        plan = job.plan(self.windows, self.num_steps)
        problem = problem_of(job, self.windows, module, caller(job, module), plan)
        optimizer = build_optimizer(module, self.section, RATE)
        started = time.perf_counter()
        for _ in fit(problem, optimizer, lambda step: 1.0, TrainState(), max_grad_norm=1.0):
            pass
        return time.perf_counter() - started, module

    def trainer_defaults(self) -> tuple[float, Any]:
        return self._trainer(sparse=False)

    def trainer_best(self) -> tuple[float, Any]:
        keep_freed_memory()
        mean = self.num_tokens / len(self.documents())
        return self._trainer(
            sparse=True,
            bf16=True,
            per_device_train_batch_size=max(1, round(TOKENS_PER_BATCH / mean)),
            train_sampling_strategy="group_by_length",
            length_column_name="length",
            optim="adamw_torch_fused",
        )

    def documents(self) -> list[list[int]]:
        """The pieces of the same windows, each with its [CLS] and [SEP]."""
        found = []
        for row in self.rows:
            ids, documents = self.windows.batch(np.array([row]))
            found += [ids[0][documents[0] == number].tolist() for number in range(documents.max() + 1)]
        return found

    def _trainer(self, *, sparse: bool, **settings: Any) -> tuple[float, Any]:
        from transformers import (
            DataCollatorForLanguageModeling,
            PreTrainedTokenizerFast,
            Trainer,
            TrainingArguments,
        )

        names = {"pad_token": "[PAD]", "mask_token": "[MASK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=self.tokenizer.raw, **names)
        module = self.pretraining.objective.build(seed=SEED)
        module.config.sparse_prediction = module.sparse_prediction = sparse
        with_length = "length_column_name" in settings
        rows = [{"input_ids": ids, **({"length": len(ids)} if with_length else {})} for ids in self.documents()]
        collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=SHARE)
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder,
                use_cpu=True,
                num_train_epochs=1,
                learning_rate=RATE,
                lr_scheduler_type="constant",
                weight_decay=self.section.optimizer.weight_decay,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                logging_strategy="no",
                remove_unused_columns=False,
                seed=SEED,
                **settings,
            )
            trainer = Trainer(
                module,
                arguments,
                train_dataset=rows,  # type: ignore[arg-type]
                data_collator=lambda some: collator([{"input_ids": one["input_ids"]} for one in some]),
            )
            started = time.perf_counter()
            trainer.train()
            return time.perf_counter() - started, module

    def held_out(self, module: Any) -> float:
        """Mean of the languages' losses, in nats, on the same hidden words."""
        module.eval()
        dev = held_out_batches(self.pretraining, 1000)
        scores = held_out_scores(self.pretraining, dev, torch.float32, module)
        return statistics.mean(value for name, value in scores.items() if name.startswith("loss/"))

    def body(self) -> float:
        """FLOP/s of the layers alone, forward and back."""
        model = self.pretraining.objective.build(seed=SEED).model
        ids, documents = self.windows.batch(self.rows[: TOKENS_PER_BATCH // self.length])
        masks = fast.packed_masks(self.config, torch.from_numpy(documents), torch.bfloat16)
        embedded = torch.randn(*ids.shape, self.config.hidden_size, requires_grad=True)
        seconds = []
        for _ in range(BODY_STEPS):
            started = time.perf_counter()
            fast.run_layers(model, embedded, masks, torch.bfloat16).sum().backward()
            seconds.append(time.perf_counter() - started)
        matrices = sum(value.numel() for value in model.layers.parameters() if value.dim() == 2)
        attention = 12 * self.config.num_hidden_layers * self.length * self.config.hidden_size
        return (6 * matrices + attention) * ids.size / statistics.median(seconds[1:])


def _table(one: dict[str, Any]) -> str:
    share = one["body_gflops"] / one["peak_gflops"]
    return "\n".join(
        [
            "# Pretraining speed on a CPU, beside the Trainer",
            "",
            f"`python benchmarks/bench_pretrain.py --corpus FOLDER`, {one['sitting']}, {one['threads']} threads.",
            f"Size {one['size']}, windows of {one['length']} tokens, masked language modelling of {SHARE:.0%}, AdamW; "
            f"{one['tokens']:,} real tokens a run, medians.",
            "",
            "| way | tokens/s | triga is … times as fast | loss on held-out text |",
            "| --- | --- | --- | --- |",
            *(
                f"| {name} | {speed:,} | {one['ratios'][name]} | {one['losses'][name]} |"
                for name, speed in one["speeds"].items()
            ),
            "",
            f"The encoder's layers, forward and back: {one['body_gflops']:,} GFLOP/s, {share:.0%} of the best bfloat16 "
            f"product in the same run ({one['peak_gflops']:,} GFLOP/s).",
            "Goals: 5 and 1.3 times the Trainer, 65 % of the peak.",
            "",
        ]
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--size", default="nano")
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=150_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
