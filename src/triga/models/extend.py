"""Give a model rows for the pieces that its tokenizer gained, so that it can be trained on instead of from scratch.

A new row starts as the mean of the rows of the pieces that stood there before (Hewitt, "Initializing New Word
Embeddings for Pretrained Language Models", 2021; Gee et al., "Fast Vocabulary Transfer", 2022): to the first layer the
word looks much as it did, in one token instead of several. Texts without new words give the same hidden states and the
same logits of the old pieces; a vocabulary head has logits for the new ones too, which take a share of the probability.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from triga.core.artifact import load_json
from triga.core.errors import ModelError
from triga.models.open import CONFIG_FILE, check_folder
from triga.models.quiet import quiet_transformers
from triga.text.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["extend_embeddings", "open_network"]

MULTIPLE = 64
"""Where the rows are a multiple of this, they stay one: it keeps matrix kernels on their fast path."""


def open_network(folder: Path) -> PreTrainedModel:
    """The network of a model folder with the head that ``config.json`` names. Raises ``ModelError``."""
    import transformers

    check_folder(folder)
    named = load_json(folder / CONFIG_FILE).get("architectures") or ["AutoModel"]
    network: Any = getattr(transformers, str(named[0]), None)
    if network is None:
        raise ModelError(
            "model-architecture-unknown",
            "config.json names an architecture that transformers does not have: {name}",
            where=folder / CONFIG_FILE,
            fix="upgrade transformers, or convert the model to one of its architectures",
            name=named[0],
        )
    with quiet_transformers():
        opened: PreTrainedModel = network.from_pretrained(folder, local_files_only=True)
    return opened.eval()


def extend_embeddings(model: PreTrainedModel, old_tokenizer: Tokenizer, new_tokenizer: Tokenizer) -> int:
    """Add and fill rows of the input and output embeddings, in place; returns the number of new pieces.

    Rows that were there and belonged to no piece (padding of the matrix) are used first. Raises ``ModelError`` where
    the new tokenizer does not keep the old one's ids.
    """
    old, new = (tokenizer.raw.get_vocab(with_added_tokens=True) for tokenizer in (old_tokenizer, new_tokenizer))
    if any(new.get(piece) != i for piece, i in old.items()):
        raise ModelError(
            "tokenizer-not-extended",
            "the new tokenizer is not an extension of the model's: their ids differ",
            fix="extend the tokenizer that is in the model's folder",
        )
    parts = {i: _old_ids(old_tokenizer, new_tokenizer, i) for piece, i in new.items() if piece not in old}
    _resize(model, max(new.values(), default=-1) + 1)
    with torch.no_grad():
        for matrix in _matrices(model):
            for i, ids in sorted(parts.items()):
                matrix[i] = matrix[ids].mean(dim=0)
    return len(parts)


def _old_ids(old: Tokenizer, new: Tokenizer, token_id: int) -> list[int]:
    """The pieces that the old tokenizer has for a new one."""
    text = new.raw.decode([token_id], skip_special_tokens=False)
    return list(old.raw.encode(text, add_special_tokens=False).ids)


def _resize(model: PreTrainedModel, num_pieces: int) -> None:
    embedding: Any = model.get_input_embeddings()
    num_rows = embedding.num_embeddings
    if num_pieces > num_rows:
        multiple = MULTIPLE if num_rows % MULTIPLE == 0 else 1
        with torch.random.fork_rng(), quiet_transformers():  # it draws rows at random, which are then replaced
            model.resize_token_embeddings(-(-num_pieces // multiple) * multiple, mean_resizing=False)


def _matrices(model: PreTrainedModel) -> list[Tensor]:
    """What has one row (or one number) a piece: input embeddings, and output weights and bias that are not the same."""
    head = model.get_output_embeddings()
    found = [model.get_input_embeddings().weight]
    if isinstance(head, nn.Linear):
        found += [part for part in (head.weight, head.bias) if part is not None]
    return list({part.data_ptr(): part for part in found}.values())
