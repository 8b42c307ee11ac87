"""Shows a run as it happens: a ``Sink`` that draws a live line on a terminal and writes plain lines elsewhere.

✓ data       2.1 s   workspace/runs/support-intents/data
tune  ━━━━━━━━━━━━╸        412/840  epoch 9.8  loss 0.412  21,400 tokens/s  0:19 left
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from triga.cli.output import headline_scores, shown_path, size
from triga.cli.speech import Speech
from triga.core.events import (
    Event,
    Note,
    Preflight,
    Progress,
    Scored,
    StageFinished,
    StageSkipped,
    StageStarted,
    TrainStep,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

__all__ = ["Display", "Pace", "duration"]

PLAIN_INTERVAL_S = 10.0
"""Plain output says how training goes this often: a log should stay readable."""
MEMORY = 0.9
"""Share of the old in the running means of seconds and tokens a step (a half-life of about seven steps)."""
STAGE_WIDTH = 9


class Pace:
    """Running means over steps: how fast it goes, and how long it will take."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tokens = 0.0
        self.weight = 0.0
        self.left_s = 0.0

    def add(self, step: TrainStep) -> None:
        self.seconds = MEMORY * self.seconds + step.seconds
        self.tokens = MEMORY * self.tokens + step.num_tokens
        self.weight = MEMORY * self.weight + 1
        self.left_s = self.seconds / self.weight * (step.num_steps - step.step)

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0


class Display:
    """Use in a ``with``; ``emit`` takes the events of one run. ``seconds`` keeps where the time went, by stage."""

    def __init__(self, console: Console, speech: Speech, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self.speech = speech
        self.seconds: dict[str, float] = {}
        self.clock = clock
        self._stage = ""
        self._pace = Pace()
        self._said_at = clock()
        self._said = ""
        self._bars: Bars | None = _bars(console) if console.is_terminal else None

    def __enter__(self) -> Display:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._bars:
            self._clear()
            self._bars.stop()

    def emit(self, event: Event) -> None:
        match event:
            case StageStarted(stage):
                self._start(stage)
            case StageSkipped(stage, path):
                self._end(stage, self.speech("up to date", "无需重做"), path)
            case StageFinished(stage, seconds, path):
                self.seconds[stage] = seconds
                self._end(stage, duration(seconds), path)
            case Note():
                self._line(f"  {event.text(self.speech.language)}", "dim")
            case Progress(what, done, total):
                self._bar(what, done, total, _share(done, total))
            case Preflight():
                self._line(self._cost(event), "")
            case TrainStep():
                self._pace.add(event)
                self._bar(self._stage, event.step, event.num_steps, self._training(event))
            case Scored():
                self._line(self._scores(event), "")

    def _start(self, stage: str) -> None:
        self._stage, self._pace = stage, Pace()
        self._said_at, self._said = self.clock(), ""
        if self._bars:
            self._clear()
            self._bars.add_task(stage, total=None, detail="")
        else:
            self._line(f"> {stage}", "")

    def _end(self, stage: str, took: str, path: str) -> None:
        if self._bars:
            self._clear()
        mark = "✓" if self.console.encoding.startswith("utf") else "+"
        self._line(
            f"{mark} {stage:<{STAGE_WIDTH}} {took:>8}  {shown_path(Path(path)) if path else ''}".rstrip(), "green"
        )

    def _cost(self, plan: Preflight) -> str:
        millions, trained = plan.num_parameters / 1e6, plan.num_trainable / plan.num_parameters
        memory, time_needed = size(plan.memory_bytes), duration(plan.estimated_seconds)
        return self.speech(
            f"  {millions:.1f} M parameters ({trained:.0%} trained), {plan.precision} on {plan.device}, about {memory} "
            f"of memory; {plan.num_steps} steps, about {time_needed}",
            f"  参数 {millions:.1f} M（训练 {trained:.0%}），{plan.device} 上 {plan.precision}，内存约 {memory}；"
            f"共 {plan.num_steps} 步，约 {time_needed}",
        )

    def _training(self, step: TrainStep) -> str:
        skipped = self.speech("  update skipped", "  跳过更新") if step.skipped else ""
        left = clock_time(self._pace.left_s)
        speed = f"{self._pace.tokens_per_second:,.0f}"
        return self.speech(
            f"epoch {step.epoch:.1f}  loss {step.loss:.3f}{skipped}  {speed} tokens/s  {left} left",
            f"轮次 {step.epoch:.1f}  损失 {step.loss:.3f}{skipped}  {speed} 词元/秒  剩余 {left}",
        )

    def _scores(self, event: Scored) -> str:
        names = headline_scores(event.scores)
        values = "  ".join(f"{name} {event.scores[name]:.3f}" for name in names)
        return self.speech(
            f"  {event.split} after step {event.step}: {values}", f"  第 {event.step} 步后 {event.split}：{values}"
        )

    def _bar(self, what: str, done: int, total: int, detail: str) -> None:
        if self._bars is None:
            self._say(what, done, total, detail)
            return
        if not self._bars.tasks:
            self._bars.add_task(what, total=None, detail="")
        is_step = what != self._stage and bool(self._stage)
        if is_step and total and done >= total:  # what the stage does next may not be counted
            self._bars.reset(self._bars.tasks[0].id, total=None, description=self._stage, detail="")
            return
        label = f"{self._stage}: {what}" if is_step else what
        counted = f"{done:,}/{total:,}  {detail}" if total else f"{done:,}"
        self._bars.update(
            self._bars.tasks[0].id, description=label, completed=done, total=total or None, detail=counted
        )

    def _say(self, what: str, done: int, total: int, detail: str) -> None:
        """Plain output: now and then, and always the last."""
        now = self.clock()
        if now - self._said_at < PLAIN_INTERVAL_S and (what != self._stage or done != total):
            return
        self._said_at = now
        self._line(f"  {what} {done}/{total}  {detail}".rstrip(), "")

    def _line(self, text: str, style: str) -> None:
        if text == self._said:
            return
        self._said = text
        self.console.print(text, style=style, markup=False)

    def _clear(self) -> None:
        if self._bars:
            for task in list(self._bars.tasks):
                self._bars.remove_task(task.id)


def duration(seconds: float) -> str:
    """``3.2 s``, ``1:05``, ``2:03:10``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    return clock_time(seconds)


def clock_time(seconds: float) -> str:
    """``0:32``, ``1:05``, ``2:03:10``: what is to come is not known to a tenth of a second."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _share(done: int, total: int) -> str:
    return f"{done / total:.0%}" if total else ""


def _bars(console: Console) -> Bars:
    from rich.progress import BarColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    class WhileUncounted(TimeElapsedColumn):
        """A running clock where there is no bar to show that something happens; a training line has no room for it."""

        def render(self, task: Task) -> Text:
            return Text() if task.total else super().render(task)

    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[detail]}", markup=False),
        WhileUncounted(),
        console=console,
        transient=True,
    )
