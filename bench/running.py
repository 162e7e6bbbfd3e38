"""The whole program as people run it: how soon it answers, what it holds, how soon pages move."""

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urljoin

import boto3
import psutil
import requests
from playwright.sync_api import Page, sync_playwright

from bench.result import Result, note
from tests.browser import FLAGS, chromium
from tests.servers import free_port
from tests.whole.program import Program, collect_static

SAMPLES = 30
# Seconds: the first sweeps are over after some ten, then every kind comes again and again.
MIRRORING = 180
# Seconds until the first sweeps are over, and what they woke.
SETTLED = 60
# Per cent of one core: what an operator may count on for the sandbox's four scopes.
CALM_SHARE = 25.0
MEGABYTE = 1024 * 1024
NAME, PASSWORD = "bench", "bench-password-1"
ACCOUNT, REGION = "111122223333", "eu-west-1"
PIPELINES = ("legacy-billing", "checkout-web", "payments-service")

# The clock is the browser's; it and boto3 run on one machine.
WATCH = """name => {
  const row = [...document.querySelectorAll('[id^="pipeline-row-"]')]
    .find(row => row.textContent.includes(name));
  window.moved = new Promise(done => {
    const id = row.id;
    new MutationObserver((_, observer) => { observer.disconnect(); done(Date.now()); })
      .observe(row.parentNode, {subtree: true, childList: true, attributes: true,
                                characterData: true});
  });
}"""


def up(data: Path, aws: str, **settings: str) -> tuple[Program, str, float]:
    """Start the program; return it, its address and the seconds until a page answered."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    began = time.perf_counter()
    program = Program(
        [sys.executable, "manage.py", "up"],
        data,
        PORT=str(port),
        AWS=aws,
        DJANGO_SUPERUSER_USERNAME=NAME,
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        **settings,
    ).start()
    program.wait_for(r"CodeStar Dash is at")
    requests.get(urljoin(address, "accounts/login/"), timeout=10).raise_for_status()
    return program, address, time.perf_counter() - began


def stop(program: Program) -> None:
    """End it as Ctrl-C does."""
    program.process.send_signal(2)
    program.process.wait(20)


def memory_and_start() -> list[Result]:
    """Resident memory without the sandbox after some pages, and the time until it answers."""
    collect_static()
    with tempfile.TemporaryDirectory() as data:
        program, address, _ = up(Path(data), "none")
        try:
            with requests.Session() as person:
                sign_in(person, address)
                for path in ("", "health/", "codebuild/", "aws/accounts/") * 5:
                    person.get(urljoin(address, path), timeout=10).raise_for_status()
            time.sleep(5)
            held = sum(one.memory_info().rss for one in program.family()) / MEGABYTE
        finally:
            stop(program)
        program, address, seconds = up(Path(data), "sandbox")
        try:
            mirroring, its_own = memory_while_mirroring(program, address)
        finally:
            stop(program)
    return [
        Result(name="memory of up without the sandbox", value=held, bound=250, unit=" MB"),
        Result(
            name="memory of up that has mirrored four scopes for three minutes, highest",
            value=mirroring,
            bound=250,
            unit=" MB",
            how=f"{its_own:.3g} MB of it shared with nobody; without the sandbox's process",
        ),
        Result(name="up with the sandbox until a page answers", value=seconds, bound=8, unit=" s"),
    ]


def memory_while_mirroring(program: Program, address: str) -> tuple[float, float]:
    """Highest resident memory of the program itself while somebody looks; what is its alone."""
    process = psutil.Process(program.pid)
    highest = own = 0.0
    deadline = time.monotonic() + MIRRORING
    with requests.Session() as person:
        sign_in(person, address)
        while time.monotonic() < deadline:
            for path in ("", "health/", "codebuild/", "aws/accounts/"):
                person.get(urljoin(address, path), timeout=30).raise_for_status()
            told = process.memory_full_info()
            highest = max(highest, told.rss / MEGABYTE)
            own = max(own, told.uss / MEGABYTE)
            time.sleep(5)
    return highest, own


def calm() -> list[Result]:
    """Processor time of a program that nobody looks at, with events flowing and by polling only."""
    collect_static()
    return [
        calm_share("with events flowing"),
        # There is no queue of this name.
        calm_share("by polling only", EVENT_QUEUE_NAME="no-such-queue"),
    ]


def calm_share(how: str, **settings: str) -> Result:
    """The share of one core that mirroring the sandbox's four scopes takes, once they are in."""
    note(f"calm {how}")
    with tempfile.TemporaryDirectory() as data:
        program, _, _ = up(Path(data), "sandbox", **settings)
        try:
            process = psutil.Process(program.pid)
            time.sleep(SETTLED)
            before, began = sum(process.cpu_times()[:2]), time.monotonic()
            time.sleep(MIRRORING)
            spent, passed = sum(process.cpu_times()[:2]) - before, time.monotonic() - began
        finally:
            stop(program)
    return Result(
        name=f"up that mirrors four calm scopes {how}, share of one core",
        value=spent / passed * 100,
        bound=CALM_SHARE,
        unit=" %",
        how=f"{spent:.3g} s of processor time in {passed:.0f} s; without the sandbox's process",
    )


def sign_in(person: requests.Session, address: str) -> None:
    """Sign in through the form."""
    url = urljoin(address, "accounts/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', person.get(url).text)
    assert token is not None
    form = {"login": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token.group(1)}
    person.post(url, data=form, timeout=10).raise_for_status()


def event_to_page() -> list[Result]:
    """From an execution being started, which puts an event in the queue, to the row moving."""
    collect_static()
    with tempfile.TemporaryDirectory() as data, sync_playwright() as driver:
        program, address, _ = up(Path(data), "sandbox")
        try:
            found = re.search(r"simulated AWS at (\S+)", program.output)
            assert found is not None
            browser = driver.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            try:
                times = samples(browser.new_page(), address, found.group(1))
            finally:
                browser.close()
        finally:
            stop(program)
    p95 = statistics.quantiles(times, n=20)[-1]
    middle = statistics.median(times)
    return [
        Result(
            name="event in the queue until the page moved, p95",
            value=p95,
            bound=1.0,
            unit=" s",
            how=f"median {middle:.2f} s of {len(times)} executions started",
        )
    ]


def samples(page: Page, address: str, sandbox: str) -> list[float]:
    """Seconds from StartPipelineExecution's answer to the first change of the one row shown."""
    aws = boto3.client(
        "codepipeline",
        region_name=REGION,
        endpoint_url=sandbox,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="sandbox",
    )
    page.goto(urljoin(address, "accounts/login/"))
    page.fill("input[name=login]", NAME)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(address)
    # The first sweep and what began before have settled.
    page.wait_for_timeout(20_000)
    times = []
    for number in range(SAMPLES):
        name = PIPELINES[number % len(PIPELINES)]
        # Nothing but this row is in the page, so nothing else moves there.
        page.goto(urljoin(address, f"?q={name}"))
        page.wait_for_timeout(1_500)
        page.evaluate(WATCH, name)
        aws.start_pipeline_execution(name=name)
        began = time.time()
        times.append(max(0.0, page.evaluate("() => window.moved") / 1000 - began))
        note(f"event {number + 1} of {SAMPLES}: {times[-1]:.2f} s")
    return times
