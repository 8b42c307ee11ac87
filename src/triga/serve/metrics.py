"""What Prometheus may ask: one registry per app, base units, few labels (paths are the routes', never the caller's)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Metrics"]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
TOKENS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
OTHER = "other"
"""The label of every path that is no route, so that probing cannot grow the registry."""


class Metrics:
    """Counters of one app."""

    def __init__(self, model: str) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "code")
        self._requests = Counter("triga_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "triga_request_duration_seconds",
            "From a request's head to its answer's end.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._queue = Gauge("triga_queue_size", "Texts waiting or being computed.", registry=self.registry)
        self._rows = Histogram("triga_batch_size", "Texts of a batch.", buckets=ROWS, registry=self.registry)
        self._tokens = Histogram("triga_batch_tokens", "Tokens of a batch.", buckets=TOKENS, registry=self.registry)
        loaded = Gauge("triga_model_loaded", "1 for the model that is served.", ("model",), registry=self.registry)
        loaded.labels(model).set(1)

    def request(self, route: str | None, status: int, seconds: float) -> None:
        self._requests.labels(route or OTHER, str(status)).inc()
        self._seconds.labels(route or OTHER).observe(seconds)

    def batch(self, num_rows: int, num_tokens: int) -> None:
        self._rows.observe(num_rows)
        self._tokens.observe(num_tokens)

    def queue(self, num_rows: int) -> None:
        self._queue.set(num_rows)

    def text(self) -> bytes:
        """The exposition format that Prometheus reads."""
        return generate_latest(self.registry)
