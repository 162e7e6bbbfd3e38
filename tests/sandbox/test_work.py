"""Issues move with what the pipelines do, webhooks tell of it, and pushes can be asked for."""

import hashlib
import hmac
import json
import re
import time

import pytest
import requests

from apps.sandbox.codepipeline.model import PipelineStore
from apps.sandbox.jira.model import Jira as Store
from apps.sandbox.process import SandboxProcess
from apps.sandbox.server import SandboxServer

from .sites import SHOP, GitHub, Jira, listening

KEY = re.compile(r"\b(?:SHOP|DATA)-[1-9]\d*\b")


def test_commits_of_every_pipeline_that_builds_from_git_name_issues_that_exist():
    with SandboxServer(seed=1, speed=0, scenario="default") as server:
        store, naming = server.world.of(Store), set()
        for place in server.world.places():
            for pipeline in place.of(PipelineStore).pipelines.values():
                for execution in pipeline.executions:
                    for commit in execution.revisions.values():
                        keys = KEY.findall(commit.message)
                        assert all(store.find(key) for key in keys)
                        naming |= {pipeline.name} if keys else set()
        assert len(naming) >= 12
        categories = {store.status(issue).category for issue in store.issues.values()}
        assert categories == {"new", "indeterminate", "done"}


def test_what_was_deployed_is_done_and_what_was_not_is_not():
    """An issue is done only after an execution with its last commit succeeded."""
    with SandboxServer(seed=1, speed=6, scenario="default") as server:
        server.clock.hold()
        store = server.world.of(Store)
        before = {key: store.status(issue).category for key, issue in store.issues.items()}
        for _ in range(60):
            server.clock.advance(10)
        after = {key: store.status(issue).category for key, issue in store.issues.items()}
    moved = {key: (before.get(key, "new"), now) for key, now in after.items()}
    assert ("new", "indeterminate") in moved.values()
    assert {("indeterminate", "done"), ("new", "done")} & set(moved.values())
    out = [key for key, (was, now) in moved.items() if was != "done" and now == "done"]
    for key in out:
        said = json.dumps([comment.body for comment in store.issues[key].comments])
        assert "Out with" in said


def test_a_push_that_is_asked_for_starts_its_pipeline_and_takes_its_commit():
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        pushed = server.control(
            "POST",
            "push",
            {
                "repository": "example-shop/checkout-web",
                "message": "SHOP-31 Round once, at the end",
            },
        )
        assert pushed["pipelines"] == ["checkout-web"]
        newest = GitHub(server.url).get(f"{SHOP}/commits").json()[0]
        assert newest["sha"] == pushed["commit"]
        assert newest["commit"]["message"] == "SHOP-31 Round once, at the end"
        at_aws = server.control(
            "POST", "push", {"repository": "data-platform", "message": "DATA-4 Load"}
        )
        assert at_aws["pipelines"] == ["data-platform"]
        forced = server.control(
            "POST",
            "push",
            {"repository": "example-shop/checkout-web", "message": "Anew", "onto": 3},
        )
        standing = GitHub(server.url).get(f"{SHOP}/compare/{pushed['commit']}...main").json()
        assert (standing["status"], standing["behind_by"]) == ("diverged", 3)
        assert forced["commit"] == standing["commits"][0]["sha"]


def test_very_many_issues_can_be_asked_for_and_read_page_by_page():
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        assert server.control("POST", "fill", {"project": "SHOP", "count": 1200}) == {"made": 1200}
        found = Jira(server.url).search("labels = imported", maxResults=100)
        assert len(set(found)) == 1200
        moved = server.control("POST", "move", {"issue": "SHOP-2", "project": "DATA"})
        assert Jira(server.url).get("/issue/SHOP-2").json()["key"] == moved["key"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("push", {"repository": "example-shop/nowhere", "message": "x"}),
        ("push", {"repository": "example-shop/checkout-web"}),
        ("hooks", {"provider": "elsewhere", "url": "http://127.0.0.1:9/"}),
        ("hooks", {"provider": "jira", "url": "file:///etc/passwd"}),
        ("move", {"issue": "SHOP-9999", "project": "DATA"}),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(sandbox, path, body):
    answer = requests.post(f"{sandbox.url}/_sandbox/{path}", json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]


def signed(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_webhooks_are_signed_over_what_is_sent_as_each_vendor_does():
    with SandboxProcess("--seed", "1", "--speed", "0") as server, listening() as ear:
        for provider in ("github", "jira"):
            wanted = {"provider": provider, "url": f"{ear.url}/{provider}", "secret": "s3"}
            server.control("POST", "hooks", wanted)
        GitHub(server.url).post(f"{SHOP}/issues", json={"title": "Ü"})
        fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "Ü"}
        Jira(server.url).post("/issue", json={"fields": fields})
        heard = ear.wait(2)
        of_github = next((h, b) for h, b in heard if "x-github-event" in h)
        of_jira = next((h, b) for h, b in heard if "x-github-event" not in h)
        headers, body = of_github
        assert headers["x-github-event"] == "issues"
        assert headers["x-github-delivery"]
        assert headers["x-hub-signature-256"] == signed("s3", body)
        told = json.loads(body)
        assert (told["action"], told["issue"]["title"]) == ("opened", "Ü")
        assert told["repository"]["full_name"] == "example-shop/checkout-web"
        headers, body = of_jira
        assert headers["x-hub-signature"] == signed("s3", body)
        told = json.loads(body)
        assert told["webhookEvent"] == "jira:issue_created"
        assert told["issue"]["fields"]["summary"] == "Ü"


def test_a_repositorys_own_webhook_hears_only_what_it_asked_for():
    with SandboxProcess("--seed", "1", "--speed", "0") as server, listening() as ear:
        hub = GitHub(server.url)
        hook = {"config": {"url": ear.url, "secret": "s"}, "events": ["push"]}
        assert hub.post(f"{SHOP}/hooks", json=hook).status_code == 201
        hub.post(f"{SHOP}/issues", json={"title": "Not heard"})
        push = {"repository": "example-shop/checkout-web", "message": "SHOP-31 Round"}
        pushed = server.control("POST", "push", push)
        ping, told = ear.wait(2)
        assert (ping[0]["x-github-event"], told[0]["x-github-event"]) == ("ping", "push")
        body = json.loads(told[1])
        assert (body["ref"], body["after"]) == ("refs/heads/main", pushed["commit"])
        assert body["forced"] is False
        assert [one["message"] for one in body["commits"]] == ["SHOP-31 Round"]


def test_a_webhook_that_fails_is_tried_again_and_then_dropped(monkeypatch):
    monkeypatch.setattr("apps.sandbox.posting.PAUSES", (0.05, 0.05))
    with SandboxServer(seed=1, speed=0, scenario="default") as server, listening() as ear:
        ear.statuses = [500, 500, 500, 500]
        hub, began = GitHub(server.url), time.monotonic()
        hub.post(f"{SHOP}/hooks", json={"config": {"url": ear.url}, "events": ["push"]})
        ear.wait(3)
        # Nobody waited for it meanwhile, and it is not tried for a fourth time.
        deadline = began + 30
        while not server.world.poster.ended and time.monotonic() < deadline:
            time.sleep(0.02)
        (ended,) = server.world.poster.ended
        assert (ended.tries, ended.status, len(ear.heard)) == (3, 500, 3)
        assert "x-hub-signature-256" not in ear.heard[0][0]


def test_an_empty_sandbox_has_both_sites_and_nothing_in_them(sandbox):
    assert GitHub(sandbox.url).get("/user/repos").json() == []
    assert Jira(sandbox.url).get("/project").json() == []


def test_a_new_sandbox_gives_no_number_again_that_somebody_remembers():
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "Ü"}
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        for provider, numbers in (
            ("jira", {"SHOP": 4711}),
            ("github", {"example-shop/checkout-web": 4711}),
        ):
            wanted = {"provider": provider, "id": 5_000_000, "numbers": numbers}
            server.control("POST", "taken", wanted)
            # Less than there is changes nothing.
            server.control(
                "POST", "taken", {**wanted, "id": 1, "numbers": dict.fromkeys(numbers, 1)}
            )
        made = Jira(server.url).post("/issue", json={"fields": fields}).json()
        assert made["key"] == "SHOP-4712"
        assert int(made["id"]) > 5_000_000
        opened = GitHub(server.url).post(f"{SHOP}/issues", json={"title": "Ü"}).json()
        assert opened["number"] == 4712
        assert opened["id"] > 5_000_000
