"""The model card (README.md of a model folder): what it is, what it learned from, how good it is, how to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from triga.models.recipe import PLAIN_TYPES
from triga.predict.settings import ModelSettings
from triga.text.prepare import PrepareSection

__all__ = ["model_card"]

TEMPLATE = """---
library_name: transformers
pipeline_tag: {pipeline_tag}
tags: [triga]
---

# {name}

{summary}, trained by triga {version}.

- **Labels:** {labels}
- **Input:** {inputs}, at most {max_length} tokens (longer ones are {long_texts})
- **Preparation:** {preparation}
- **Output:** {outputs}
- **Training:** {training}
- **Made from:** recipe `{recipe}`, data `{data}`, seed {seed}

Its scores, intervals, baseline and mistakes are in the run's `dossier.html`.

```python
from transformers import {auto_class}, AutoTokenizer
{register}
model = {auto_class}.from_pretrained("this/folder")
tokenizer = AutoTokenizer.from_pretrained("this/folder")
```
{calibration}"""
CALIBRATION = """
Probabilities are calibrated: a temperature of {temperature:.3f}, fitted on held-out rows, is part of the last layer.
"""
REGISTER = """from triga.models.plain import register

register()  # transformers does not know this network by itself
"""
MAX_LABELS_SHOWN = 40


def model_card(settings: ModelSettings, training: Mapping[str, Any], model_type: str) -> str:
    """Markdown with the metadata block that model hubs read. ``model_type`` as in ``config.json``."""
    lineage, labels = settings.lineage, settings.spec["labels"]
    more = "" if len(labels) <= MAX_LABELS_SHOWN else f" … and {len(labels) - MAX_LABELS_SHOWN} more"
    task = settings.task
    words = task.card()
    return TEMPLATE.format(
        name=settings.name,
        version=lineage["versions"]["triga"],
        labels=(", ".join(f"`{label}`" for label in labels[:MAX_LABELS_SHOWN]) + more) or "none",
        inputs="pairs of texts" if settings.takes_pairs else "single texts",
        max_length=settings.max_length,
        preparation=_preparation(settings.spec["task"]["prepare"]),
        **{**asdict(words), "pipeline_tag": words.pipeline_tag or task.kind},
        training=_training(training),
        recipe=lineage["recipe"][:12],
        data=lineage["data"]["artifact"][:12],
        seed=lineage["seed"],
        register=REGISTER if model_type in PLAIN_TYPES else "",
        calibration="" if training["temperature"] is None else CALIBRATION.format(temperature=training["temperature"]),
    )


def _preparation(how: Mapping[str, Any]) -> str:
    """What whoever runs the model without triga must do to a text first."""
    off = PrepareSection().model_dump(mode="json")
    steps = [f"{name} {_plain(value)}" for name, value in how.items() if value != off[name]]
    if not steps:
        return "none, texts are read as they are"
    return f"triga prepares each text ({'; '.join(steps)}); without triga, do the same first"


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value).lower()


def _training(training: Mapping[str, Any]) -> str:
    if not training.get("num_steps"):
        return "none (the base as it was)"
    best = f", best at step {training['best_step']}" if training.get("best_step") else ""
    return (
        f"{training['num_parameters']:,} parameters, {training['num_steps']} steps{best}, "
        f"{training['num_tokens']:,} tokens in {training['minutes']:.1f} minutes ({training['precision']})"
    )
