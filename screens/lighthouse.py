"""`make lighthouse`: how quick and how accessible the main pages are, by Lighthouse's measure.

Home, a project's page and a build's, signed in, as a desktop sees them. Each must reach `ENOUGH` in
both categories, with scripts and styles under `MOST` bytes gzipped in all; else it exits 1.
"""

import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import sync_playwright

from screens.running import COOKIE, Dashboard, on_the_sandbox, say
from tests.browser import FLAGS, chromium
from tests.servers import free_port

ROOT = Path(__file__).resolve().parent
PROGRAM = ROOT / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = ("performance", "accessibility")
PAGES = {"home": "/", "project": "{project}", "build": "{build}"}
ENOUGH = 95
MOST = 120_000
# The middle one of so many counts: whatever else the machine does meanwhile slows one.
RUNS = 3


@contextmanager
def signed_in(dashboard: Dashboard) -> Iterator[int]:
    """A Chromium that has the session's cookie; the port at which Lighthouse drives it.

    As a header Lighthouse could not send it: the document's request is aborted then.
    """
    port = free_port()
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as profile:
        context = driver.chromium.launch_persistent_context(
            profile,
            executable_path=chromium(),
            args=[*FLAGS, f"--remote-debugging-port={port}"],
        )
        cookie = {"name": COOKIE, "value": dashboard.cookie, "url": dashboard.address}
        context.add_cookies([cookie])
        yield port
        context.close()


def measure(address: str, port: int) -> dict[str, Any]:
    """Return Lighthouse's report of one page."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            "node",
            str(PROGRAM),
            address,
            f"--port={port}",
            "--preset=desktop",
            "--disable-storage-reset",
            f"--only-categories={','.join(CATEGORIES)}",
            "--output=json",
            f"--output-path={report}",
            "--quiet",
            # A live page never comes to rest: its stream stays open.
            "--max-wait-for-load=20000",
        ]
        # On a busy machine it misses a page's beginning now and then, and asks to be run again.
        if subprocess.run(command, check=False, timeout=180).returncode:
            subprocess.run(command, check=True, timeout=180)
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return found


def quickness(report: dict[str, Any]) -> float:
    """Its score in performance."""
    return float(report["categories"]["performance"]["score"])


def weight(report: dict[str, Any]) -> int:
    """How many bytes the scripts and styles of a page are, each gzipped."""
    total = 0
    for item in report["audits"]["network-requests"]["details"]["items"]:
        if item.get("resourceType") in ("Script", "Stylesheet"):
            body = requests.get(item["url"], timeout=30).content
            total += len(gzip.compress(body, 6))
    return total


def failing(report: dict[str, Any], category: str) -> list[str]:
    """What kept a category from being full."""
    told = []
    for one in report["categories"][category]["auditRefs"]:
        audit = report["audits"][one["id"]]
        if one["weight"] and audit["score"] is not None and audit["score"] < 1:
            told.append(f"{audit['title']} ({audit.get('displayValue') or audit['score']})")
    return told


def judge(dashboard: Dashboard) -> bool:
    """Measure all pages and say the figures; whether each is good enough."""
    good = True
    with signed_in(dashboard) as port:
        for name, path in PAGES.items():
            address = dashboard.url(path.format(**dashboard.paths))
            report = sorted((measure(address, port) for _ in range(RUNS)), key=quickness)[RUNS // 2]
            scores = {one: round(report["categories"][one]["score"] * 100) for one in CATEGORIES}
            heavy = weight(report)
            enough = min(scores.values()) >= ENOUGH and heavy < MOST
            good = good and enough
            told = ", ".join(f"{one} {score}" for one, score in scores.items())
            verdict = "met" if enough else "MISSED"
            print(f"{name:8} {told}, scripts and styles {heavy / 1000:.1f} kB gzipped: {verdict}")
            if not enough:
                index = report["environment"]["benchmarkIndex"]
                say(f"         speed of the machine meanwhile: {index:.0f}; at rest 1000 or more")
            for one in CATEGORIES:
                for line in failing(report, one):
                    say(f"         {one}: {line}")
    return good


def main() -> int:
    """1 where a page is not good enough."""
    with on_the_sandbox() as dashboard:
        return 0 if judge(dashboard) else 1


if __name__ == "__main__":
    sys.exit(main())
