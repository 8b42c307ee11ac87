"""Muon for the matrices of a network's body, AdamW for the rest, as one optimizer.

Jordan et al., 2024: the momentum of a matrix is made orthogonal before it is applied. Embeddings, heads, norms and
biases stay on AdamW. Each matrix's rate is scaled so that its updates are as large as AdamW's (Liu et al., 2025,
arXiv:2502.16982): one learning rate serves both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

__all__ = ["MuonAdamW"]


class MuonAdamW(torch.optim.Optimizer):
    """``param_groups`` marked ``muon: True`` go to torch's Muon, the others to torch's AdamW."""

    def __init__(
        self, groups: list[dict[str, Any]], *, momentum: float, betas: tuple[float, float], eps: float
    ) -> None:
        self._muon = torch.optim.Muon(
            [_plain(group) for group in groups if group["muon"]], momentum=momentum, adjust_lr_fn="match_rms_adamw"
        )
        self._adamw = torch.optim.AdamW(
            [_plain(group) for group in groups if not group["muon"]], betas=betas, eps=eps, fused=True
        )
        super().__init__([_plain(group) for group in groups], {})
        self._share()

    def _share(self) -> None:
        """The parts' groups are this one's, so that whoever sets a rate sets it once."""
        self.param_groups = [*self._muon.param_groups, *self._adamw.param_groups]
        self.state = _Merged(self._muon.state, self._adamw.state)  # type: ignore[assignment]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self._muon.step()  # type: ignore[no-untyped-call]
        self._adamw.step()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """States by the parameter's number over all groups, as ``state_dict`` of any optimizer has it."""
        states, start = state_dict["state"], 0
        for part in (self._muon, self._adamw):
            count = sum(len(group["params"]) for group in part.param_groups)
            mine = {number - start: state for number, state in states.items() if start <= number < start + count}
            part.load_state_dict({"state": mine, "param_groups": part.state_dict()["param_groups"]})
            start += count
        self._share()


class _Merged(dict[Tensor, Any]):
    """A view of two states that always shows what they hold now."""

    def __init__(self, *parts: dict[Tensor, Any]) -> None:
        super().__init__()
        self._parts = parts

    def items(self) -> Any:
        return [item for part in self._parts for item in part.items()]

    def __iter__(self) -> Iterator[Tensor]:
        return iter([parameter for part in self._parts for parameter in part])

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def __getitem__(self, parameter: Tensor) -> Any:
        return next(part[parameter] for part in self._parts if parameter in part)


def _plain(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "muon"}
