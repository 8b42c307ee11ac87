"""BLEU, chrF and ROUGE from sums over rows: corpus scores of any rows follow from a product of weights and counts.

BLEU (Papineni et al., 2002) and chrF (Popović, 2015) are counted by sacrebleu, whose corpus scores they equal (see
tests); ROUGE (Lin, 2004) is the F1 of words, pairs of words, and the longest common subsequence, without case and
without stemming, averaged over rows; Chinese goes by character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from triga.core.arrays import FloatArray
from triga.core.errors import MachineError
from triga.tasks.rouge import rouge_l, rouge_n

__all__ = [
    "SUMMARY_METRICS",
    "TRANSLATION_METRICS",
    "bleu_details",
    "summary_scores",
    "summary_statistics",
    "translation_scores",
    "translation_statistics",
]

TRANSLATION_METRICS = ("bleu", "chrf")
SUMMARY_METRICS = ("rouge_l", "rouge_1", "rouge_2")
BLEU_ORDER, CHRF_ORDER, CHRF_BETA = 4, 6, 2
NUM_BLEU = 2 * BLEU_ORDER + 2
"""Columns of BLEU: n-grams of 1–4 words found in the reference, n-grams written, words written, reference words."""


def translation_statistics(given: Sequence[str], references: Sequence[str], tokenize: str) -> FloatArray:
    """(N, 28): BLEU's ten counts of each row, and chrF's three (written, in the reference, common) for 1–6 characters.

    ``tokenize`` is sacrebleu's: ``13a``, or ``zh``. Raises ``MachineError`` where sacrebleu is not installed.
    """
    bleu, chrf = _sacrebleu(tokenize)
    # The library's own corpus scores and bootstrap are made of these.
    counts = bleu._extract_corpus_statistics(list(given), [list(references)])
    characters = chrf._extract_corpus_statistics(list(given), [list(references)])
    by_bleu = np.array(counts, dtype=np.float64).reshape(-1, NUM_BLEU)
    lengths, rest = by_bleu[:, :2], by_bleu[:, 2:]  # the library puts lengths first
    return np.concatenate([rest, lengths, np.array(characters, dtype=np.float64).reshape(len(rest), -1)], axis=1)


def translation_scores(sums: FloatArray) -> dict[str, FloatArray]:
    """Corpus BLEU and chrF2 in 0–1 of (…, 28) sums of ``translation_statistics``."""
    return {"bleu": _bleu(sums[..., :NUM_BLEU]), "chrf": _chrf(sums[..., NUM_BLEU:])}


def bleu_details(sums: FloatArray, tokenize: str) -> dict[str, Any]:
    """What stands behind a corpus BLEU: ``precisions`` of 1–4 words, ``brevity_penalty``, ``length_ratio``, and
    sacrebleu's ``signature``."""
    counts = sums[:NUM_BLEU]
    written, expected = counts[-2:]
    precisions = counts[:BLEU_ORDER] / np.maximum(counts[BLEU_ORDER : 2 * BLEU_ORDER], 1)
    bleu, _ = _sacrebleu(tokenize)
    bleu.num_refs = 1
    return {
        "precisions": precisions.tolist(),
        "brevity_penalty": float(_brevity(counts)),
        "length_ratio": float(written / max(expected, 1)),
        "signature": str(bleu.get_signature()),
    }


def summary_statistics(given: Sequence[str], references: Sequence[str]) -> FloatArray:
    """(N, 4): ROUGE-L, ROUGE-1 and ROUGE-2 of each row, and 1."""
    return np.array(
        [(*_rouge(one, true), 1.0) for one, true in zip(given, references, strict=True)],
        dtype=np.float64,
    ).reshape(-1, len(SUMMARY_METRICS) + 1)


def summary_scores(sums: FloatArray) -> dict[str, FloatArray]:
    """Means in 0–1 of (…, 4) sums of ``summary_statistics``."""
    num_rows = np.maximum(sums[..., -1], 1e-12)
    return {name: np.asarray(sums[..., i] / num_rows) for i, name in enumerate(SUMMARY_METRICS)}


def _sacrebleu(tokenize: str) -> tuple[Any, Any]:
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError as error:
        raise MachineError(
            "sacrebleu-missing",
            "translations are scored by sacrebleu, which is not installed",
            fix="pip install 'triga[train]'",
        ) from error
    return BLEU(tokenize=tokenize, force=True), CHRF(char_order=CHRF_ORDER, beta=CHRF_BETA)


def _bleu(counts: FloatArray) -> FloatArray:
    """A precision of nothing found is half, a quarter … of one found (sacrebleu's ``exp`` smoothing)."""
    found, written = counts[..., :BLEU_ORDER], counts[..., BLEU_ORDER : 2 * BLEU_ORDER]
    safe = np.where(written > 0, written, 1.0)
    smoothed = 1 / (2.0 ** np.cumsum(found == 0, axis=-1) * safe)
    precisions = np.where(found > 0, found / safe, smoothed)
    score = _brevity(counts) * np.exp(np.log(precisions).mean(axis=-1))
    is_nothing = (written == 0).any(axis=-1) | (found == 0).all(axis=-1)
    return np.where(is_nothing, 0.0, np.minimum(score, 1.0))


def _brevity(counts: FloatArray) -> FloatArray:
    written, expected = counts[..., -2], counts[..., -1]
    return np.asarray(np.exp(np.minimum(1 - expected / np.maximum(written, 1e-12), 0)))


def _chrf(counts: FloatArray) -> FloatArray:
    """F2 of precision and recall, each a mean over the lengths for which there are n-grams on both sides."""
    by_length = counts.reshape(*counts.shape[:-1], CHRF_ORDER, 3)
    written, expected, common = (by_length[..., i] for i in range(3))
    is_counted = (written > 0) & (expected > 0)
    num = np.maximum(is_counted.sum(axis=-1), 1)
    precision = (np.where(is_counted, common / np.where(written > 0, written, 1), 0)).sum(axis=-1) / num
    recall = (np.where(is_counted, common / np.where(expected > 0, expected, 1), 0)).sum(axis=-1) / num
    total = CHRF_BETA**2 * precision + recall
    return np.where(total > 0, (1 + CHRF_BETA**2) * precision * recall / np.where(total > 0, total, 1), 0.0)


def _rouge(given: str, expected: str) -> tuple[float, float, float]:
    return rouge_l(given, expected), rouge_n(given, expected, 1), rouge_n(given, expected, 2)
