"""Rows alone against rows in batches: CPU time a row by token budget, and how far batching moves the answers.

    python benchmarks/bench_predict.py BUNDLE [--texts FILE] [--repeats 9]

For each graph of the bundle (``model.onnx``, ``model_int8.onnx``) and each budget, one JSON line: CPU milliseconds of
plain onnxruntime a row on one thread (the least of the repeats, so that a busy machine changes little), and against
rows run alone the greatest difference of a probability and the share of labels that stay. Budget 0 is rows alone.
``triga.predict`` runs float32 graphs in batches and dynamically quantised ones alone because of what this shows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from bench_serve import facts, read_texts

from triga.core.arrays import Encoding, FloatArray
from triga.predict.batching import token_batches
from triga.predict.pipeline import Pipeline

BUDGETS = (0, 64, 128, 256, 512, 1024, 2048, 4096)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--texts", type=Path, help="one text a line")
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    encodings = Pipeline.open(arguments.bundle, num_threads=1).encode(read_texts(arguments.texts))
    for name in ("model.onnx", "model_int8.onnx"):
        if (arguments.bundle / name).is_file():
            _measure(arguments.bundle, name, encodings, arguments.repeats)


def _measure(bundle: Path, name: str, encodings: Sequence[Encoding], repeats: int) -> None:
    session = _session(bundle / name)
    runs: dict[int, Callable[[], FloatArray]] = {
        budget: lambda budget=budget: _run_all(session, encodings, budget) for budget in BUDGETS
    }
    answers = {budget: _probabilities(run()) for budget, run in runs.items()}
    seconds = dict.fromkeys(runs, float("inf"))
    for _ in range(repeats):
        for budget, run in runs.items():
            begin = time.process_time()
            run()
            seconds[budget] = min(seconds[budget], time.process_time() - begin)
    for budget, probabilities in answers.items():
        line = {
            "graph": name,
            "budget_tokens": budget,
            "rows": len(encodings),
            "tokens_per_row": round(float(np.mean([len(row) for row in encodings])), 1),
            "cpu_ms_per_row": round(seconds[budget] / len(encodings) * 1e3, 3),
            "probability_moved": float(np.abs(probabilities - answers[0]).max()),
            "labels_kept": float((probabilities.argmax(1) == answers[0].argmax(1)).mean()),
            **facts(bundle),
        }
        print(json.dumps(line), flush=True)


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _run_all(session: onnxruntime.InferenceSession, encodings: Sequence[Encoding], budget: int) -> FloatArray:
    batches = token_batches([len(row) for row in encodings], budget)
    logits = np.concatenate([_run(session, [encodings[i] for i in batch]) for batch in batches])
    return logits[np.argsort(np.concatenate([np.array(batch) for batch in batches]))]


def _run(session: onnxruntime.InferenceSession, rows: Sequence[Encoding]) -> FloatArray:
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row.input_ids, 1
    logits: FloatArray = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    return logits


def _probabilities(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


if __name__ == "__main__":
    main()
