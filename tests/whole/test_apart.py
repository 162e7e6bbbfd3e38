"""uvicorn, two workers and beat as programs of their own, joined by Postgres and Redis alone."""

import contextlib
import itertools
import json
import queue
import sys
import threading
import time
from collections import defaultdict
from datetime import datetime

import pytest

from apps.sandbox.process import SandboxProcess
from tests.servers import free_port
from tests.whole.aws import client as aws
from tests.whole.program import PATIENCE, Client, Program, items, run, sign_in, until

PLACE = "111122223333/eu-west-1"
CONNECT = """
from apps.aws.connect import connect
connect(name="tools", method="keys", regions=["eu-west-1"], account_id="111122223333",
        access_key_id="111122223333", secret_access_key="sandbox", endpoint_url={url!r},
        managed=True)
"""


class Apart:
    """Everything as on several machines."""

    def __init__(self, stack, data, database, redis):
        self.data = data
        self.settings = {
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "DEBUG",
            # Without events everything is polled, often, and by whichever worker is free.
            "EVENT_QUEUE_NAME": "nobody-made-this-queue",
        }
        self.sandbox = stack.enter_context(SandboxProcess("--speed", "1", "--scenario", "bulk:12"))
        self.manage("migrate", "-v0")
        self.manage("createsuperuser", "--noinput", "--username", "admin", "--email", "")
        self.manage("shell", "-v0", "-c", CONNECT.format(url=self.sandbox.url))
        self.port = free_port()
        uvicorn = ["uvicorn", "codestar_dash.asgi:application", "--port", str(self.port)]
        celery = ["celery", "-A", "codestar_dash"]
        self.web = self._start(stack, *uvicorn, "--lifespan", "off")
        self.workers = [
            self._start(stack, *celery, "worker", "-n", f"worker-{number}@%h") for number in (1, 2)
        ]
        self.beat = self._start(stack, *celery, "beat", "-s", str(data / "schedule"))

    def _start(self, stack, *command):
        return stack.enter_context(
            Program([sys.executable, "-m", *command], self.data, **self.settings)
        )

    def manage(self, *arguments):
        done = run(self.data, *arguments, **self.settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def client(self) -> Client:
        url = f"http://127.0.0.1:{self.port}"
        until(lambda: self.port_answers(url), PATIENCE, "web server")
        return sign_in(url, self.manage("sign_in_link", "admin", "--base-url", url))

    def port_answers(self, url):
        with contextlib.suppress(OSError):
            return Client(url).get("/healthz").status_code == 200


@pytest.fixture(scope="module")
def apart(postgres_server, redis_server, worker_id, tmp_path_factory):
    from tests import servers

    number = 40 if worker_id == "master" else 41 + int(worker_id.removeprefix("gw"))
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(servers.database(postgres_server))
        redis = servers.with_path(redis_server, str(number))
        yield Apart(stack, tmp_path_factory.mktemp("apart"), database, redis)


@pytest.fixture(scope="module")
def client(apart):
    with apart.client() as signed_in:
        until(lambda: len(items(signed_in, "pipelines")) >= 2, PATIENCE, "pipelines")
        until(
            lambda: all(row["last_success"] for row in items(signed_in, "scopes")),
            PATIENCE,
            "first sweep of every kind",
        )
        yield signed_in


class Stream:
    """An open page's stream, read in a thread; `events` are (name, data) in order."""

    def __init__(self, client, topics):
        self.events = queue.Queue()
        # The page is opened for the ids in it; the stream begins where it was loaded.
        self.answer = client.get(
            "/live/stream", params={"topics": topics}, stream=True, timeout=(10, 60)
        )
        assert self.answer.status_code == 200
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for(lambda name, _: name == "heartbeat", 20)

    def _read(self):
        name = ""
        with contextlib.suppress(Exception):
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.events.put((name, json.loads(line.removeprefix("data: "))))

    def wait_for(self, wanted, seconds):
        deadline = time.monotonic() + seconds
        seen = []
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                name, data = self.events.get(timeout=0.2)
                seen.append(name)
                if wanted(name, data):
                    return data
        raise AssertionError(f"it never came; what came: {seen}")

    def close(self):
        self.answer.close()


def rows(client):
    return {row["name"]: row for row in items(client, "pipelines")}


def test_a_change_in_aws_reaches_an_open_stream_of_another_process(apart, client):
    name, row = next(iter(rows(client).items()))
    pipeline = client.get(f"/api/v1/pipelines/{row['id']}").json()
    stage = pipeline["stages"][-1]["name"]
    codepipeline = aws(apart.sandbox.url, "codepipeline")
    topic = f"pipeline-row:{row['id']}"
    # What moves is read often.
    codepipeline.start_pipeline_execution(name=name)
    stream = Stream(client, topic)
    try:
        codepipeline.disable_stage_transition(
            pipelineName=name,
            stageName=stage,
            transitionType="Inbound",
            reason="held for the audit",
        )
        told = stream.wait_for(
            lambda event, data: event == "fragment" and "is disabled" in data["html"], 90
        )
        assert told["id"] == f"pipeline-row-{row['id']}"
    finally:
        stream.close()
    stages = client.get(f"/api/v1/pipelines/{row['id']}").json()["stages"]
    assert stages[-1]["transition"]["reason"] == "held for the audit"


def test_a_sweep_in_yet_another_process_reaches_the_stream(apart, client):
    """A pipeline without events: no worker looks for new ones within the next minute, we do."""
    codepipeline = aws(apart.sandbox.url, "codepipeline")
    declaration = codepipeline.get_pipeline(name=next(iter(rows(client))))["pipeline"]
    declaration["name"] = "made-by-hand"
    codepipeline.create_pipeline(pipeline=declaration)
    stream = Stream(client, "list:codepipeline.pipeline")
    try:
        said = run(apart.data, "sweep", PLACE, **apart.settings)
        assert PLACE in said.stdout, said.stderr
        stream.wait_for(
            lambda event, data: (
                event == "refresh" and data["topic"] == "list:codepipeline.pipeline"
            ),
            PATIENCE,
        )
    finally:
        stream.close()
    assert "made-by-hand" in rows(client)


def sweeps(apart):
    """(scope, kind) -> (begin, end, worker) of each sweep that the workers' logs tell of."""
    done = defaultdict(list)
    for number, worker in enumerate(apart.workers):
        for line in worker.output.splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "sweep":
                end = datetime.fromisoformat(event["timestamp"]).timestamp()
                name = (event["scope"], event["kind"])
                done[name].append((end - event["ms"] / 1000, end, number))
    return done


def test_no_kind_is_swept_by_two_workers_at_once(apart, client):
    codepipeline = aws(apart.sandbox.url, "codepipeline")
    for name in list(rows(client))[:4]:
        codepipeline.start_pipeline_execution(name=name)

    def finished():
        done = sweeps(apart)
        both = {number for each in done.values() for _, _, number in each} == {0, 1}
        return both and len(done[PLACE, "codepipeline.stage"]) >= 4 and done

    for name, each in until(finished, PATIENCE, "sweeps of moving stages by both workers").items():
        in_order = sorted(each)
        for (_, end, _), (begin, _, _) in itertools.pairwise(in_order):
            # The clock is read after the last write: a hair's breadth is no overlap.
            assert begin > end - 0.05, name


def test_workers_end_in_time_when_they_are_told_to(apart, client):
    apart.workers[1].process.terminate()
    assert apart.workers[1].process.wait(10) == 0
    assert "Traceback" not in apart.workers[1].output
    # The one that is left goes on alone; what the other had been handed is handed out again.
    ended = time.time()
    until(
        lambda: any(begin > ended for each in sweeps(apart).values() for begin, _, _ in each),
        PATIENCE,
        "sweep by the worker that is left",
    )
