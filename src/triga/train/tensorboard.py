"""Training curves for TensorBoard: ``tensorboard --logdir workspace/runs/<name>/tensorboard``."""

from __future__ import annotations

from pathlib import Path

from triga.core.events import Event, Scored, TrainStep

__all__ = ["TensorBoard"]


class TensorBoard:
    """A ``Sink``: loss, rate, gradient norm and speed a step, scores an evaluation."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def emit(self, event: Event) -> None:
        if isinstance(event, TrainStep) and not event.skipped:
            speed = event.num_tokens / max(event.seconds, 1e-9)
            values = {"loss": event.loss, "learning_rate": event.learning_rate, "gradient_norm": event.gradient_norm}
            for name, value in {**values, "tokens_per_second": speed}.items():
                self._writer.add_scalar(f"train/{name}", value, event.step)
        if isinstance(event, Scored):
            for name, value in event.scores.items():
                self._writer.add_scalar(f"{event.split}/{name}", value, event.step)

    def close(self) -> None:
        self._writer.close()
