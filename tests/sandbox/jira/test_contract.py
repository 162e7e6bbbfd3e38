"""What the simulated Jira answers as Cloud is what Atlassian's own OpenAPI descriptions allow."""

from typing import Any

import pytest

from apps.sandbox.faults import Faults
from apps.sandbox.jira.door import JiraSite
from apps.sandbox.process import SandboxProcess
from apps.sandbox.world import World
from tests.jira.test_contract import fields_of
from tests.sandbox.sites import Jira
from tests.vendors import Contract, Described, jira

from .test_jira import DOCUMENT, deployment

# Described nowhere: how tokens are given, and which cloud a site is.
BESIDE = {"getAccessToken", "getTenantInfo"}
# Of version 2 alone: they list by number what version 3 lists by token.
OLDER = {"searchForIssuesUsingJql", "searchForIssuesUsingJqlPost"}


@pytest.fixture(scope="module")
def described() -> Described:
    """The platform's description, with what Jira Software has beside it."""
    platform, software = jira(), jira("software")
    paths = {path: told for path, told in software["paths"].items() if "/deployments/" in path}
    # Both name their components alike in places; theirs are put in line, so that they stay apart.
    return {**platform, "paths": {**platform["paths"], **inlined(paths, software)}}


def inlined(told: Any, described: Described) -> Any:
    """Return a part of a description with what it refers to in its place."""
    if isinstance(told, list):
        return [inlined(one, described) for one in told]
    if not isinstance(told, dict):
        return told
    if "$ref" in told:
        found: Any = described
        for name in told["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return inlined(found, described)
    return {name: inlined(value, described) for name, value in told.items()}


def story(url: str) -> list[tuple[str, Any]]:
    """Calls every operation, and returns (operation, answer) of each."""
    cloud = Jira(url)
    told: list[tuple[str, Any]] = []

    def call(operation: str, method: str, path: str, by: Any = None, **more: Any) -> Any:
        answer = (by or cloud).request(method, path, **more)
        told.append((operation, answer))
        return answer.json() if answer.content else {}

    mine = call("getCurrentUser", "GET", "/myself")
    for operation, path in (
        ("getServerInfo", "/serverInfo"),
        ("getMyPermissions", "/mypermissions?permissions=BROWSE_PROJECTS"),
        ("getFields", "/field"),
        ("searchProjects", "/project/search"),
        ("getAllProjects", "/project"),
        ("getProject", "/project/SHOP"),
        ("getAllStatuses", "/project/SHOP/statuses"),
        ("getIssueAllTypes", "/issuetype"),
        ("getPriorities", "/priority"),
        ("getStatuses", "/status"),
        ("getCreateIssueMetaIssueTypes", "/issue/createmeta/SHOP/issuetypes"),
        ("getCreateIssueMetaIssueTypeId", "/issue/createmeta/SHOP/issuetypes/10001"),
        ("findAssignableUsers", "/user/assignable/search?project=SHOP"),
        ("getUser", f"/user?accountId={mine['accountId']}"),
        ("searchAndReconsileIssuesUsingJql", "/search/jql?jql=project = SHOP&fields=*all"),
        ("getIssue", "/issue/SHOP-31?expand=transitions,changelog"),
        ("getComments", "/issue/SHOP-31/comment?expand=properties"),
        ("getTransitions", "/issue/SHOP-31/transitions"),
    ):
        call(operation, "GET", path)
    query = {"jql": "project = SHOP", "fields": ["*all"]}
    call("searchAndReconsileIssuesUsingJqlPost", "POST", "/search/jql", json=query)
    call("countIssues", "POST", "/search/approximate-count", json={"jql": "project = SHOP"})
    call("parseJqlQueries", "POST", "/jql/parse", json={"queries": ["project = SHOP"]})

    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "New"}
    made = call("createIssue", "POST", "/issue", json={"fields": fields})
    issue = f"/issue/{made['key']}"
    call("editIssue", "PUT", issue, json={"fields": {"summary": "Newer"}})
    call("assignIssue", "PUT", f"{issue}/assignee", json={"accountId": mine["accountId"]})
    call("addComment", "POST", f"{issue}/comment", json={"body": DOCUMENT})
    ways = cloud.get(f"{issue}/transitions").json()["transitions"]
    way = {"transition": {"id": ways[0]["id"]}}
    call("doTransition", "POST", f"{issue}/transitions", json=way)
    link = {"globalId": "g1", "object": {"url": "https://dash.example.com/1", "title": "Out"}}
    call("createOrUpdateRemoteIssueLink", "POST", f"{issue}/remotelink", json=link)
    call("getRemoteIssueLinks", "GET", f"{issue}/remotelink")
    gone = f"{issue}/remotelink?globalId=g1"
    call("deleteRemoteIssueLinkByGlobalId", "DELETE", gone)
    call("setIssueProperty", "PUT", f"{issue}/properties/mark", json={"a": 1})
    call("getIssueProperty", "GET", f"{issue}/properties/mark")
    call("deleteIssue", "DELETE", issue)

    wanted = {"grant_type": "client_credentials", "client_id": "sandbox-app"}
    token = cloud.post("/oauth/token", json={**wanted, "client_secret": "sandbox-secret"}).json()
    client = Jira(url, token["access_token"], cloud=False)
    bulk = {"deployments": [deployment(12, 1, "SHOP-1", "NOPE-7", description="Out")]}
    call("submitDeployments", "POST", "/rest/deployments/0.1/bulk", by=client, json=bulk)
    read = "/rest/deployments/0.1/pipelines/checkout-web/environments/production/deployments/12"
    call("getDeploymentByKey", "GET", read, by=client)
    return told


@pytest.fixture(scope="module")
def told():
    with SandboxProcess("--seed", "1", "--speed", "0") as server:
        yield story(server.url)


def test_every_answer_is_as_the_vendor_describes_it(told, described):
    contract = Contract(described)
    wrong = []
    for operation, answer in told:
        assert answer.ok, (operation, answer.status_code, answer.text[:300])
        body = answer.json() if answer.content else None
        wrong += contract.complaints(operation, answer.status_code, body)
        wrong += fields_of(contract, body)
    assert sorted(set(wrong)) == []


def test_the_validator_would_notice(described):
    contract = Contract(described)
    assert contract.complaints("countIssues", 200, {"total": 7})
    assert contract.complaints("submitDeployments", 202, {"acceptedDeployments": 7})
    issue = {"key": "SHOP-1", "fields": {"status": {"name": 7}}}
    assert contract.complaints("getIssue", 200, issue) == []
    assert fields_of(contract, issue)


def test_every_operation_that_is_served_was_called(told):
    site = JiraSite(World(seed=1, speed=0), Faults())
    called = {operation for operation, _ in told}
    assert set(site.routes().operations()) - BESIDE - OLDER == called
