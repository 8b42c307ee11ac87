"""What bases are worth: fine-tuned on each set beside random weights of their size and TF-IDF, on a CPU or a GPU.

    python benchmarks/bench_bases.py --data FOLDER --kept FILE [--rows 4000] [--seeds 3] [--write FILE] --bases BASE …

A BASE is `triga-nano`, a folder, `scratch-nano` (random weights, a tokenizer of the train rows) or `tfidf` (with
logistic regression). FOLDER holds a folder for each set with train.jsonl.gz and test.jsonl.gz. Test accuracy after the
default epochs at the default rate, with the last weights: nothing is chosen on test, nor on dev. `conll2003` is a
probe: the base is left as it is, and a linear layer over its last states (of tfidf: over the word and its neighbours)
learns the tags; F1 over the words that are tagged as names or should be. What was measured is kept in FILE and not
measured again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from picture import Panel, draw
from sitting import sitting

from triga.evaluate.text_classification.tfidf import fit_features, fit_linear
from triga.models import fast
from triga.models.open import OpenedBase, open_base
from triga.models.recipe import FolderBase, ScratchBase, ShippedBase, shipped_folder
from triga.models.size import SHIPPED_RATES, default_learning_rate
from triga.objectives.networks import Network
from triga.tasks.text_classification.model import TextClassificationModel
from triga.tasks.text_classification.recipe import TextClassificationSection
from triga.tasks.text_classification.spec import TextClassification
from triga.train.checkpoint import TrainState
from triga.train.loop import Problem, fit
from triga.train.optimizer import build_optimizer, learning_rate_factor
from triga.train.plan import Plan, enough_epochs
from triga.train.recipe import TuneSection

SETS = ("sst2", "chnsenticorp", "ag_news", "thucnews_title", "banking77", "conll2003")
PUBLISHED = {
    "sst2": "BERT-Tiny 83.2, Mini 85.9, Small 89.7 (google-research/bert, GLUE test); "
    "ELECTRA-small-OWT 88.3, ELECTRA-Small++ 91.2 (GLUE dev)",
    "chnsenticorp": "RBT3 (38 M) 92.8, BERT 95.0 (ymcui/Chinese-BERT-wwm)",
    "ag_news": "BERT 94.2 (Jin et al., 2020)",
    "banking77": "BERT 93.7 (Casanueva et al., 2020)",
}
"""All of them tuned on all train rows of their sets."""
SEED = 17
MAX_LENGTH = 128
TAGGED_SENTENCES = 3000
PROBE_EPOCHS = 30

Rows = dict[str, list[dict[str, Any]]]


def main() -> None:
    arguments = _arguments()
    torch.set_float32_matmul_precision("high")
    kept = _read_kept(arguments.kept)
    for name in arguments.sets:
        rows: Rows = {}
        for base in arguments.bases:
            seeds = 1 if base == "tfidf" else arguments.seeds
            for seed in range(seeds):
                if any((one["set"], one["base"], one["seed"]) == (name, base, seed) for one in kept):
                    continue
                rows = rows or _rows(arguments, name)
                started = time.perf_counter()
                score = (_probe if name == "conll2003" else _tune)(arguments, base, rows, seed)
                one = {"set": name, "base": base, "seed": seed, "score": score}
                one["seconds"] = round(time.perf_counter() - started)
                kept.append(one)
                print(json.dumps(one), flush=True)
                with open(arguments.kept, "a", encoding="utf-8") as file:
                    file.write(json.dumps(one) + "\n")
    if arguments.write:
        arguments.write.write_text("\n".join(_table(arguments, kept)), encoding="utf-8")
    if arguments.picture:
        draw(_panels(arguments, kept), arguments.picture)


def _rows(arguments: argparse.Namespace, name: str) -> Rows:
    most = TAGGED_SENTENCES if name == "conll2003" else arguments.rows
    files = {"train": "train", "test": arguments.score_on}
    rows = {split: _read(arguments.data / name / f"{file}.jsonl.gz") for split, file in files.items()}
    order = np.random.default_rng(SEED).permutation(len(rows["train"]))
    rows["train"] = [rows["train"][i] for i in order[:most]]
    return rows


def _read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _read_kept(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _open(base: str, texts: Sequence[str]) -> OpenedBase:
    if base.startswith("scratch-"):
        return open_base(ScratchBase.model_validate({"size": base.removeprefix("scratch-")}), lambda: texts)
    if Path(base).is_dir():
        return open_base(FolderBase(path=Path(base)), lambda: [])
    return open_base(ShippedBase.model_validate({"name": base}), lambda: [])


# -- texts ------------------------------------------------------------------------------------------------------------


def _tune(arguments: argparse.Namespace, base: str, rows: Rows, seed: int) -> float:
    """Accuracy on test."""
    labels = sorted({row["label"] for part in rows.values() for row in part})
    targets = {split: np.array([labels.index(row["label"]) for row in part]) for split, part in rows.items()}
    texts = {split: [(row["text"], None) for row in part] for split, part in rows.items()}
    if base == "tfidf":
        features = fit_features(texts["train"])
        model = fit_linear(features.of(texts["train"]), targets["train"], len(labels), c=1.0, seed=SEED)
        return float((model.probabilities(features.of(texts["test"])).argmax(axis=1) == targets["test"]).mean())
    opened = _open(base, [row["text"] for row in rows["train"]])
    task = TextClassificationModel(
        TextClassification(TextClassificationSection(kind="text-classification"), tuple(labels))
    )
    encoded = {split: opened.tokenizer.encode(part, MAX_LENGTH) for split, part in texts.items()}
    scratch, shipped = opened.folder is None, base if base in SHIPPED_RATES else None
    rate = arguments.learning_rate or default_learning_rate(opened.config.hidden_size, scratch=scratch, base=shipped)
    module = _fitted(arguments, opened, task, encoded["train"], targets["train"], seed, rate)
    right = 0
    with torch.inference_mode():
        for chosen in _by_length([len(encoding) for encoding in encoded["test"]]):
            batch = task.collate([encoded["test"][i] for i in chosen], None, opened.tokenizer.pad_id)
            moved = {name: value.to(arguments.device) for name, value in batch.items()}
            guessed = task.logits(module, moved, arguments.dtype).argmax(dim=-1).cpu().numpy()
            right += int((guessed == targets["test"][chosen]).sum())
    return right / len(targets["test"])


def _fitted(
    arguments: argparse.Namespace,
    base: OpenedBase,
    task: Any,
    encoded: Sequence[Any],
    targets: Any,
    seed: int,
    rate: float,
) -> Any:
    module = task.build(base, seed=seed, dropout=arguments.dropout).to(arguments.device)
    section = TuneSection(max_tokens_per_batch=arguments.batch_tokens)
    lengths = np.array([len(encoding) for encoding in encoded])
    plan = Plan(lengths, section.max_tokens_per_batch, 1, arguments.epochs or 1.0, 1, seed)
    if arguments.epochs is None:
        plan = replace(plan, num_epochs=enough_epochs(plan))

    def collate(indices: Any) -> Any:
        return task.collate([encoded[i] for i in indices], targets[indices], base.tokenizer.pad_id)

    problem = Problem(module, collate, task.loss, plan, arguments.device, arguments.dtype)
    optimizer = build_optimizer(module, section, rate)

    def factor(step: int) -> float:
        return learning_rate_factor(step, plan.num_steps, section)

    for _ in fit(problem, optimizer, factor, TrainState(), max_grad_norm=section.max_grad_norm):
        pass
    return module.eval()


def _by_length(lengths: Sequence[int]) -> Iterator[Any]:
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), 128):
        yield order[start : start + 128]


# -- words ------------------------------------------------------------------------------------------------------------


def _probe(arguments: argparse.Namespace, base: str, rows: Rows, seed: int) -> float:
    """F1 over words that are tagged as names, or should be, each tag a class."""
    tags = sorted({tag for row in rows["train"] for tag in row["tags"]})
    targets = {split: [tags.index(tag) for row in part for tag in row["tags"]] for split, part in rows.items()}
    if base == "tfidf":
        guessed = _guess_by_words(rows, targets["train"])
    else:
        opened = _open(base, [" ".join(row["tokens"]) for row in rows["train"]])
        module = Network(opened.config, opened.folder).bare(seed=seed).to(arguments.device).eval()
        states = {split: _word_states(arguments, opened, module, part) for split, part in rows.items()}
        guessed = _guess_by_states(states, targets["train"], len(tags), seed)
    truth, nothing = np.array(targets["test"]), tags.index("O")
    right = int(((guessed == truth) & (truth != nothing)).sum())
    return 2 * right / (int((guessed != nothing).sum()) + int((truth != nothing).sum()))


def _word_states(
    arguments: argparse.Namespace, base: OpenedBase, module: Any, rows: Sequence[dict[str, Any]]
) -> torch.Tensor:
    """(N, D) of each word's first token; a word beyond the length has zeros."""
    encodings = base.tokenizer.raw.encode_batch([row["tokens"] for row in rows], is_pretokenized=True)
    found: list[torch.Tensor] = [torch.empty(0)] * len(rows)
    with torch.inference_mode():
        for chosen in _by_length([len(encoding) for encoding in encodings]):
            length = min(512, max(len(encodings[i]) for i in chosen))
            ids = torch.full((len(chosen), length), base.tokenizer.pad_id)
            mask = torch.zeros_like(ids, dtype=torch.bool)
            for place, i in enumerate(chosen):
                row = torch.tensor(encodings[i].ids[:length])
                ids[place, : len(row)], mask[place, : len(row)] = row, True
            states = fast.encode(module, ids.to(arguments.device), mask.to(arguments.device), arguments.dtype).cpu()
            for place, i in enumerate(chosen):
                found[i] = _first_of_words(states[place], encodings[i].word_ids[:length], len(rows[i]["tokens"]))
    return torch.cat(found)


def _first_of_words(states: torch.Tensor, word_ids: Sequence[int | None], num_words: int) -> torch.Tensor:
    words = torch.zeros(num_words, states.shape[1])
    for place in reversed(range(len(word_ids))):
        if word_ids[place] is not None:
            words[word_ids[place]] = states[place]
    return words


def _guess_by_states(states: dict[str, torch.Tensor], targets: Sequence[int], num_tags: int, seed: int) -> Any:
    torch.manual_seed(seed)
    mean, spread = states["train"].mean(dim=0), states["train"].std(dim=0) + 1e-6
    inputs, truth = (states["train"] - mean) / spread, torch.tensor(targets)
    layer = torch.nn.Linear(inputs.shape[1], num_tags)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=3e-3, weight_decay=0.01)
    for _ in range(PROBE_EPOCHS):
        for chosen in torch.randperm(len(inputs)).split(1024):
            torch.nn.functional.cross_entropy(layer(inputs[chosen]), truth[chosen]).backward()
            optimizer.step()
            optimizer.zero_grad()
    with torch.inference_mode():
        return layer((states["test"] - mean) / spread).argmax(dim=-1).numpy()


def _guess_by_words(rows: Rows, targets: Sequence[int]) -> Any:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    seen = {
        split: [
            {"word": words[i].lower(), "before": words[i - 1].lower() if i else "", "after": after.lower()}
            for words in (row["tokens"] for row in part)
            for i, after in enumerate([*words[1:], ""])
        ]
        for split, part in rows.items()
    }
    vectors = DictVectorizer()
    model = LogisticRegression(C=10, max_iter=500).fit(vectors.fit_transform(seen["train"]), targets)
    return model.predict(vectors.transform(seen["test"]))


# -- table ------------------------------------------------------------------------------------------------------------


def _table(arguments: argparse.Namespace, kept: Sequence[dict[str, Any]]) -> list[str]:
    sets = [name for name in arguments.sets if any(one["set"] == name for one in kept)]
    epochs = "the default" if arguments.epochs is None else f"{arguments.epochs:g}"
    lines = [
        f"`python benchmarks/bench_bases.py`, {sitting('torch', 'transformers')}; {epochs} epochs over at "
        f"most {arguments.rows:,} train rows, whole test sets; mean and range over seeds 0 to {arguments.seeds - 1}.",
        "",
        "| base | " + " | ".join(sets) + " |",
        "| --- |" + " --- |" * len(sets),
    ]
    for base in arguments.bases:
        cells = []
        for name in sets:
            scores = [one["score"] for one in kept if (one["set"], one["base"]) == (name, base)]
            cells.append(_cell(scores))
        lines.append(f"| {Path(base).name} | " + " | ".join(cells) + " |")
    cells = [PUBLISHED.get(name, "") for name in sets]
    return [*lines, "| published, on all train rows | " + " | ".join(cells) + " |", ""]


def _panels(arguments: argparse.Namespace, kept: Sequence[dict[str, Any]]) -> list[Panel]:
    """Points ahead of TF-IDF over the millions of tokens that each base was pretrained on; random weights saw none."""
    seen = {base: tokens for base in arguments.bases if (tokens := _tokens_seen(base)) is not None}
    panels = []
    for title, names in (
        ("Texts: points ahead of TF-IDF", [name for name in arguments.sets if name != "conll2003"]),
        ("Tags of words (probe)", [name for name in arguments.sets if name == "conll2003"]),
    ):
        series = {name: _gains(kept, name, seen) for name in names}
        panels.append(Panel(title, "million tokens", series, goal=0.0, log_x=True, goal_name="TF-IDF:"))
    return panels


def _gains(kept: Sequence[dict[str, Any]], name: str, seen: Mapping[str, float]) -> list[tuple[float, float]]:
    def mean(base: str) -> float:
        return statistics.fmean(one["score"] for one in kept if (one["set"], one["base"]) == (name, base))

    return sorted((tokens, 100 * (mean(base) - mean("tfidf"))) for base, tokens in seen.items())


def _tokens_seen(base: str) -> float | None:
    """Millions; None for what is not pretrained."""
    folder = Path(base) if Path(base).is_dir() else shipped_folder(base)
    file = folder / "pretraining.json"
    if not file.exists():
        return None
    facts = json.loads(file.read_text(encoding="utf-8"))
    return round(facts["tokens_per_epoch"] * facts["num_epochs"] / 1e6)


def _cell(scores: Sequence[float]) -> str:
    if not scores:
        return ""
    mean = f"{statistics.fmean(scores):.3f}"
    return mean if len(scores) == 1 else f"{mean} ({min(scores):.3f}-{max(scores):.3f})"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bases", nargs="+", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rows", type=int, default=4000, help="most train rows")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, help="instead of the default that follows from the rows")
    parser.add_argument("--dropout", type=float, help="instead of the base's own rates")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--learning-rate", type=float, help="instead of the default of the base's width")
    parser.add_argument("--score-on", choices=["test", "dev"], default="test")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    parser.add_argument("--picture", type=Path, help="an SVG file for what the tokens of pretraining gain")
    arguments = parser.parse_args()
    arguments.device = torch.device(arguments.device)
    arguments.dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[arguments.precision]
    return arguments


if __name__ == "__main__":
    main()
