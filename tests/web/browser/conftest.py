"""Fixtures for tests of the page in Chromium: a server with a small model, and a browser."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.web.asking import finished_run

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
NO_CHROMIUM = "Chromium is not installed: apt-get install chromium"
DESKTOP, PHONE = (1440, 900), (390, 844)
VIEWS = {
    "draw": "Draw",
    "train": "Train",
    "inside": "Inside",
    "evaluate": "Evaluate",
    "compare": "Compare",
}


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run of `smallnet` on digits."""
    out = tmp_path_factory.mktemp("page") / "digits-smallnet"
    finished_run(out, data="digits", model="smallnet", epochs=6, engine="auto")
    return out


@contextmanager
def serving(*arguments: str, cwd: Path) -> Iterator[str]:
    """Run `handgrad open` with arguments in a folder, and yield the printed address."""
    command = [sys.executable, "-m", "handgrad", "open", "--no-browser", *arguments]
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert re.match(r"http://127\.0\.0\.1:\d+/#token=", line), line
            yield line.strip()
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


@pytest.fixture(scope="session")
def page_url(run_folder: Path) -> Iterator[str]:
    """Return the address of a server that shows the run."""
    with serving(str(run_folder), cwd=run_folder.parent) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Return Chromium."""
    if not Path(CHROMIUM).exists():
        pytest.skip(NO_CHROMIUM)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, page_url: str) -> Iterator[Callable]:
    """Return a function that opens a view, and fails if the page writes an error to the console.

    It also fails if a request leaves the origin.
    """
    contexts, problems = [], []

    def open_view(
        view: str = "", *, size: tuple[int, int] = DESKTOP, dark: bool = False, url: str = page_url
    ):
        touch = size == PHONE
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=touch,
            is_mobile=touch,
            color_scheme="dark" if dark else "light",
            locale="en-US",
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((url.split("/#", maxsplit=1)[0], "data:", "blob:"))
                else problems.append(f"request to {r.url}")
            ),
        )
        page.goto(url + (f"/{view}" if view else ""))
        page.wait_for_selector(f"main[data-ready={view.split('?', maxsplit=1)[0] or 'draw'}]")
        return page

    yield open_view
    for context in contexts:
        context.close()
    assert not problems, problems
