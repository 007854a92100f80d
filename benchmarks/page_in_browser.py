"""The page in Chromium: how soon it is ready and answers, and what it costs while visible."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.record import Record, Series

MODEL = ("mnist", "--model", "convnet", "--epochs", "1", "--no-figures")
READY = "main[data-ready]"

# Draws a random line after some others, and returns the milliseconds from the pointer's release to
# the answer in the page, layout included.
ANSWER = """() => {
  HTMLCanvasElement.prototype.setPointerCapture = () => {};  // made-up pointers cannot be captured
  const pad = document.getElementById("pad"), box = pad.getBoundingClientRect();
  const send = (type) => pad.dispatchEvent(new PointerEvent(type, { pointerId: 7, button: 0,
    bubbles: true, clientX: box.left + box.width * (0.2 + 0.6 * Math.random()),
    clientY: box.top + box.height * (0.2 + 0.6 * Math.random()) }));
  send("pointerdown");
  for (let i = 0; i < 5; i++) send("pointermove");
  const start = performance.now();
  send("pointerup");
  document.getElementById("probabilities").getBoundingClientRect();
  return performance.now() - start;
}"""


def missing() -> str | None:
    """Return why Chromium cannot be used, or None."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "Playwright is not installed"
    return None if shutil.which("chromium") else "Chromium is not installed"


def measure(rounds: int, count: int = 50) -> Iterator[Record]:
    """Measure the time until the page is ready, and the time from a stroke to the answer.

    Args:
        rounds: how often the server is started, and the page opened.
        count: the number of strokes in each round.
    """
    ready = Record("page", "ready", {"model": " ".join(MODEL[:3])}, {"milliseconds": "low"})
    answers = Record("page", "answers", {"strokes": count}, {"milliseconds": "low", "p95": "low"})
    ready.series["page"] = Series("from the server's start to the page", "case")
    answers.series["page"] = Series("from pointer-up to the answer", "case")
    reason = missing()
    if reason:
        ready.skipped["page"] = answers.skipped["page"] = reason
        yield from (ready, answers)
        return
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "handgrad", "train", *MODEL, "--out", str(run)]
        subprocess.run(command, check=True, capture_output=True)
        for _ in range(rounds):
            with serving(run) as (url, start):
                page = browser.new_page()
                page.goto(url)
                page.wait_for_selector(READY)
                ready.series["page"].rounds.append({"milliseconds": 1000 * (time.time() - start)})
                times = sorted(page.evaluate(ANSWER) for _ in range(count))
                answers.series["page"].rounds.append(
                    {"milliseconds": times[count // 2], "p95": times[int(0.95 * count)]}
                )
                page.close()
    yield from (ready, answers)


@contextmanager
def chromium() -> Iterator[Any]:
    """Run Chromium without a window during the `with` block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@contextmanager
def serving(run: Path) -> Iterator[tuple[str, float]]:
    """Run `handgrad open`; yield the address, and the time at which it was printed."""
    command = [sys.executable, "-m", "handgrad", "open", "--no-browser", "--quiet", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            yield url, time.time()
        finally:
            server.send_signal(signal.SIGINT)


def show_training(url: str) -> None:
    """Show the view Train until the process is ended."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{url}#/train")
        page.wait_for_selector("main[data-ready=train]")
        while True:
            page.wait_for_timeout(1000)
