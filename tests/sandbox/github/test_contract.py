"""What the simulated GitHub answers is what GitHub's own OpenAPI description allows.

The description is that of Enterprise Server, from the package @octokit/openapi.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from apps.sandbox.faults import Faults
from apps.sandbox.github.door import GitHubSite
from apps.sandbox.server import SandboxServer
from apps.sandbox.world import World
from tests.sandbox.sites import SHOP, GitHub, listening
from tests.vendors import Contract, component, github


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The vendor's description of its API."""
    return github("ghes-3.19")


# There an account is said to be a person and an enterprise at once.
SLIPS = {
    "apps/list-installations": {
        "type": "array",
        "items": component("installation"),
    }
}


def as_app(url: str) -> GitHub:
    now = int(time.time())
    claims = {"iat": now - 60, "exp": now + 500, "iss": "4711"}
    return GitHub(url, jwt.encode(claims, "x" * 32, algorithm="HS256"))


def story(url: str) -> list[tuple[str, Any]]:
    """Calls every operation, and returns (operation, answer) of each."""
    hub, app = GitHub(url), as_app(url)
    told: list[tuple[str, Any]] = []

    def call(operation: str, method: str, path: str, body: Any = None, by: Any = None) -> Any:
        answer = (by or hub).request(method, path, json=body)
        told.append((operation, answer))
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else {}

    for operation, path in (
        ("meta/get", "/meta"),
        ("rate-limit/get", "/rate_limit"),
        ("users/get-authenticated", "/user"),
        ("users/get-by-username", "/users/checkout-developer"),
        ("orgs/list-for-authenticated-user", "/user/orgs"),
        ("orgs/get", "/orgs/example-shop"),
        ("repos/list-for-org", "/orgs/example-shop/repos?per_page=100"),
        ("repos/list-for-user", "/users/release-manager/repos"),
        ("repos/list-for-authenticated-user", "/user/repos"),
        ("repos/get", SHOP),
        ("repos/list-branches", f"{SHOP}/branches"),
        ("repos/get-branch", f"{SHOP}/branches/main"),
        ("git/list-matching-refs", f"{SHOP}/git/matching-refs/heads/"),
        ("git/get-ref", f"{SHOP}/git/ref/heads/main"),
        ("issues/list-assignees", f"{SHOP}/assignees"),
        ("issues/check-user-can-be-assigned", f"{SHOP}/assignees/release-manager"),
        ("issues/list-labels-for-repo", f"{SHOP}/labels"),
        ("issues/list-milestones", f"{SHOP}/milestones"),
        ("issues/list-for-repo", f"{SHOP}/issues?state=all"),
        ("issues/list-comments-for-repo", f"{SHOP}/issues/comments"),
    ):
        call(operation, "GET", path)

    commits = call("repos/list-commits", "GET", f"{SHOP}/commits")
    new, old = commits[0]["sha"], commits[5]["sha"]
    call("repos/get-commit", "GET", f"{SHOP}/commits/{new}")
    call("repos/compare-commits-with-basehead", "GET", f"{SHOP}/compare/{old}...{new}")
    call("checks/list-for-ref", "GET", f"{SHOP}/commits/{new}/check-runs")
    status = {"state": "success", "context": "pipeline", "target_url": "https://dash.example.com"}
    call("repos/create-commit-status", "POST", f"{SHOP}/statuses/{new}", status)
    call("repos/get-combined-status-for-ref", "GET", f"{SHOP}/commits/{new}/status")
    call("repos/list-commit-statuses-for-ref", "GET", f"{SHOP}/commits/{new}/statuses")
    wanted = {"ref": new, "environment": "production", "required_contexts": []}
    made = call("repos/create-deployment", "POST", f"{SHOP}/deployments", wanted)
    mine = f"{SHOP}/deployments/{made['id']}"
    outcome = {"state": "success", "log_url": "https://dash.example.com/1", "description": "Out"}
    call("repos/create-deployment-status", "POST", f"{mine}/statuses", outcome)
    call("repos/list-deployments", "GET", f"{SHOP}/deployments")
    call("repos/get-deployment", "GET", mine)
    call("repos/list-deployment-statuses", "GET", f"{mine}/statuses")

    blob = call("git/create-blob", "POST", f"{SHOP}/git/blobs", {"content": "x"})["sha"]
    call("git/get-tree", "GET", f"{SHOP}/git/trees/main?recursive=1")
    entry = {"path": "docs/new.md", "mode": "100644", "type": "blob", "sha": blob}
    grown = {"base_tree": commits[0]["commit"]["tree"]["sha"], "tree": [entry]}
    tree = call("git/create-tree", "POST", f"{SHOP}/git/trees", grown)["sha"]
    told_of = {"message": "Say more", "tree": tree, "parents": [new]}
    call("git/create-commit", "POST", f"{SHOP}/git/commits", told_of)
    first = {"message": "Begin", "content": "eA==", "branch": "main"}
    start = "/repos/example-shop/empty-start/contents/README.md"
    call("repos/create-or-update-file-contents", "PUT", start, first)

    ref = {"ref": "refs/heads/topic", "sha": new}
    call("git/create-ref", "POST", f"{SHOP}/git/refs", ref)
    back = {"sha": old, "force": True}
    call("git/update-ref", "PATCH", f"{SHOP}/git/refs/heads/topic", back)
    call("git/update-ref", "PATCH", f"{SHOP}/git/refs/heads/topic", {"sha": new})
    proposed = {"title": "Older", "head": "topic", "base": "main"}
    call("git/update-ref", "PATCH", f"{SHOP}/git/refs/heads/topic", back)
    pull = call("pulls/create", "POST", f"{SHOP}/pulls", proposed)
    mine = f"{SHOP}/pulls/{pull['number']}"
    call("pulls/list", "GET", f"{SHOP}/pulls?state=all&sort=updated&direction=desc")
    call("pulls/get", "GET", mine)
    call("pulls/update", "PATCH", mine, {"title": "Older still"})
    call("pulls/create-review", "POST", f"{mine}/reviews", {"event": "COMMENT", "body": "Hm"})
    call("pulls/list-reviews", "GET", f"{mine}/reviews")
    call("pulls/list-requested-reviewers", "GET", f"{mine}/requested_reviewers")
    call("pulls/list-commits", "GET", f"{mine}/commits")
    merge = call("pulls/merge", "PUT", f"{mine}/merge", {"merge_method": "squash"})
    of_commit = "repos/list-pull-requests-associated-with-commit"
    call(of_commit, "GET", f"{SHOP}/commits/{merge['sha']}/pulls")
    call("git/create-ref", "POST", f"{SHOP}/git/refs", ref)
    call("git/delete-ref", "DELETE", f"{SHOP}/git/refs/heads/topic")

    issue = call("issues/create", "POST", f"{SHOP}/issues", {"title": "New", "labels": ["bug"]})
    mine = f"{SHOP}/issues/{issue['number']}"
    said = call("issues/create-comment", "POST", f"{mine}/comments", {"body": "Seen"})
    call("issues/get-comment", "GET", f"{SHOP}/issues/comments/{said['id']}")
    call("issues/list-comments", "GET", f"{mine}/comments")
    people = {"assignees": ["release-manager"]}
    call("issues/add-assignees", "POST", f"{mine}/assignees", people)
    call("issues/remove-assignees", "DELETE", f"{mine}/assignees", people)
    call("issues/update", "PATCH", mine, {"state": "closed", "state_reason": "not_planned"})
    call("issues/get", "GET", mine)

    hook = {"config": {"url": "http://127.0.0.1:9/hook", "secret": "s"}, "events": ["push"]}
    made = call("repos/create-webhook", "POST", f"{SHOP}/hooks", hook)
    call("repos/list-webhooks", "GET", f"{SHOP}/hooks")
    call("repos/get-webhook", "GET", f"{SHOP}/hooks/{made['id']}")
    call("repos/ping-webhook", "POST", f"{SHOP}/hooks/{made['id']}/pings")
    call("repos/delete-webhook", "DELETE", f"{SHOP}/hooks/{made['id']}")

    call("apps/get-authenticated", "GET", "/app", by=app)
    (installed,) = call("apps/list-installations", "GET", "/app/installations", by=app)
    mine = f"/app/installations/{installed['id']}"
    call("apps/get-installation", "GET", mine, by=app)
    create = "apps/create-installation-access-token"
    token = call(create, "POST", f"{mine}/access_tokens", by=app)["token"]
    robot = GitHub(url, token)
    accessible = "apps/list-repos-accessible-to-installation"
    call(accessible, "GET", "/installation/repositories", by=robot)

    old_shop = "/repos/example-shop/old-shop"
    call("repos/update", "PATCH", old_shop, {"name": "older-shop"})
    moving = {"new_owner": "release-manager"}
    call("repos/transfer", "POST", "/repos/example-shop/older-shop/transfer", moving)
    call("repos/delete", "DELETE", "/repos/release-manager/older-shop")
    return told


Delivery = tuple[str, Any]


@pytest.fixture(scope="module")
def lived() -> Iterator[tuple[list[tuple[str, Any]], list[Delivery]]]:
    """What was answered, and what webhooks told meanwhile: (event, payload) of each."""
    with SandboxServer(seed=1, speed=6, scenario="default") as server, listening() as ear:
        server.clock.hold()
        for repository in (SHOP, "/repos/example-shop/old-shop"):
            hook = {"config": {"url": ear.url}, "events": ["*"]}
            assert GitHub(server.url).post(f"{repository}/hooks", json=hook).ok
        answers = story(server.url)
        server.clock.advance(600)
        last = GitHub(server.url).post(f"{SHOP}/issues", json={"title": "The last"}).json()
        heard: list[Delivery] = []
        while not any(one.get("issue", {}).get("id") == last["id"] for _, one in heard):
            waited = ear.wait(len(heard) + 1)
            heard = [(headers["x-github-event"], json.loads(body)) for headers, body in waited]
        yield answers, heard


@pytest.fixture(scope="module")
def told(lived):
    return lived[0]


def test_every_answer_is_as_the_vendor_describes_it(told, described):
    contract = Contract(described, SLIPS)
    wrong = []
    for operation, answer in told:
        assert answer.ok, (operation, answer.status_code, answer.text[:300])
        is_json = answer.content and "json" in answer.headers["content-type"]
        body = answer.json() if is_json else None
        wrong += contract.complaints(operation, answer.status_code, body)
    assert wrong == []


EVENTS = {
    "check_run",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "issue_comment",
    "issues",
    "ping",
    "pull_request",
    "pull_request_review",
    "push",
    "repository",
    "status",
}


def test_every_webhook_is_as_the_vendor_describes_it(lived, described):
    contract = Contract(described)
    wrong = [one for event, payload in lived[1] for one in contract.delivery(event, payload)]
    assert sorted(set(wrong)) == []
    assert {event for event, _ in lived[1]} == EVENTS


def test_the_validator_would_notice(described):
    contract = Contract(described)
    assert contract.delivery("push", {"ref": "refs/heads/main"})
    assert contract.delivery("issues", {"action": "eaten"}) == ["issues-eaten is no webhook"]
    assert contract.complaints("repos/list-branches", 200, [{"name": "main"}])
    assert contract.complaints("repos/list-branches", 299, [])
    assert contract.complaints("issues/get", 200, {"id": "seven"})


def test_every_operation_that_is_served_was_called(told):
    site = GitHubSite(World(seed=1, speed=0), Faults())
    assert set(site.routes().operations()) == {operation for operation, _ in told}


def test_every_path_that_is_served_is_one_of_the_vendors(described):
    """By method and form; what is called {x} has any name."""
    blank = re.compile(r"\{[^}]*\}")
    theirs = {
        (method.upper(), blank.sub("{}", path), operation["operationId"])
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    site = GitHubSite(World(seed=1, speed=0), Faults())
    ours = {
        (method, blank.sub("{}", path), operation)
        for method, path, operation in site.routes().paths()
    }
    # Older servers listed references there.
    ours.discard(("GET", "/repos/{}/{}/git/refs", "git/list-matching-refs"))
    assert ours - theirs == set()
