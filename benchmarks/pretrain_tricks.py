"""What each trick of pretraining buys for the same few tokens: nano, a CPU, loss on the same hidden words.

    python benchmarks/pretrain_tricks.py --corpus FOLDER --kept FILE [--tokens 2000000] [--tricks NAME …]

Every way sees as many tokens of the corpus, with windows of 256, 8,192 tokens a step, Muon at 0.0025, 30 % hidden,
where its name does not say otherwise; all are then judged by the loss of 30 % hidden words in held-out windows of 256.
What was measured is kept in FILE and not measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from triga.core.events import ignore
from triga.models.open import OpenedBase, open_base, scratch_config
from triga.models.recipe import FolderBase
from triga.models.save import save_model
from triga.text.tokenizers.tokenizer import Tokenizer
from triga.train.held_out import held_out_batches, held_out_scores
from triga.train.pretrain import pretrain
from triga.train.pretrain_recipe import PretrainSection
from triga.train.pretraining import Pretraining

SEED = 17
RULES: dict[str, Any] = {
    "objective": {"kind": "mlm"},
    "max_length": 256,
    "tokens_per_step": 8192,
    "learning_rate": 2.5e-3,
    "num_evals": 1,
    "save_steps": 100_000,
}
JUDGED_STEPS = 2000


def main() -> None:
    arguments = _arguments()
    kept = {}
    if arguments.kept.exists():
        kept = {one["trick"]: one for one in map(json.loads, arguments.kept.read_text().splitlines())}
    for name in arguments.tricks:
        if name in kept:
            continue
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(arguments.corpus, Path(folder), arguments.tokens)
            module = TRICKS[name](bench)
            seconds = time.perf_counter() - started
            one = {"trick": name, "tokens": arguments.tokens, "seconds": round(seconds), **bench.judge(module)}
        print(json.dumps(one), flush=True)
        with open(arguments.kept, "a", encoding="utf-8") as file:
            file.write(json.dumps(one) + "\n")


class Bench:
    def __init__(self, corpus: Path, folder: Path, tokens: int) -> None:
        self.corpus = corpus
        self.folder = folder
        self.tokens = tokens
        self.tokenizer = Tokenizer.load(corpus)
        self.runs = 0

    def scratch(self, num_layers: int = 4) -> OpenedBase:
        config = scratch_config("nano", self.tokenizer)
        kinds = config.layer_types[:num_layers]
        config = type(config)(**(config.to_dict() | {"num_hidden_layers": num_layers, "layer_types": kinds}))
        return OpenedBase(config, self.tokenizer, None)

    def job(self, base: OpenedBase, share: float = 1.0, **changes: Any) -> Pretraining:
        self.runs += 1
        work = self.folder / f"run-{self.runs}"
        work.mkdir()
        rules = {**RULES, "budget": {"tokens": round(share * self.tokens)}, **changes}
        device = torch.device("cpu")
        return Pretraining(PretrainSection.model_validate(rules), base, self.corpus, work, SEED, device)

    def learn(self, base: OpenedBase, share: float = 1.0, **changes: Any) -> Any:
        return pretrain(self.job(base, share, **changes), ignore)[0]

    def kept(self, module: Any) -> OpenedBase:
        """The module as a base to go on from."""
        self.runs += 1
        place = self.folder / f"base-{self.runs}"
        place.mkdir()
        save_model(module, self.tokenizer, place, max_length=512)
        return open_base(FolderBase(path=place), lambda: [])

    def judge(self, module: Any) -> Mapping[str, float]:
        job = self.job(self.kept(module))
        judged = job.objective.build(seed=SEED).eval()
        scores = held_out_scores(job, held_out_batches(job, JUDGED_STEPS), torch.float32, judged)
        return {name: round(value, 3) for name, value in scores.items()}


def _plain(bench: Bench, **changes: Any) -> Any:
    return bench.learn(bench.scratch(), **changes)


def _hidden(share: float) -> Callable[[Bench], Any]:
    return lambda bench: _plain(bench, objective={"kind": "mlm", "mlm_probability": share})


def _short_to_long(bench: Bench) -> Any:
    """Three quarters of the tokens in short windows, the rest in long ones (Devlin et al., 2019: nine tenths)."""
    short = bench.learn(bench.scratch(), 0.75, max_length=64, lr_scheduler_type="constant")
    return bench.learn(bench.kept(short), 0.25)


def _stacked(bench: Bench) -> Any:
    """Half of the tokens with two layers, then each twice (Gong et al., 2019, ICML)."""
    shallow = bench.learn(bench.scratch(num_layers=2), 0.5, lr_scheduler_type="constant")
    deep = bench.job(bench.scratch()).objective.build(seed=SEED)
    state, grown = shallow.state_dict(), deep.state_dict()
    for name in grown:
        head, mark, rest = name.partition("layers.")
        if mark:
            number, _, tail = rest.partition(".")
            source = f"{head}layers.{int(number) % 2}.{tail}"
            name_or_own = source if source in state else name  # the first layer has no norm before attention
            grown[name] = state.get(name_or_own, grown[name])
        else:
            grown[name] = state[name]
    deep.load_state_dict(grown)
    return bench.learn(bench.kept(deep), 0.5)


TRICKS: dict[str, Callable[[Bench], Any]] = {
    "plain": _plain,
    "15 % hidden": _hidden(0.15),
    "40 % hidden": _hidden(0.4),
    "pieces, not whole words": lambda bench: _plain(bench, objective={"kind": "mlm", "whole_words": False}),
    "4,096 tokens a step": lambda bench: _plain(bench, tokens_per_step=4096),
    "16,384 tokens a step": lambda bench: _plain(bench, tokens_per_step=16_384),
    "steps from 2,048 to 16,384": lambda bench: _plain(bench, tokens_per_step=16_384, batch_doublings=3),
    "AdamW": lambda bench: _plain(bench, optimizer={"kind": "adamw"}, learning_rate=1.5e-3),
    "windows of 64, then 256": _short_to_long,
    "two layers, then four": _stacked,
    "embeddings from co-occurrence": lambda bench: _plain(bench, embeddings="cooccurrence"),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=2_000_000)
    parser.add_argument("--tricks", nargs="+", choices=list(TRICKS), default=list(TRICKS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
