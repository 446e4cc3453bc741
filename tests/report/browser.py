"""A real headless Chromium that opens a file and tells what it asked the network for.

Debian: ``apt install chromium chromium-driver``, and ``pip install selenium``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--disable-dev-shm-usage",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        page = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield page
        finally:
            page.quit()


def open_page(page: Any, file: Path, width: int = 1280, height: int = 900) -> float:
    """Open a file at a screen size; seconds until the page with its map stands."""
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    page.get_log("performance")
    page.get_log("browser")
    began = time.perf_counter()
    page.get(file.resolve().as_uri())
    wait_for(page, "return !document.getElementById('figure-map') || views.map != null")
    return time.perf_counter() - began


def wait_for(page: Any, script: str, seconds: float = 20.0) -> None:
    """Wait until a script says yes."""
    end = time.perf_counter() + seconds
    while not page.execute_script(script):
        assert time.perf_counter() < end, f"never true: {script}"
        time.sleep(0.05)


def requests(page: Any) -> list[str]:
    """Addresses that the page asked for since it was opened, but for itself and inlined data."""
    asked = []
    for entry in page.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    own = page.current_url.split("#")[0]
    return [a for a in asked if not a.startswith(("data:", "blob:")) and a.split("#")[0] != own]


def complaints(page: Any) -> list[str]:
    """Warnings and errors of the console."""
    return [e["message"] for e in page.get_log("browser") if e["level"] not in ("INFO", "DEBUG")]
