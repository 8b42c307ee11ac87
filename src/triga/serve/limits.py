"""What one request may ask, and how much the server takes on at once. Everything has an upper bound.

The constants stand in the published schema; the settings differ from machine to machine.
"""

from __future__ import annotations

from pydantic import Field, SecretStr

from triga.core.section import Section
from triga.predict.cores import num_physical_cores

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_INPUTS",
    "MAX_LABELS",
    "MAX_NAME_CHARS",
    "MAX_TEXT_CHARS",
    "MAX_WORDS_CHARS",
    "ServeSettings",
]

MAX_BODY_BYTES = 2 << 20
"""Bytes of a request's body; reading stops there."""
MAX_INPUTS = 512
"""Texts (or pairs) of one request."""
MAX_TEXT_CHARS = 200_000
"""Characters of one text; what is beyond the model's ``max_length`` tokens is cut."""
MAX_LABELS = 10_000
"""Labels of an answer: the most that ``top_k`` may ask, and more than a classifier here can have."""
MAX_NAME_CHARS = 1_000
"""Characters of a label, a model's name, an error's code."""
MAX_WORDS_CHARS = 4_000
"""Characters of an error's sentences."""


class ServeSettings(Section):
    """How much a server takes on."""

    token: SecretStr | None = None
    """Bearer token that every route but the two probes asks for; needed off loopback."""
    max_concurrent_requests: int = Field(default=512, ge=1, le=100_000)
    """Requests with a body in the house at once; the next is refused (429) before its body is read."""
    max_queue_rows: int = Field(default=1024, ge=1, le=1 << 20)
    """Texts waiting or being computed."""
    max_queue_tokens: int = Field(default=1 << 17, ge=16, le=1 << 26)
    """Their tokens together."""
    max_batch_tokens: int = Field(default=2048, ge=16, le=1 << 20)
    """Tokens that a worker takes at a time: how long a short request may stand behind a long one."""
    num_workers: int = Field(default=1, ge=1, le=256)
    """Batches computed at a time. A second worker halves the batches and cost 5–20 % more CPU time a request; it pays
    where the engine leaves cores idle."""
    num_threads: int = Field(default_factory=num_physical_cores, ge=1, le=1024)
    """Cores that the engine uses."""
    request_timeout_s: float = Field(default=30, gt=0, le=3600)
    """From a request's head to its answer."""
    notice_s: float = Field(default=1, ge=0, le=600)
    """After SIGTERM: how long ``/health/ready`` says 503 while requests are still taken, so that none is sent to a
    closed door. At least the interval at which the load balancer asks."""
    drain_s: int = Field(default=30, ge=1, le=3600)
    """After that: how long accepted requests may take to finish."""
