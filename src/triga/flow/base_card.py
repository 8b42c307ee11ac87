"""The card (README.md) of a pretrained base: what it learned from, under which licences, how long, how well."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from triga import __version__
from triga.core.artifact import load_json

__all__ = ["base_card"]

WHAT = {
    "mlm": "masked language modelling",
    "rtd": "replaced-token detection",
    "clm": "causal language modelling",
    "permutation": "permutation language modelling",
    "denoising": "span corruption",
    "sop": "sentence-order prediction",
    "nsp": "next-sentence prediction",
    "contrastive": "contrastive sentence embeddings",
}
NETWORKS = {"clm": "decoder", "denoising": "encoder-decoder"}
TEMPLATE = """---
library_name: transformers
pipeline_tag: {tag}
tags: [triga]
---

# {name}

A language model ({what}) pretrained by triga {version}.

- **Size:** {parameters:.1f} M parameters while training
- **Text:** {tokens_per_epoch:,} tokens, seen {num_epochs:.2f} times: {num_steps:,} steps of {tokens_per_step:,} tokens
- **Time:** {minutes:.1f} minutes on {hardware}, {precision}, peak learning rate {learning_rate}
- **Speed:** {speed:,} tokens a second, {share:.0%} of the machine's best matrix product
- **On held-out text:** {scores}

| source | licence | documents | tokens |
| --- | --- | --- | --- |
{sources}

```python
from transformers import {opener}, AutoTokenizer

model = {opener}.from_pretrained("this/folder")
tokenizer = AutoTokenizer.from_pretrained("this/folder")
```
"""


def base_card(name: str, facts: Mapping[str, Any], corpus: Path) -> str:
    """Markdown with the metadata block that model hubs read."""
    objective = facts["objective"]
    kinds = [part["kind"] for part in objective.get("parts", [objective])]
    opener, tag = _opened(kinds)
    return TEMPLATE.format(
        name=name,
        tag=tag,
        what=f"{NETWORKS.get(kinds[0], 'encoder')}, {' and '.join(WHAT[kind] for kind in kinds)}",
        opener=opener,
        version=__version__,
        parameters=facts["num_parameters"] / 1e6,
        tokens_per_epoch=facts["tokens_per_epoch"],
        num_epochs=facts["num_epochs"],
        num_steps=facts["num_steps"],
        tokens_per_step=facts["tokens_per_step"],
        minutes=facts["seconds"] / 60,
        hardware=facts["hardware"],
        speed=facts["tokens_per_second"],
        share=facts["utilisation"],
        precision=facts["precision"],
        learning_rate=facts["learning_rate"],
        scores=", ".join(f"{key} {value:.3f}" for key, value in facts["scores"].items()),
        sources="\n".join(_source(source) for source in load_json(corpus / "corpus.json")["sources"]),
    )


def _opened(kinds: Collection[str]) -> tuple[str, str]:
    """The class that opens what was kept, and what a hub calls its use."""
    if "clm" in kinds:
        return "AutoModelForCausalLM", "text-generation"
    if "denoising" in kinds:
        return "AutoModelForSeq2SeqLM", "text2text-generation"
    if "mlm" in kinds or "permutation" in kinds:
        return "AutoModelForMaskedLM", "fill-mask"
    return "AutoModel", "sentence-similarity" if "contrastive" in kinds else "feature-extraction"


def _source(source: Mapping[str, Any]) -> str:
    documents, tokens = (sum(source[key].values()) for key in ("documents", "tokens"))
    return f"| {source['name']} | {source['licence']} | {documents:,} | {tokens:,} |"
