"""Pretrain triga's shipped bases on a CUDA machine, and measure what they are good for. It checks itself.

    triga corpus build recipes/corpus/bases.yaml …            # the corpora (see there), on any machine
    python benchmarks/gpu/pretrain_bases.py check --corpus C  # packed = separate, GPU = CPU, tokens/s; a minute
    python benchmarks/gpu/pretrain_bases.py train --corpus C --size mini --objective rtd --minutes 5 --out O
    python benchmarks/bench_bases.py --data DATA --kept FILE --bases tfidf scratch-mini O/triga-mini

``train`` is resumable: stopped anywhere, the same command goes on. It needs torch, transformers, tokenizers,
safetensors and pydantic alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from triga.core.events import Event, JsonLines, Note, Scored, TrainStep, fan_out
from triga.models.open import OpenedBase, scratch_config
from triga.models.save import save_model
from triga.objectives.base import compiled_loss
from triga.objectives.open import architecture_of
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.train.checkpoint import TrainState
from triga.train.loop import fit
from triga.train.optimizer import build_optimizer
from triga.train.pretrain import caller, pretrain, problem_of
from triga.train.pretrain_recipe import PretrainSection
from triga.train.pretraining import Pretraining
from triga.train.utilisation import flops_per_token, matmul_peak, utilisation

SEED = 17
LENGTH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("check", "train"):
        sub = verbs.add_parser(verb)
        sub.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
        sub.add_argument("--corpus", type=Path, required=True)
        sub.add_argument("--tokens-per-step", type=int, default=65_536)
        sub.add_argument("--length", type=int, default=LENGTH)
        if verb == "check":
            sub.add_argument("--sizes", nargs="+", default=["nano", "mini", "base"])
            sub.add_argument("--objectives", nargs="+", default=["mlm", "rtd"])
            continue
        sub.add_argument("--out", type=Path, required=True)
        sub.add_argument("--size", required=True)
        sub.add_argument("--objective", required=True, choices=["mlm", "rtd", "clm"])
        budget = sub.add_mutually_exclusive_group(required=True)
        budget.add_argument("--minutes", type=float)
        budget.add_argument("--steps", type=int, help="where several jobs share the card, minutes are not foreseen")
        sub.add_argument("--learning-rate", type=float)
        sub.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_float32_matmul_precision("high")
    {"check": check, "train": run}[arguments.verb](arguments)


# -- check ------------------------------------------------------------------------------------------------------------


def check(arguments: argparse.Namespace) -> None:
    device = torch.device(arguments.device)
    print(torch.__version__, torch.cuda.get_device_name() if device.type == "cuda" else "cpu", flush=True)
    peak = matmul_peak(device, torch.bfloat16)
    print(f"peak of a bf16 matrix product: {peak / 1e12:.0f} TFLOP/s", flush=True)
    for objective in arguments.objectives:
        check_equal(arguments, objective, device)
    for size in arguments.sizes:
        for objective in arguments.objectives:
            speed(arguments, size, objective, device, peak)


def check_equal(arguments: argparse.Namespace, objective: str, device: torch.device) -> None:
    """The loss and its gradients on this device are the CPU's, on packed rows, in float32."""
    job = pretraining(arguments, "nano", objective, {"minutes": 1}, None, Path(), torch.device("cpu"))
    windows = job.windows("dev")
    ids, documents = windows.batch(np.arange(4))
    module = job.objective.build(seed=SEED).eval()
    torch.manual_seed(SEED)
    batch = {"input_ids": torch.from_numpy(ids), "documents": torch.from_numpy(documents)}
    corrupted = job.objective.corrupt(module, batch, torch.float32)
    names = [name for name in corrupted if not name.startswith("mask")]
    if objective == "rtd":  # what the generator draws differs by device: judge its own loss
        job = replace(
            job,
            section=job.section.model_copy(
                update={"objective": job.section.objective.model_copy(update={"discriminator_weight": 1e-30})}
            ),
        )
    expected = job.objective.loss(module, corrupted, torch.float32)
    expected.backward()
    gradients = {
        name: value.grad
        for name, value in module.named_parameters()
        if (value.grad is not None and "generator" in name) or objective != "rtd"
    }
    moved = {name: value.to(device) for name, value in batch.items()}
    import copy

    other = copy.deepcopy(module).to(device)
    other.zero_grad()
    again = job.objective.corrupt(other, moved, torch.float32)
    again.update({name: corrupted[name].to(device) for name in names})
    found = compiled_loss.of(job.objective, device).run(other, again, torch.float32)
    found.backward()
    worst = max(
        float((value.grad.cpu() - gradients[name]).abs().max() / gradients[name].abs().max().clamp(min=1e-12))
        for name, value in other.named_parameters()
        if name in gradients and value.grad is not None and gradients[name] is not None
    )
    difference = abs(float(found.detach()) - float(expected.detach())) / float(expected.detach())
    print(f"{objective}: loss differs by {difference:.1e} of itself, gradients by at most {worst:.1e}", flush=True)
    assert difference < 2e-3, objective
    assert worst < 5e-2, objective


def speed(arguments: argparse.Namespace, size: str, objective: str, device: torch.device, peak: float) -> None:
    job = pretraining(arguments, size, objective, {"minutes": 1}, None, Path(), device)
    windows = job.windows("train")
    module = job.objective.build(seed=SEED).to(device)
    started = time.perf_counter()
    problem = problem_of(job, windows, module, caller(job, module), job.plan(windows, 40))
    optimizer = build_optimizer(module, job.section, 1e-3)
    seconds, tokens = [], 0
    for record in fit(problem, optimizer, lambda step: 0.1, TrainState(), max_grad_norm=1.0):
        if record.step == 1:
            print(f"{size} {objective}: first step {time.perf_counter() - started:.1f} s", flush=True)
        seconds.append(record.seconds)
        tokens = record.num_tokens
        if device.type == "cpu" and record.step == 4:
            break
    step = statistics.median(seconds[len(seconds) // 2 :])
    flops = flops_per_token(job) * tokens
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    print(
        f"{size} {objective}: {tokens / step / 1e6:.2f} M tokens/s, {step * 1e3:.1f} ms a step of {tokens} tokens, "
        f"{flops / step / 1e12:.0f} TFLOP/s = {flops / step / peak:.2f} of the peak, {memory:.1f} GiB",
        flush=True,
    )


# -- train ------------------------------------------------------------------------------------------------------------


def pretraining(
    arguments: argparse.Namespace,
    size: str,
    objective: str,
    budget: dict[str, float],
    rate: float | None,
    work: Path,
    device: torch.device,
) -> Pretraining:
    tokenizer = Tokenizer.load(arguments.corpus)
    section = PretrainSection.model_validate(
        {
            "objective": {"kind": objective},
            "budget": budget,
            "max_length": arguments.length,
            "tokens_per_step": arguments.tokens_per_step,
            "max_tokens_per_batch": arguments.tokens_per_step,
            "learning_rate": rate,
            "save_steps": 2000,
            "num_evals": 12,
        }
    )
    base = OpenedBase(scratch_config(size, tokenizer, architecture_of(section.objective)), tokenizer, None)
    return Pretraining(section, base, arguments.corpus, work, SEED, device)


def run(arguments: argparse.Namespace) -> None:
    started = time.perf_counter()
    device = torch.device(arguments.device)
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    job = pretraining(
        arguments,
        arguments.size,
        arguments.objective,
        {"steps": arguments.steps} if arguments.steps else {"minutes": arguments.minutes},
        arguments.learning_rate,
        arguments.work,
        device,
    )
    log = JsonLines(arguments.work / "metrics.jsonl")
    module, facts = pretrain(job, fan_out([log.emit, show]))
    log.close()
    facts["hardware"] = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    facts |= utilisation(job, facts)
    facts["seconds_with_compilation"] = time.perf_counter() - started
    facts["curve"] = curve(arguments.work / "metrics.jsonl")
    save_model(module.half(), job.base.tokenizer, arguments.out, max_length=arguments.length)
    (arguments.out / "pretraining.json").write_text(json.dumps(facts, indent=1))
    print(json.dumps({name: value for name, value in facts.items() if name != "curve"}), flush=True)


def show(event: Event) -> None:
    if isinstance(event, TrainStep):
        if event.step % 100 == 0 or event.step == event.num_steps:
            speed = event.num_tokens / event.seconds / 1e6
            print(
                f"{event.step}/{event.num_steps} loss {event.loss:.3f} norm {event.gradient_norm:.2f} {speed:.2f} M/s",
                flush=True,
            )
    elif isinstance(event, Scored):
        print({name: round(value, 4) for name, value in event.scores.items()}, flush=True)
    elif isinstance(event, Note):
        print(event.en, flush=True)
    else:
        print(event, flush=True)


def curve(path: Path) -> list[dict[str, Any]]:
    """Tokens seen, mean train loss since the last point, scores: a point an evaluation."""
    points, losses, tokens = [], [], 0
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "TrainStep":
            tokens += event["num_tokens"]
            if event["loss"] is not None:
                losses.append(event["loss"])
        elif event["event"] == "Scored":
            points.append(
                {"step": event["step"], "tokens": tokens, "train_loss": statistics.fmean(losses), **event["scores"]}
            )
            losses = []
    return points


if __name__ == "__main__":
    main()
