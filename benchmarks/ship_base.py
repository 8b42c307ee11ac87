"""A base that ``triga pretrain`` made, as it comes with triga: half precision, the curve of its losses, its card.

    python benchmarks/ship_base.py workspace/runs/bases-gen/base src/triga/bases/triga-gen-nano

The card is the base's own, under the new name, with what it is for and where it ends.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from pathlib import Path
from typing import Any

import transformers

from triga.core.artifact import Artifact, dump_json, load_json, writing
from triga.models.open import open_tokenizer
from triga.models.quiet import quiet_transformers
from triga.models.save import save_model

USE = {
    "mlm": "`base: {name}` in a recipe. {length} tokens were seen at most, {positions} positions are possible.",
    "clm": "`base: {name}` in a recipe whose objective is `clm`, to go on in your own text; `generate` of transformers "
    "writes with it. {length} tokens were seen at most, {positions} positions are possible.",
}
LIMITS = """Small, and pretrained for minutes: it knows little of the world, nothing after its texts' dates, and repeats
their bias. What it was measured on stands in triga's `benchmarks/results/`. No text of the test sets that are named
there was learned from (documents that hold one were left out). E-mail addresses, phone numbers and other personal data
were redacted before.

Weights: Apache-2.0, like triga; the texts keep the licences above."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--length", type=int, default=512, help="of the windows that it learned from")
    arguments = parser.parse_args()
    ship(arguments.base, arguments.out, arguments.length)


def ship(base: Path, out: Path, length: int) -> None:
    Artifact.open(base).verify()
    facts = load_json(base / "pretraining.json")
    facts["curve"] = curve(base / "metrics.jsonl")
    config = load_json(base / "config.json")
    opener: Any = getattr(transformers, config["architectures"][0])
    with quiet_transformers():
        module = opener.from_pretrained(base, local_files_only=True).half()
    positions = config["max_position_embeddings"]
    with writing(out, kind="base") as folder:
        save_model(module, open_tokenizer(base), folder, max_length=positions)
        (folder / "pretraining.json").write_bytes(dump_json(facts))
        use = USE[facts["objective"]["kind"]].format(name=out.name, length=f"{length:,}", positions=f"{positions:,}")
        card = re.sub(r"^# .*$", f"# {out.name}", (base / "README.md").read_text(encoding="utf-8"), count=1, flags=re.M)
        text = f"{card.rstrip()}\n\n## Use\n\n{use}\n\n## Limits\n\n{LIMITS}\n"
        (folder / "README.md").write_text(text, encoding="utf-8")


def curve(metrics: Path) -> list[dict[str, Any]]:
    """A point an evaluation: tokens seen, mean loss on train since the last point, scores."""
    points: list[dict[str, Any]] = []
    losses: list[float] = []
    tokens: dict[int, int] = {}
    for event in map(json.loads, metrics.read_text(encoding="utf-8").splitlines()):
        if event["event"] == "TrainStep":  # one that was done again after a stop has the same number
            tokens[event["step"]] = event["num_tokens"]
            losses += [event["loss"]] if event["loss"] is not None else []
        elif event["event"] == "Scored" and losses:
            seen = sum(number for step, number in tokens.items() if step <= event["step"])
            points.append(
                {"step": event["step"], "tokens": seen, "train_loss": statistics.fmean(losses), **event["scores"]}
            )
            losses = []
    return points


if __name__ == "__main__":
    main()
