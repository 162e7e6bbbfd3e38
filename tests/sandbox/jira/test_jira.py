"""The simulated Jira answers as its two editions do, and keeps to its workflows."""

import pytest

from apps.sandbox.jira import writing
from apps.sandbox.jira.model import Jira as Store
from apps.sandbox.process import SandboxProcess
from apps.sandbox.server import SandboxServer
from tests.sandbox.sites import Jira

DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "It broke"}]}],
}


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
def cloud(server):
    return Jira(server.url)


@pytest.mark.parametrize(
    ("token", "status"), [("sandbox-expired", 401), ("sandbox-revoked", 403), ("stolen", 401)]
)
def test_credentials_that_are_none_are_refused(shop, token, status):
    for cloud in (True, False):
        answer = Jira(shop.url, token, cloud=cloud).get("/myself")
        assert answer.status_code == status
        assert answer.json()["errorMessages"]


def test_the_two_editions_name_people_and_bodies_differently(shop):
    cloud, center = Jira(shop.url), Jira(shop.url, cloud=False)
    assert cloud.get("/serverInfo").json()["deploymentType"] == "Cloud"
    assert center.get("/serverInfo").json()["deploymentType"] == "Server"
    assert "accountId" in cloud.get("/myself").json()
    assert center.get("/myself").json()["name"] == "codestar-dash"
    there, here = (one.get("/issue/SHOP-31").json()["fields"] for one in (cloud, center))
    assert there["description"]["type"] == "doc"
    assert here["description"].startswith("A basket of three showed 10.01")
    assert there["customfield_10020"][0]["name"].startswith("SHOP Sprint")
    assert "name=SHOP Sprint" in here["customfield_10020"][0]
    assert center.get("/rest/api/3/myself").status_code == 404


def test_cloud_pages_by_token_and_data_center_by_number(shop):
    cloud, center = Jira(shop.url), Jira(shop.url, cloud=False)
    query = "project in (SHOP, DATA) ORDER BY key ASC"
    found = cloud.search(query, maxResults=20)
    assert len(found) == len(set(found)) > 100
    there: list[str] = []
    while True:
        asked = {"jql": query, "startAt": len(there), "maxResults": 30}
        page = center.get("/search", params=asked).json()
        there += [issue["key"] for issue in page["issues"]]
        if len(there) >= page["total"]:
            break
    assert there == found
    assert cloud.get("/search", params={"jql": query}).status_code == 410
    other = cloud.get("/search/jql", params={"jql": query}).json()["nextPageToken"]
    wrong = cloud.get("/search/jql", params={"jql": "project = SHOP", "nextPageToken": other})
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    ("query", "includes", "excludes"),
    [
        ("project = SHOP AND type = Epic", "SHOP-1", "SHOP-4"),
        ("key in (SHOP-31, data-4)", "DATA-4", "SHOP-30"),
        ("statusCategory = Done AND project = DATA", "DATA-3", "DATA-1"),
        ("status in ('Blocked') OR key = DATA-9", "SHOP-13", "SHOP-1"),
        ("labels = security AND NOT key = DATA-16", "SHOP-16", "DATA-16"),
        ('text ~ "tax office"', "SHOP-31", "SHOP-30"),
        ('summary ~ "round once" AND sprint is not EMPTY', "SHOP-31", "SHOP-32"),
        ("parent = SHOP-2 AND priority >= High", "SHOP-31", "SHOP-26"),
        ("project = SHOP AND created <= -1d AND key < SHOP-5", "SHOP-4", "SHOP-5"),
        ("assignee is EMPTY AND project = SHOP", "SHOP-3", "SHOP-1"),
        ("sprint in closedSprints()", "SHOP-4", "SHOP-3"),
        ("updated >= 2020-01-01 AND key = SHOP-1", "SHOP-1", "SHOP-2"),
    ],
)
def test_a_query_finds_what_it_says(shop, query, includes, excludes):
    found = Jira(shop.url).search(query)
    assert includes in found
    assert excludes not in found


def test_a_query_orders_what_it_finds(shop):
    jira = Jira(shop.url)
    assert jira.search("key in (SHOP-2, SHOP-1, DATA-1) ORDER BY key DESC") == [
        "SHOP-2",
        "SHOP-1",
        "DATA-1",
    ]
    asked = {"jql": "project = SHOP ORDER BY updated DESC", "fields": "updated"}
    page = jira.get("/search/jql", params=asked).json()["issues"]
    times = [issue["fields"]["updated"] for issue in page]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("colour = red", "Field 'colour' does not exist or you do not have permission to view it."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("project SHOP", "Expecting operator but got 'SHOP'."),
        ("project =", "Expecting either a value, list or function before the end of the query."),
        ("project = SHOP project = DATA", "Expecting either 'OR' or 'AND' but got 'project'."),
        ("(project = SHOP", "Expecting ')' before the end of the query."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("updated >= yesterday", "Date value 'yesterday' for field 'updated' is invalid."),
        ("assignee = whoAmI()", "Unable to find JQL function 'whoAmI()'."),
        ("ORDER BY created", "Unbounded JQL queries are not allowed here."),
        ("", "Unbounded JQL queries are not allowed here."),
    ],
)
def test_a_query_it_rejects_is_rejected_in_its_own_words(shop, query, message):
    answer = Jira(shop.url).get("/search/jql", params={"jql": query})
    assert answer.status_code == 400
    assert message in answer.json()["errorMessages"][0]


def test_an_issue_is_made_commented_assigned_and_moved_on(cloud):
    fields = {
        "project": {"key": "SHOP"},
        "issuetype": {"name": "Bug"},
        "summary": "Made by a test",
        "description": DOCUMENT,
        "labels": ["from-a-test"],
    }
    properties = [{"key": "mark", "value": "deed-1"}]
    made = cloud.post("/issue", json={"fields": fields, "properties": properties})
    assert made.status_code == 201
    path = f"/issue/{made.json()['key']}"
    assert cloud.get(path, params={"properties": "mark"}).json()["properties"] == {"mark": "deed-1"}
    said = cloud.post(f"{path}/comment", json={"body": DOCUMENT, "properties": properties})
    assert said.status_code == 201
    listed = cloud.get(f"{path}/comment", params={"expand": "properties"}).json()
    assert listed["comments"][0]["properties"] == properties
    (person,) = cloud.get(
        "/user/assignable/search", params={"project": "SHOP", "query": "release"}
    ).json()
    chosen = {"accountId": person["accountId"]}
    assert cloud.put(f"{path}/assignee", json=chosen).status_code == 204
    ways = cloud.get(f"{path}/transitions").json()["transitions"]
    assert {way["name"] for way in ways} == {"Start progress", "Won't do"}
    illegal = cloud.post(f"{path}/transitions", json={"transition": {"id": "51"}})
    assert illegal.status_code == 400
    assert cloud.post(f"{path}/transitions", json={"transition": {"id": "21"}}).status_code == 204
    found = cloud.get(path).json()["fields"]
    assert found["status"]["statusCategory"]["key"] == "indeterminate"
    assert found["assignee"]["displayName"] == "Release manager"
    assert cloud.put(f"{path}/assignee", json={"accountId": None}).status_code == 204
    assert cloud.get(path).json()["fields"]["assignee"] is None


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"summary": ""}, "summary", "You must specify a summary of the issue."),
        ({"summary": "x" * 256}, "summary", "Summary can't exceed 255 characters."),
        ({"description": "text"}, "description", "must be an Atlassian Document"),
        ({"issuetype": {"name": "Wish"}}, "issuetype", "Specify a valid issue type"),
        ({"project": {"key": "NOPE"}}, "project", "Specify a valid project ID or key"),
        ({"labels": ["two words"]}, "labels", "contains spaces"),
        ({"assignee": {"accountId": "nobody"}}, "assignee", "cannot be assigned issues"),
        ({"customfield_1": 1}, "customfield_1", "cannot be set"),
    ],
)
def test_an_issue_that_is_wrong_is_refused_field_by_field(shop, change, field, message):
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "T", **change}
    answer = Jira(shop.url).post("/issue", json={"fields": fields})
    assert answer.status_code == 400
    assert message in answer.json()["errors"][field]


def test_a_moved_issue_is_found_by_its_old_key_and_a_deleted_one_is_not(server, cloud):
    assert cloud.get("/issue/SHOP-3").json()["key"] == "SHOP-3"
    with server.world.lock:
        store = server.world.of(Store)
        writing.move(
            server.world, store.issues["SHOP-3"], store.projects["DATA"], "release-manager"
        )
    moved = cloud.get("/issue/SHOP-3").json()
    assert moved["key"].startswith("DATA-")
    assert cloud.search("key = SHOP-3") == [moved["key"]]
    assert cloud.delete("/issue/SHOP-4").status_code == 204
    gone = cloud.get("/issue/SHOP-4")
    text = "Issue does not exist or you do not have permission to see it."
    assert (gone.status_code, gone.json()["errorMessages"]) == (404, [text])


def test_a_remote_link_of_the_same_id_is_replaced(cloud):
    link = {"globalId": "execution-1", "object": {"url": "https://dash.example.com", "title": "1"}}
    first = cloud.post("/issue/SHOP-1/remotelink", json=link)
    link["object"]["title"] = "2"
    again = cloud.post("/issue/SHOP-1/remotelink", json=link)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    (listed,) = cloud.get("/issue/SHOP-1/remotelink").json()
    assert listed["object"]["title"] == "2"
    assert cloud.post("/issue/SHOP-1/remotelink", json={"object": {}}).status_code == 400


def test_it_asks_to_wait_when_it_is_asked_too_often(server, cloud):
    server.faults.add("secondary", service="jira", operation="getIssue", seconds=3)
    answer = cloud.get("/issue/SHOP-1")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert cloud.get("/myself").ok


def deployment(number, update, *keys, **members):
    return {
        "deploymentSequenceNumber": number,
        "updateSequenceNumber": update,
        "associations": [{"associationType": "issueKeys", "values": list(keys)}],
        "displayName": "checkout-web 12",
        "url": "https://dash.example.com/1",
        "description": "",
        "lastUpdated": "2026-11-28T22:00:00Z",
        "state": "successful",
        "pipeline": {"id": "checkout-web", "displayName": "checkout-web", "url": "https://x.test"},
        "environment": {"id": "production", "displayName": "Production", "type": "production"},
        **members,
    }


def test_the_deployments_panel_takes_what_a_client_tells(server, cloud):
    wanted = {"grant_type": "client_credentials", "client_id": "sandbox-app"}
    refused = cloud.post("/oauth/token", json={**wanted, "client_secret": "sandbox-expired"})
    assert refused.status_code == 401
    token = cloud.post("/oauth/token", json={**wanted, "client_secret": "sandbox-secret"}).json()
    client = Jira(server.url, token["access_token"], cloud=False)
    bulk = "/rest/deployments/0.1/bulk"
    told = [
        deployment(12, 2, "SHOP-1", "NOPE-7", description="Out"),
        deployment(12, 1, "SHOP-1", description="An older word", state="in_progress"),
        deployment(13, 1, "NOPE-8", description="x"),
        deployment(14, 1, "SHOP-1", description="x", state="fine"),
    ]
    answer = client.post(bulk, json={"deployments": told})
    assert answer.status_code == 202
    body = answer.json()
    accepted = [one["deploymentSequenceNumber"] for one in body["acceptedDeployments"]]
    rejected = [one["key"]["deploymentSequenceNumber"] for one in body["rejectedDeployments"]]
    assert (accepted, rejected) == ([12, 12], [13, 14])
    assert body["unknownIssueKeys"] == ["NOPE-7", "NOPE-8"]
    read = "/rest/deployments/0.1/pipelines/checkout-web/environments/production/deployments/12"
    assert client.get(read).json()["state"] == "successful"
    refused = cloud.post(bulk, json={"deployments": told})
    assert refused.status_code == 401
    assert refused.json()["message"] == "Unauthorized; scope does not match"


def test_the_deployments_panel_keeps_the_greatest_number_and_judges_what_it_is_told(server, cloud):
    wanted = {"grant_type": "client_credentials", "client_id": "sandbox-app"}
    token = cloud.post("/oauth/token", json={**wanted, "client_secret": "sandbox-secret"}).json()
    client = Jira(server.url, token["access_token"], cloud=False)
    cloud_id = cloud.get("/_edge/tenant_info").json()["cloudId"]
    base = f"/deployments/0.1/cloud/{cloud_id}"

    def tell(*told):
        return client.post(f"{base}/bulk", json={"deployments": list(told)})

    def stands():
        place = "pipelines/checkout-web/environments/production/deployments/40"
        return client.get(f"{base}/{place}").json()["state"]

    tell(deployment(40, 5, "SHOP-1", description="x", state="in_progress"))
    # The same number again is accepted, and changes nothing.
    again = tell(deployment(40, 5, "SHOP-1", description="x", state="failed")).json()
    assert (len(again["acceptedDeployments"]), stands()) == (1, "in_progress")
    tell(deployment(40, 6, "SHOP-1", description="x"))
    assert stands() == "successful"
    for wrong in ({"lastUpdated": "lately"}, {"updateSequenceNumber": "7"}):
        body = tell(deployment(41, 1, "SHOP-1", description="x", **wrong)).json()
        assert [one["key"]["deploymentSequenceNumber"] for one in body["rejectedDeployments"]] == [
            41
        ]
    many = tell(deployment(42, 1, *(f"SHOP-{n}" for n in range(501)), description="x"))
    assert (many.status_code, "Found 501" in many.json()["errorMessages"][0]) == (400, True)
