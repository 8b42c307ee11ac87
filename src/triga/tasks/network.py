"""What the networks of the tasks have in common: a base with a new head, and rows padded to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from triga.core.arrays import Encoding
from triga.core.errors import ModelError
from triga.models.extend import extend_embeddings
from triga.models.layers import depths
from triga.models.open import OpenedBase
from triga.models.quiet import quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

__all__ = ["build_network", "logits_of", "pad", "run_network"]


def build_network(
    base: OpenedBase, auto_class: Any, names: Sequence[str], *, seed: int, dropout: float | None, **options: Any
) -> PreTrainedModel:
    """The network of ``auto_class`` over a base: its weights, and a random head with an output for each of ``names``,
    or where there are none the base's own.

    ``options`` are set in its configuration.
    """
    config = base.config
    if names:
        config.num_labels = len(names)
        config.id2label = dict(enumerate(names))
        config.label2id = {name: i for i, name in enumerate(names)}
    for name, value in options.items():
        setattr(config, name, value)
    if config.pad_token_id is None:  # a decoder finds a row's last token by it
        config.pad_token_id = base.tokenizer.pad_id
    if dropout is not None:
        _set_dropout(config, dropout)
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(seed)
        if base.folder is None:
            config.vocab_size = max(config.vocab_size, base.tokenizer.vocab_size)
            fresh: PreTrainedModel = auto_class.from_config(config)
            return fresh
        module, loading = auto_class.from_pretrained(
            base.folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    _require_trained_body(module, loading, base.folder)
    if base.known is not None:
        extend_embeddings(module, base.known, base.tokenizer)
    return module


def run_network(module: Any, batch: Mapping[str, Tensor], dtype: torch.dtype) -> Tensor:
    """The logits in float32, by transformers' own forward pass."""
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    device_type = batch["input_ids"].device.type
    with torch.autocast(device_type, dtype, enabled=dtype != torch.float32):
        outputs: Any = module(**inputs)
    return logits_of(outputs).float()


def logits_of(outputs: Any) -> Tensor:
    """``logits`` of what a network of transformers gives; of a reader (B, T, 2), its start and end side by side."""
    if "start_logits" in outputs:
        return torch.stack((outputs.start_logits, outputs.end_logits), dim=-1)
    logits: Tensor = outputs.logits
    return logits


def pad(encodings: Sequence[Encoding], targets: Any | None, pad_id: int) -> dict[str, Tensor]:
    """``input_ids`` and ``attention_mask`` (B, T), T the longest row; ``token_type_ids`` where the rows have them;
    ``labels`` where there are targets."""
    length = max(len(encoding) for encoding in encodings)
    input_ids = np.full((len(encodings), length), pad_id, dtype=np.int64)
    mask = np.zeros((len(encodings), length), dtype=np.int64)
    types = None if encodings[0].token_type_ids is None else np.zeros_like(input_ids)
    for i, encoding in enumerate(encodings):
        input_ids[i, : len(encoding)] = encoding.input_ids
        mask[i, : len(encoding)] = 1
        if types is not None and encoding.token_type_ids is not None:
            types[i, : len(encoding)] = encoding.token_type_ids
    batch = {"input_ids": torch.from_numpy(input_ids), "attention_mask": torch.from_numpy(mask)}
    if types is not None:
        batch["token_type_ids"] = torch.from_numpy(types)
    if targets is not None:
        batch["labels"] = torch.from_numpy(np.ascontiguousarray(targets))
    return batch


def _require_trained_body(module: PreTrainedModel, loading: Mapping[str, Any], folder: Path) -> None:
    """A new head is random on purpose; a random layer or embedding below it would be a silent loss of the base."""
    depth = depths(name for name, _ in module.named_parameters())
    drawn = {*loading["missing_keys"], *(key[0] for key in loading["mismatched_keys"])}
    lost = sorted(name for name in drawn if depth.get(name, 0) < max(depth.values()))
    if lost:
        raise ModelError(
            "model-weights-missing",
            "{count} weights of the network are not in the folder, or have another shape (for example {name})",
            where=folder,
            fix="config.json and the weights are of different models: copy the whole folder again",
            count=len(lost),
            name=lost[0],
        )


def _set_dropout(config: PreTrainedConfig, rate: float) -> None:
    """Every family has its own names: ``hidden_dropout_prob``, ``seq_classif_dropout``, ``resid_pdrop`` …"""
    for field, value in config.to_dict().items():
        if ("dropout" in field or field.endswith("pdrop")) and (value is None or isinstance(value, int | float)):
            setattr(config, field, rate)
