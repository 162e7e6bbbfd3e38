"""The simulated GitHub keeps quotas, remembers what is done to it, and lives with the pipelines."""

import json
import time

import jwt
import pytest

from apps.sandbox.codepipeline.model import PipelineStore
from apps.sandbox.github import writing
from apps.sandbox.github.model import GitHub as Store
from apps.sandbox.process import SandboxProcess
from apps.sandbox.server import SandboxServer
from tests.sandbox.conftest import Aws
from tests.sandbox.sites import SHOP, GitHub


@pytest.fixture(scope="module")
def shop():
    """The default scenario, only to be read."""
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        yield server


@pytest.fixture
def server():
    with SandboxServer(seed=1, speed=0, scenario="default") as server:
        yield server


@pytest.fixture
def hub(server):
    return GitHub(server.url)


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        ("sandbox-expired", 401, "Bad credentials"),
        ("stolen", 401, "Bad credentials"),
        ("sandbox-revoked", 403, "Resource not accessible by personal access token"),
        ("a.b.c", 401, "A JSON web token could not be decoded"),
    ],
)
def test_credentials_that_are_none_are_refused_in_its_own_words(shop, token, status, message):
    answer = GitHub(shop.url, token).get("/user")
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_without_credentials_it_wants_some(shop):
    hub = GitHub(shop.url)
    del hub.headers["Authorization"]
    assert hub.get("/user").status_code == 401


def test_an_app_that_has_expired_is_refused(shop):
    claims = {"iss": "4711", "exp": int(time.time()) - 9000}
    token = jwt.encode(claims, "x" * 32, algorithm="HS256")
    assert GitHub(shop.url, token).get("/app").status_code == 401


def test_what_is_remembered_by_its_etag_costs_nothing(shop):
    hub = GitHub(shop.url, "sandbox-thrifty")
    first = hub.get(f"{SHOP}/branches")
    again = hub.get(f"{SHOP}/branches", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    left = first.headers["x-ratelimit-remaining"], again.headers["x-ratelimit-remaining"]
    assert left == ("4999", "4999")
    assert hub.get("/rate_limit").json()["rate"]["used"] == 1


def test_an_etag_changes_with_what_it_stands_for(server, hub):
    before = hub.get(f"{SHOP}/issues").headers["etag"]
    hub.post(f"{SHOP}/issues", json={"title": "New"})
    after = hub.get(f"{SHOP}/issues", headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.json()[0]["title"] == "New"


def test_a_spent_quota_is_refused_until_its_window_ends(server, hub):
    server.faults.add("quota", rate=2)
    assert hub.get(SHOP).headers["x-ratelimit-remaining"] == "1"
    assert hub.get(SHOP).ok
    spent = hub.get(SHOP)
    assert (spent.status_code, spent.headers["x-ratelimit-remaining"]) == (403, "0")
    assert spent.json()["message"].startswith("API rate limit exceeded")
    assert int(spent.headers["x-ratelimit-reset"]) >= int(time.time()) + 3500
    assert hub.get("/rate_limit").ok
    server.faults.clear()
    assert hub.get(SHOP).ok


@pytest.mark.parametrize(
    ("fault", "status", "header"),
    [
        ({"kind": "secondary", "seconds": 7}, 403, ("retry-after", "7")),
        ({"kind": "expired"}, 401, None),
        ({"kind": "deny"}, 403, None),
        ({"kind": "error", "status": 502}, 502, None),
        ({"kind": "html"}, 502, ("content-type", "text/html")),
    ],
)
def test_bad_days(server, hub, fault, status, header):
    server.faults.add(**fault, service="github", operation="repos/get")
    answer = hub.get(SHOP)
    assert answer.status_code == status
    if header:
        assert answer.headers[header[0]] == header[1]
    assert hub.get(f"{SHOP}/branches").ok


def test_a_renamed_repository_leads_to_where_it_is(server, hub):
    old = hub.get("/repos/example-shop/checkout-frontend/issues", allow_redirects=False)
    assert old.status_code == 301
    assert "/repositories/" in old.headers["location"]
    hub.patch(SHOP, json={"name": "till"})
    followed = hub.get(f"{SHOP}/branches/main")
    assert followed.json()["name"] == "main"
    assert hub.get(SHOP).json()["full_name"] == "example-shop/till"
    hub.post("/repos/example-shop/till/transfer", json={"new_owner": "release-manager"})
    assert hub.get(SHOP).json()["full_name"] == "release-manager/till"


def test_lists_come_in_pages_that_name_the_next(shop):
    hub, seen = GitHub(shop.url), []
    answer = hub.get(f"{SHOP}/commits", params={"per_page": 10})
    while True:
        seen += [commit["sha"] for commit in answer.json()]
        if "next" not in answer.links:
            break
        answer = hub.get(answer.links["next"]["url"])
    whole = [one["sha"] for one in hub.get(f"{SHOP}/commits", params={"per_page": 100}).json()]
    assert seen == whole
    assert len(set(seen)) == len(seen) > 30


def test_a_repository_without_commits_and_one_without_issues_say_so(shop):
    hub = GitHub(shop.url)
    empty = hub.get("/repos/example-shop/empty-start/commits")
    assert (empty.status_code, empty.json()["message"]) == (409, "Git Repository is empty.")
    listed = hub.get("/repos/example-shop/mobile-gateway/issues").json()
    assert listed
    assert all("pull_request" in issue for issue in listed)
    made = hub.post("/repos/example-shop/mobile-gateway/issues", json={"title": "x"})
    assert made.status_code == 410


def test_the_commits_that_executions_name_are_there(shop):
    hub, seen = GitHub(shop.url), 0
    client = Aws(shop.url)("codepipeline")
    for name in ("checkout-web", "checkout-api", "legacy-billing"):
        executions = client.list_pipeline_executions(pipelineName=name)
        for execution in executions["pipelineExecutionSummaries"]:
            for revision in execution["sourceRevisions"]:
                found = hub.get(f"/repos/example-shop/{name}/commits/{revision['revisionId']}")
                assert found.json()["commit"]["message"] in (
                    revision["revisionSummary"],
                    _told(revision["revisionSummary"]),
                )
                seen += 1
    assert seen > 30


def _told(summary: str) -> str:
    return json.loads(summary)["CommitMessage"] if summary.startswith("{") else summary


def test_a_push_closes_what_it_fixes_and_starts_the_pipelines_on_the_branch(server, hub):
    pipeline = server.world.place("111122223333", "eu-west-1").of(PipelineStore)
    before = pipeline.pipelines["checkout-web"].started_count
    main = hub.get(f"{SHOP}/git/ref/heads/main").json()["object"]["sha"]
    hub.post(f"{SHOP}/git/refs", json={"ref": "refs/heads/fix", "sha": main})
    issue = hub.post(f"{SHOP}/issues", json={"title": "Grey"}).json()["number"]
    one = server.world.of(Store).find("example-shop/checkout-web")
    with server.world.lock:
        writing.push(server.world, one, "fix", "SHOP-31 Paint it", "checkout-developer")
    body = {"title": "Paint it", "head": "fix", "base": "main", "body": f"Fixes #{issue}."}
    pull = hub.post(f"{SHOP}/pulls", json=body).json()["number"]
    merged = hub.put(f"{SHOP}/pulls/{pull}/merge", json={"merge_method": "squash"}).json()
    assert hub.get(f"{SHOP}/issues/{issue}").json()["state_reason"] == "completed"
    assert hub.get(f"{SHOP}/branches/fix").status_code == 404
    newest = pipeline.pipelines["checkout-web"].executions[0]
    assert pipeline.pipelines["checkout-web"].started_count == before + 1
    assert newest.revisions["Source"].sha == merged["sha"]
    assert newest.trigger_type == "Webhook"


def test_only_force_moves_a_branch_back(server, hub):
    commits = [one["sha"] for one in hub.get(f"{SHOP}/commits").json()]
    path = f"{SHOP}/git/refs/heads/main"
    # A protected branch wants its checks first, wherever it is moved to.
    topic = {"message": "T", "tree": hub.get(f"{SHOP}/git/trees/main").json()["sha"]}
    made = hub.post(f"{SHOP}/git/commits", json={**topic, "parents": commits[:1]}).json()["sha"]
    kept = hub.patch(path, json={"sha": made})
    assert (kept.status_code, "status check" in kept.json()["message"]) == (422, True)
    server.world.of(Store).find("example-shop/checkout-web").protected.clear()
    refused = hub.patch(path, json={"sha": commits[3]})
    assert (refused.status_code, refused.json()["message"]) == (422, "Update is not a fast forward")
    assert hub.patch(path, json={"sha": commits[3], "force": True}).ok
    assert hub.get(f"{SHOP}/commits").json()[0]["sha"] == commits[3]
    standing = hub.get(f"{SHOP}/compare/{commits[0]}...main").json()
    assert (standing["status"], standing["behind_by"]) == ("behind", 3)


def test_files_are_committed_as_git_keeps_them(server, hub):
    empty = "/repos/example-shop/empty-start"
    refused = hub.post(f"{empty}/git/blobs", json={"content": "x"})
    assert (refused.status_code, refused.json()["message"]) == (409, "Git Repository is empty.")
    first = {"message": "Begin", "content": "Zmlyc3QK"}
    elsewhere = hub.put(f"{empty}/contents/README.md", json={**first, "branch": "other"})
    assert elsewhere.status_code == 404
    made = hub.put(f"{empty}/contents/README.md", json=first).json()
    # Git's own id of "first".
    assert made["content"]["sha"] == "9c59e24b8393179a5d712de4f990178df5734d99"
    again = hub.put(f"{empty}/contents/README.md", json=first)
    assert (again.status_code, "wasn't supplied" in again.json()["message"]) == (422, True)
    tree = {"base_tree": made["commit"]["tree"]["sha"], "tree": []}
    for path, mode, text in (("a/b.sh", "100755", "run"), ("README.md", "100644", "second")):
        sha = hub.post(f"{empty}/git/blobs", json={"content": text}).json()["sha"]
        tree["tree"].append({"path": path, "mode": mode, "type": "blob", "sha": sha})
    grown = hub.post(f"{empty}/git/trees", json=tree).json()["sha"]
    parent = made["commit"]["sha"]
    commit = {"message": "Go on", "tree": grown, "parents": [parent]}
    second = hub.post(f"{empty}/git/commits", json=commit).json()["sha"]
    assert hub.patch(f"{empty}/git/refs/heads/main", json={"sha": second}).ok
    found = hub.get(f"{empty}/git/trees/main?recursive=1").json()["tree"]
    assert [(one["path"], one["mode"]) for one in found] == [
        ("README.md", "100644"),
        ("a", "040000"),
        ("a/b.sh", "100755"),
    ]
    told = hub.get(f"{empty}/commits/{second}").json()["files"]
    assert [(one["filename"], one["status"]) for one in told] == [
        ("README.md", "modified"),
        ("a/b.sh", "added"),
    ]


def test_a_token_that_may_only_read_writes_nothing(server):
    reader = GitHub(server.url, "sandbox-reader")
    assert reader.get(f"{SHOP}/branches/main").ok
    refused = reader.post(f"{SHOP}/git/blobs", json={"content": "x"})
    assert (refused.status_code, "X-OAuth-Scopes" in refused.headers) == (403, False)


def test_issues_are_changed_as_the_api_says(server, hub):
    wrong = hub.post(f"{SHOP}/issues", json={"title": " "})
    assert wrong.json()["errors"][0]["field"] == "title"
    made = hub.post(f"{SHOP}/issues", json={"title": "T", "body": "<b>", "labels": ["new label"]})
    path = f"{SHOP}/issues/{made.json()['number']}"
    assert made.json()["labels"][0]["name"] == "new label"
    stranger = hub.patch(path, json={"assignees": ["nobody-here"]})
    assert stranger.status_code == 422
    hub.patch(path, json={"assignees": ["release-manager"], "state": "closed"})
    found = hub.get(path).json()
    assert (found["state"], found["assignee"]["login"]) == ("closed", "release-manager")
    assert hub.get(path.replace("checkout-web", "nowhere")).status_code == 404
    archived = hub.post("/repos/example-shop/old-shop/issues", json={"title": "T"})
    assert archived.status_code == 403


def test_since_finds_what_was_touched_later(server, hub):
    moment = hub.get(SHOP, headers={"Time-Zone": "UTC"}).json()["updated_at"]
    made = hub.post(f"{SHOP}/issues", json={"title": "Later"}).json()
    found = hub.get(f"{SHOP}/issues", params={"state": "all", "since": made["updated_at"]}).json()
    assert made["number"] in [one["number"] for one in found]
    assert all(one["updated_at"] >= moment for one in found)


def test_statuses_and_deployments_stand_as_they_were_posted(server, hub):
    sha = hub.get(f"{SHOP}/commits").json()[0]["sha"]
    for state in ("pending", "failure"):
        wanted = {"state": state, "context": "pipeline/checkout-web"}
        assert hub.post(f"{SHOP}/statuses/{sha}", json=wanted).status_code == 201
    combined = hub.get(f"{SHOP}/commits/{sha}/status").json()
    assert (combined["state"], combined["total_count"]) == ("failure", 1)
    refused = hub.post(f"{SHOP}/deployments", json={"ref": sha})
    assert refused.status_code == 409
    long = {"state": "success", "description": "x" * 141}
    assert hub.post(f"{SHOP}/statuses/{sha}", json=long).status_code == 422


def test_the_same_seed_gives_the_same_history(monkeypatch):
    monkeypatch.setattr("apps.sandbox.clock.time.time", lambda: 1_800_000_000.0)
    pictures = []
    for seed in (3, 3, 4):
        with SandboxServer(seed=seed, speed=0, scenario="default") as server:
            pictures.append(
                [
                    (one.full_name, dict(one.branches), [it.title for it in one.issues.values()])
                    for one in server.world.of(Store).repositories.values()
                ]
            )
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]
