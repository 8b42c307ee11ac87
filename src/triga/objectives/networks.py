"""The networks of the objectives: transformers' own, random or from a folder."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from triga.models.quiet import quiet_transformers

__all__ = ["DROPOUTS", "Network"]

DROPOUTS = ("embedding_dropout", "attention_dropout", "mlp_dropout")


@dataclass(frozen=True)
class Network:
    """A configuration, and the folder with trained weights where there is one."""

    config: Any
    folder: Path | None = None

    def with_dropout(self, share: float) -> Network:
        """The same with dropout in embeddings, attention and feed-forward layers of a ModernBERT."""
        config = copy.deepcopy(self.config)
        for name in DROPOUTS:
            setattr(config, name, share)
        return replace(self, config=config)

    def masked(self, *, seed: int, num_layers: int | None = None) -> Any:
        """``AutoModelForMaskedLM``; with ``num_layers`` a shallower one, of random weights."""
        from transformers import AutoModelForMaskedLM

        return self._open(AutoModelForMaskedLM, seed, num_layers)

    def bare(self, *, seed: int) -> Any:
        from transformers import AutoModel

        return self._open(AutoModel, seed, None)

    def causal(self, *, seed: int) -> Any:
        from transformers import AutoModelForCausalLM

        return self._open(AutoModelForCausalLM, seed, None)

    def seq2seq(self, *, seed: int) -> Any:
        from transformers import AutoModelForSeq2SeqLM

        return self._open(AutoModelForSeq2SeqLM, seed, None)

    def _open(self, kind: Any, seed: int, num_layers: int | None) -> Any:
        config = copy.deepcopy(self.config)
        if num_layers is not None:
            config.num_hidden_layers = num_layers
            if getattr(config, "layer_types", None):
                config.layer_types = config.layer_types[:num_layers]
        with torch.random.fork_rng(), quiet_transformers():
            torch.manual_seed(seed)
            if self.folder is None or num_layers is not None:
                return kind.from_config(config)
            return kind.from_pretrained(
                self.folder, config=config, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
