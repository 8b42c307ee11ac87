"""Beam search: the ``num_beams`` likeliest beginnings of a text are gone on with side by side. One beam is greedy.

As transformers' ``generate`` does it, to the token (tests/models): candidates are twice as many as beams, so that
enough are left when some end; a text that ended is worth its log probability over ``length ** length_penalty``, the
end token counted; a row is done when its best open beginning could not beat the worst of its ended ones any more, by
its length so far (Wu et al., 2016, section 7, without their coverage penalty). What is done is no longer computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from triga.models.decoding.steps import NextTokens

__all__ = ["BeamSettings", "Text", "beam_search"]

IMPOSSIBLE = -1.0e9


@dataclass(frozen=True)
class BeamSettings:
    num_beams: int = 1
    max_new_tokens: int = 128
    length_penalty: float = 1.0
    """Above 0 longer texts are preferred to what their sum of log probabilities says, below shorter ones."""
    early_stopping: bool = False
    """A row is done as soon as it has ``num_beams`` texts; with one beam it always is."""


class Text(NamedTuple):
    """What was written to a row."""

    ids: list[int]
    """Without the token that ended it."""
    score: float
    """Log probability over ``length ** length_penalty``."""
    is_whole: bool
    """Whether the model ended it, and not ``max_new_tokens``."""


class _Ended(NamedTuple):
    score: float
    ids: list[int]
    is_whole: bool


def beam_search(
    network: NextTokens,
    batch: Mapping[str, Tensor],
    how: BeamSettings,
    *,
    end_ids: Sequence[int],
    never: Sequence[int] = (),
    first_id: int | None = None,
) -> list[Text]:
    """The best text for each row of ``batch``. ``never`` are tokens that are not written; ``first_id`` is the token
    that every text begins with, where the model asks for one."""
    width = how.num_beams
    logits = network.start(batch)
    device, num_rows = logits.device, len(logits)
    ends, barred = (torch.tensor(list(ids), dtype=torch.long, device=device) for ids in (end_ids, never))
    found: list[list[_Ended]] = [[] for _ in range(num_rows)]
    rows = torch.arange(num_rows, device=device)  # (r,) those that are still written
    sums = torch.zeros(num_rows, 1, device=device)  # (r, beams) log probabilities so far
    written = torch.zeros(num_rows, 1, 0, dtype=torch.long, device=device)
    for length in range(1, how.max_new_tokens + 1):
        says = logits.log_softmax(dim=-1).index_fill(1, barred, IMPOSSIBLE)
        if length == 1 and first_id is not None:
            says = torch.full_like(says, IMPOSSIBLE)
            says[:, first_id] = 0.0
        vocab_size, num_open = says.shape[-1], sums.shape[1]
        totals = (says.view(len(rows), num_open, vocab_size) + sums[:, :, None]).flatten(1)
        best, places = totals.topk(min(2 * width, totals.shape[1]), dim=1)
        parents, tokens = places // vocab_size, places % vocab_size
        texts = torch.cat([_gather(written, parents), tokens[:, :, None]], dim=2)
        is_end = torch.isin(tokens, ends)
        stops = torch.ones_like(is_end) if length == how.max_new_tokens else is_end
        _keep(found, rows, best / length**how.length_penalty, texts, is_end, stops, width)
        open_sums, order = best.masked_fill(stops, IMPOSSIBLE).topk(min(width, best.shape[1]), dim=1)
        is_open = _is_open(found, rows, open_sums[:, 0] / length**how.length_penalty, how)
        if not is_open.any():
            break
        origin = (torch.arange(len(rows), device=device) * num_open)[:, None] + parents.gather(1, order)
        rows, sums, written = rows[is_open], open_sums[is_open], _gather(texts, order)[is_open]
        logits = network.step(written[:, :, -1].flatten(), origin[is_open].flatten())
    return [_best(ended) for ended in found]


def _keep(
    found: list[list[_Ended]], rows: Tensor, scores: Tensor, texts: Tensor, is_end: Tensor, stops: Tensor, width: int
) -> None:
    """Add what ended among the ``width`` likeliest candidates of each row; the best so many of all stay."""
    counted = stops[:, :width]
    for i, j in counted.nonzero().tolist():
        ids = texts[i, j].tolist()
        is_whole = bool(is_end[i, j])
        ended = found[int(rows[i])]
        ended.append(_Ended(float(scores[i, j]), ids[:-1] if is_whole else ids, is_whole))
        ended.sort(key=lambda one: -one.score)  # stable: of equal ones the earlier stays
        del ended[width:]


def _is_open(found: Sequence[list[_Ended]], rows: Tensor, reachable: Tensor, how: BeamSettings) -> Tensor:
    """(r,) whether each row may still find a better text; ``reachable`` (r,) are the best scores of open beginnings."""
    stops_early = how.early_stopping or how.num_beams == 1
    is_open = []
    for row, best in zip(rows.tolist(), reachable.tolist(), strict=True):
        ended, is_full = found[row], len(found[row]) == how.num_beams
        is_open.append(best > IMPOSSIBLE / 2 and not (is_full and (stops_early or best <= ended[-1].score)))
    return torch.tensor(is_open, dtype=torch.bool, device=rows.device)


def _best(ended: Sequence[_Ended]) -> Text:
    score, ids, is_whole = ended[0]
    return Text(ids, score, is_whole)


def _gather(values: Tensor, picks: Tensor) -> Tensor:
    """(r, K, L) of (r, beams, L): those of each row that ``picks`` (r, K) names."""
    return values.gather(1, picks[:, :, None].expand(-1, -1, values.shape[2]))
