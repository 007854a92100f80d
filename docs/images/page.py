"""Take the screenshots of the page: python docs/images/page.py RUN.

It needs Playwright and Chromium. Each view is shown at 1440 pixels, and two views as on a phone.
"""

from __future__ import annotations

import math
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "page"
DESKTOP, PHONE = (1440, 900), (390, 844)


def draw_eight(page: Any) -> None:
    """Draw an 8 with the mouse."""
    box = page.locator("#pad").bounding_box()
    angles = [2 * math.pi * i / 60 for i in range(61)]
    points = [(0.5 + 0.15 * math.sin(2 * a), 0.5 - 0.3 * math.sin(a)) for a in angles]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y)
    page.mouse.up()
    page.locator("#nearest li").first.wait_for()


def show_layers(page: Any) -> None:
    """Wait until the layers are shown, and scroll to them."""
    page.wait_for_timeout(3000)
    page.get_by_role("heading", name="Layer by layer").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('.inside-columns').scrollIntoView()")
    page.wait_for_timeout(1000)


def train(page: Any) -> None:
    """Start a run, and wait for some epochs."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator("[data-fact=step]", has_text=re.compile(r"\d{3,}")).wait_for(timeout=120_000)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.wait_for_selector("main[data-phase=paused]")
    page.wait_for_timeout(1500)


def wait(page: Any) -> None:
    """Wait until everything is shown."""
    page.wait_for_timeout(6000)


VIEWS = {
    "draw": ("draw", draw_eight),
    "inside": ("inside?image=0", show_layers),
    "evaluate": ("evaluate", wait),
    "compare": ("compare", wait),
    "train": ("train?data=digits&model=smallnet&epochs=30&figures=false", train),
}


def main(run: str) -> None:
    """Write the screenshots of a run."""
    FOLDER.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "handgrad", "open", "--no-browser", run]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for size, theme in ((DESKTOP, "light"), (PHONE, "dark")):
                for name, (fragment, act) in VIEWS.items():
                    if theme == "dark" and name not in ("draw", "inside"):
                        continue
                    context = browser.new_context(
                        viewport={"width": size[0], "height": size[1]},
                        color_scheme=theme,
                        locale="en-US",
                    )
                    page = context.new_page()
                    page.goto(f"{url}#/{fragment}")
                    page.wait_for_selector(f"main[data-ready={name}]", timeout=60_000)
                    act(page)
                    suffix = "" if size == DESKTOP else "-phone"
                    page.screenshot(path=FOLDER / f"{name}{suffix}.png")
                    context.close()
            browser.close()
        server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main(sys.argv[1])
