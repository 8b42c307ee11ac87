"""The one place that picks an objective, and refuses one that does not fit the architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_never

from triga.core.errors import RecipeError
from triga.models import fast, fast_decoder, fast_seq2seq
from triga.models.recipe import Architecture
from triga.objectives.base import Objective, Part
from triga.objectives.clm import CausalLanguageModelling
from triga.objectives.contrastive import Contrastive
from triga.objectives.denoising import Denoising, sentinel_ids
from triga.objectives.masking import Vocabulary
from triga.objectives.mlm import MaskedLanguageModelling
from triga.objectives.networks import Network
from triga.objectives.pairs import SegmentPairs, sentence_ends
from triga.objectives.permutation import PermutationLanguageModelling
from triga.objectives.recipe import (
    CausalSection,
    ContrastiveSection,
    DenoisingSection,
    MaskedSection,
    ObjectiveSection,
    PairSection,
    PartSection,
    PermutationSection,
    ReplacedSection,
    SumSection,
)
from triga.objectives.rtd import ReplacedTokenDetection
from triga.objectives.sums import Sum
from triga.text.tokenizers.tokenizer import Tokenizer

__all__ = ["architecture_of", "open_objective"]

CORRUPTION_ORDER = (ContrastiveSection, PairSection, MaskedSection)
"""The first takes the text as it stands, the second moves it, the last hides some of what is there then."""


def open_objective(section: ObjectiveSection, config: Any, folder: Path | None, tokenizer: Tokenizer) -> Objective:
    """``config`` and ``folder`` (None for random weights) of the base. Raises ``RecipeError`` where they do not fit."""
    network = Network(config, folder)
    match section:
        case CausalSection():
            _require(section.kind, config, "llama", fast_decoder.supports)
            return CausalLanguageModelling(network)
        case ReplacedSection():
            _require(section.kind, config, "modernbert", fast.supports)
            return ReplacedTokenDetection(section, network, Vocabulary.of(tokenizer, config.vocab_size))
        case PermutationSection():
            _require(section.kind, config, "modernbert", fast.supports)
            return PermutationLanguageModelling(section, network, Vocabulary.of(tokenizer, config.vocab_size))
        case DenoisingSection():
            _require(section.kind, config, "t5", fast_seq2seq.supports)
            return Denoising(section, network, sentinel_ids(tokenizer))
        case MaskedSection() | PairSection() | ContrastiveSection():
            _require(section.kind, config, "modernbert", fast.supports)
            return _sum([(section, 1.0)], network, tokenizer)
        case SumSection():
            _require(section.kind, config, "modernbert", fast.supports)
            weights = section.weights or (1.0,) * len(section.parts)
            return _sum(list(zip(section.parts, weights, strict=True)), network, tokenizer)
        case _:
            assert_never(section)


def _sum(weighed: list[tuple[PartSection, float]], network: Network, tokenizer: Tokenizer) -> Sum:
    weighed = sorted(weighed, key=lambda pair: CORRUPTION_ORDER.index(type(pair[0])))
    sections, weights = zip(*weighed, strict=True)
    parts = tuple(_part(section, network.config, tokenizer) for section in sections)
    for section in sections:
        if isinstance(section, ContrastiveSection):
            network = network.with_dropout(section.dropout)
    guesses_words = any(isinstance(section, MaskedSection) for section in sections)
    return Sum(network.masked if guesses_words else network.bare, parts, weights)


def _part(section: PartSection, config: Any, tokenizer: Tokenizer) -> Part:
    match section:
        case MaskedSection():
            return MaskedLanguageModelling(section, Vocabulary.of(tokenizer, config.vocab_size))
        case PairSection():
            ends = sentence_ends(tokenizer, config.vocab_size)
            return SegmentPairs(section, ends, tokenizer.document_ids[1], tokenizer.pad_id)
        case ContrastiveSection():
            return Contrastive(section, config)
        case _:
            assert_never(section)


def architecture_of(section: ObjectiveSection) -> Architecture:
    """What a fresh network for it is."""
    architectures: dict[str, Architecture] = {"clm": "llama", "denoising": "t5"}
    return architectures.get(section.kind, "modernbert")


def _require(kind: str, config: Any, architecture: str, supports: Any) -> None:
    if config.model_type == architecture and supports(config):
        return
    raise RecipeError(
        "objective-does-not-fit",
        "{kind} trains a {architecture} network, and the base is {found}",
        where="pretrain.objective",
        fix="choose clm for a Llama decoder, denoising for T5, any other objective for a ModernBERT encoder, "
        "or base: scratch",
        kind=kind,
        architecture=architecture,
        found=config.model_type,
    )
