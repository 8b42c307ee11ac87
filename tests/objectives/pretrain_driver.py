"""Pretraining runs in processes of their own: several at once as one team, or to be killed.

    python pretrain_driver.py        reads a request a line (JSON) from stdin, answers each with a line

Each process is a fork of this one, which has imported torch and computed nothing yet.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from test_pretrain import OBJECTIVES, STYLES, sha256_of_weights
from tiny_corpus import tiny_base
from transformers import LlamaForCausalLM, ModernBertForMaskedLM  # noqa: F401 - imported once, for all forks

from triga.core.errors import TrigaError
from triga.core.events import Event, TrainStep
from triga.models.sharding import local
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.train.pretrain import pretrain
from triga.train.pretrain_recipe import PretrainSection
from triga.train.pretraining import Pretraining
from triga.train.ranks import Ranks

SECONDS = 120


@dataclass(frozen=True)
class Request:
    folder: str
    corpora: dict[str, str]
    kind: str
    size: int = 1
    section: dict[str, Any] = field(default_factory=dict)
    kill_after_steps: int | None = None
    """SIGKILL of ``victim`` from outside, once it says that it did so many steps and ``kill_delay_s`` later."""
    kill_delay_s: float = 0.0
    victim: int = 0
    number: int = signal.SIGKILL
    most_rows: int | None = None
    """A batch of more does not fit in the memory of ``victim``."""


def run(request: Request, rank: int, port: int) -> int:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(request.size)}
    folder, corpus = Path(request.folder), Path(request.corpora[STYLES.get(request.kind, "encoder")])
    section = {"objective": OBJECTIVES.get(request.kind, {"kind": request.kind}), **request.section}
    base = tiny_base(
        Tokenizer.load(corpus), causal=request.kind == "clm", seq2seq=request.kind == "denoising", num_hidden_layers=3
    )
    ranks = Ranks.of(os.environ)
    job = Pretraining(
        PretrainSection.model_validate(section), base, corpus, folder / "work", 7, torch.device("cpu"), ranks
    )
    modules, losses = [], []
    build = job.objective.build
    object.__setattr__(job.objective, "build", lambda seed: modules.append(build(seed=seed)) or modules[-1])
    if request.most_rows is not None and rank == request.victim:
        _make_small(job, request.most_rows)
    with open(folder / f"steps-{rank}.log", "a", encoding="utf-8") as steps:

        def emit(event: Event) -> None:
            if isinstance(event, TrainStep):
                losses.append(event.loss)
                steps.write(f"{event.step}\n")
                steps.flush()

        try:
            with ranks.watched():
                if ranks.leads:
                    job.work.mkdir(exist_ok=True)
                    ranks.call()
                else:
                    assert ranks.wait_for_call()
                network, facts = pretrain(job, emit)
                if ranks.leads:
                    ranks.dismiss()
                else:
                    assert not ranks.wait_for_call()
        except TrigaError as error:
            (folder / f"error-{rank}.txt").write_text(f"{error.code}\n{error}")
            return error.exit_code
    weights = list(modules[0].parameters())
    kept = sum(local(weight).numel() for weight in weights) / sum(weight.numel() for weight in weights)
    result = {"sha256": sha256_of_weights(network), "losses": losses, "scores": facts["scores"], "kept": kept}
    (folder / f"result-{rank}.json").write_text(json.dumps(result))
    return 0


def _make_small(job: Pretraining, most_rows: int) -> None:
    corrupt = job.objective.corrupt

    def within_memory(module: Any, batch: Any, dtype: torch.dtype) -> Any:
        if torch.is_grad_enabled() and len(batch["input_ids"]) > most_rows:
            raise MemoryError
        return corrupt(module, batch, dtype)

    object.__setattr__(job.objective, "corrupt", within_memory)


def _fork(request: Request) -> list[int]:
    """Exit codes by rank; as torchrun does, the others are ended when one fails."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = {_child(request, rank, port): rank for rank in range(request.size)}
    victim = next(child for child, rank in children.items() if rank == request.victim)
    log, codes, end, killed = Path(request.folder, f"steps-{request.victim}.log"), {}, time.monotonic() + SECONDS, False
    while len(codes) < len(children):
        done, status = os.waitpid(-1, os.WNOHANG)
        if done:
            codes[done] = os.waitstatus_to_exitcode(status)
        late = time.monotonic() > end
        if late:
            Path(request.folder, "failure-all.txt").write_text(f"after {SECONDS} s some of {request.size} still ran")
        if (codes.get(done) and not killed) or late:
            for child in children.keys() - codes.keys():
                os.kill(child, signal.SIGKILL)
        if not killed and victim not in codes and _is_due(request, log):
            time.sleep(request.kill_delay_s)
            os.kill(victim, request.number)
            killed = True
        time.sleep(0.001)
    return [codes[child] for child in children]


def _is_due(request: Request, log: Path) -> bool:
    if request.kill_after_steps is None:
        return False
    return request.kill_after_steps == 0 or (log.exists() and log.read_bytes().count(b"\n") >= request.kill_after_steps)


def _child(request: Request, rank: int, port: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        code = run(request, rank, port)
    except BaseException:  # noqa: BLE001 - whatever it was, the test shows it
        Path(request.folder, f"failure-{rank}.txt").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(_fork(Request(**json.loads(line)))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
