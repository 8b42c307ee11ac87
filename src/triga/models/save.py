"""Write a model folder that transformers opens without triga, with a tokenizer that AutoTokenizer opens too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from triga.models.quiet import quiet_transformers
from triga.text.tokenizers.tokenizer import PAD_TOKENS, Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["save_model"]

SPECIAL_NAMES = {
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
    "bos_token": ("<|startoftext|>", "<s>"),
    "eos_token": ("<|endoftext|>", "</s>"),
    "pad_token": PAD_TOKENS,
}


def save_model(module: PreTrainedModel, tokenizer: Tokenizer, folder: Path, *, max_length: int) -> None:
    """``config.json, model.safetensors, tokenizer.json, tokenizer_config.json, special_tokens_map.json``."""
    from transformers import PreTrainedTokenizerFast

    with quiet_transformers():
        module.save_pretrained(folder)
    vocabulary = tokenizer.raw.get_vocab(with_added_tokens=True)
    special = {
        role: found
        for role, names in SPECIAL_NAMES.items()
        if (found := next((name for name in names if name in vocabulary), None))
    }
    names = ["input_ids", "token_type_ids", "attention_mask"]
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.raw,
        model_max_length=max_length,
        model_input_names=names if tokenizer.uses_token_types else [names[0], names[2]],
        **special,
    )
    if tokenizer.chat is not None:
        wrapped.chat_template = tokenizer.chat.template
    wrapped.save_pretrained(folder)
