"""A linear-chain conditional random field over the tags of words (Lafferty et al., 2001), in torch for training.

What it learned is three small tables (``tagging.Transitions``), by which numpy finds the best tags when serving.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from triga.core.arrays import IGNORED
from triga.tasks.token_classification.tagging import Transitions

__all__ = ["Crf"]


class Crf(nn.Module):
    """Scores of tags that follow each other; zero, so no preference, at first."""

    def __init__(self, num_tags: int) -> None:
        super().__init__()
        self.pair = nn.Parameter(torch.zeros(num_tags, num_tags))
        self.start = nn.Parameter(torch.zeros(num_tags))
        self.end = nn.Parameter(torch.zeros(num_tags))

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Sum over rows of the negative log likelihood of ``labels`` (B, T), given (B, T, C); ``IGNORED`` tokens are
        left out, so words follow words."""
        scores, tags, mask = _gathered(logits, labels)
        return (self._log_partition(scores, mask) - self._score(scores, tags, mask)).sum()

    def transitions(self) -> Transitions:
        values = (parameter.detach().double().cpu().numpy() for parameter in (self.pair, self.start, self.end))
        return Transitions(*values)

    def _score(self, scores: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """(B,) of the given tags."""
        counted = mask.to(scores.dtype)
        emitted = (scores.gather(2, tags.unsqueeze(2)).squeeze(2) * counted).sum(dim=1)
        followed = (self.pair[tags[:, :-1], tags[:, 1:]] * counted[:, 1:]).sum(dim=1)
        last = tags.gather(1, (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)).squeeze(1)
        ends = (self.start[tags[:, 0]] + self.end[last]) * counted[:, 0]
        return emitted + followed + ends

    def _log_partition(self, scores: Tensor, mask: Tensor) -> Tensor:
        """(B,) logarithm of the sum over all sequences of tags."""
        reached = self.start + scores[:, 0]
        for i in range(1, scores.shape[1]):
            following = torch.logsumexp(reached.unsqueeze(2) + self.pair, dim=1) + scores[:, i]
            reached = torch.where(mask[:, i : i + 1], following, reached)
        return torch.logsumexp(reached + self.end, dim=1) * mask[:, 0].to(scores.dtype)


def _gathered(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Words alone, moved to the left: (B, U, C) scores, (B, U) tags and whether there is a word."""
    counted = labels != IGNORED
    order = torch.argsort((~counted).to(torch.int8), dim=1, stable=True)
    num_words = max(int(counted.sum(dim=1).max()), 1)
    order = order[:, :num_words]
    scores = logits.gather(1, order.unsqueeze(2).expand(-1, -1, logits.shape[2]))
    mask = counted.gather(1, order)
    return scores, labels.gather(1, order).clamp(min=0), mask
