"""The display of a run: plain lines for logs, a live line on a terminal, and honest arithmetic."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from triga.cli.progress import Display, Pace, duration
from triga.cli.speech import Speech
from triga.core.events import (
    Note,
    Preflight,
    Progress,
    Scored,
    StageFinished,
    StageSkipped,
    StageStarted,
    TrainStep,
)


def step(number: int, seconds: float = 0.5, tokens: int = 1000, **more) -> TrainStep:
    values = {"num_steps": 100, "epoch": number / 50, "loss": 1 / number, "learning_rate": 1e-3, "gradient_norm": 1.0}
    return TrainStep(step=number, num_tokens=tokens, seconds=seconds, **values, **more)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(events, language="en", terminal=False, clock=None) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=200, highlight=False, soft_wrap=True)
    with Display(console, Speech(language), clock or Clock()) as display:
        for event in events:
            display.emit(event)
    return file.getvalue()


RUN = [
    StageSkipped("data", "/w/runs/x/data"),
    StageStarted("tune"),
    Preflight("cpu", "bf16", 1_500_000, 750_000, 300 << 20, 100, 50_000, 75.0),
    Note("x", "precision bf16: 1.7 times as fast", "bf16 快 1.7 倍"),
    *(step(number) for number in range(1, 101)),
    Scored(50, "dev", {"accuracy": 0.5, "macro_f1": 0.25, "micro_f1": 0.5}),
    StageFinished("tune", 75.25, "/w/runs/x/model"),
]


def test_a_log_gets_plain_lines_and_only_a_few():
    lines = shown(RUN).splitlines()
    assert lines == [
        "✓ data      up to date  /w/runs/x/data",
        "> tune",
        "  1.5 M parameters (50% trained), bf16 on cpu, about 300.0 MiB of memory; 100 steps, about 1:15",
        "  precision bf16: 1.7 times as fast",
        "  tune 100/100  epoch 2.0  loss 0.010  2,000 tokens/s  0:00 left",
        "  dev after step 50: macro_f1 0.250  accuracy 0.500",
        "✓ tune          1:15  /w/runs/x/model",
    ]
    assert "\x1b" not in shown(RUN)


def test_it_speaks_chinese():
    text = shown(RUN, "zh")
    for words in ("无需重做", "训练 50%", "词元/秒", "剩余", "第 50 步后 dev"):
        assert words in text


def test_a_log_hears_of_training_now_and_then():
    clock = Clock()

    def events():
        yield StageStarted("tune")
        for number in range(1, 100):
            clock.now += 1
            yield step(number)

    said = [line for line in shown(events(), clock=clock).splitlines() if "epoch" in line]
    assert [line.split()[1] for line in said] == [f"{number}/100" for number in range(10, 100, 10)]


def test_a_terminal_gets_a_bar_and_lines_that_stay():
    text = shown(RUN, terminal=True)
    for words in ("\x1b[", "up to date", "dev after step 50", "1:15"):
        assert words in text


def test_brackets_in_notes_and_names_are_no_markup():
    assert "[bold]x[/nope]" in shown([Note("x", "[bold]x[/nope]", "")])
    assert "read [a]" in shown([Progress("read [a]", 5, 10), Progress("read [a]", 10, 10)], terminal=True)


def test_a_skipped_update_is_said():
    clock = Clock()
    clock.now = 0.0
    text = shown([StageStarted("tune"), step(100, skipped=True)], clock=clock)
    assert "update skipped" in text


def test_the_pace_forgets_a_slow_start():
    pace = Pace()
    pace.add(step(1, seconds=60.0))
    for number in range(2, 81):
        pace.add(step(number, seconds=0.5))
    assert pace.left_s == pytest.approx(20 * 0.5, rel=0.05)
    assert pace.tokens_per_second == pytest.approx(2000, rel=0.05)


def test_a_steady_pace_is_exact():
    pace = Pace()
    for number in range(1, 11):
        pace.add(step(number))
    assert pace.left_s == pytest.approx(45.0)
    assert pace.tokens_per_second == pytest.approx(2000.0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (59.99, "1:00"), (75.25, "1:15"), (3600, "1:00:00")]
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
