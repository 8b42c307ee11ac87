"""What all that comes over the wire has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Wire"]


class Wire(BaseModel):
    """Unchangeable; a newer server may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())
