"""Webhooks name what is read again; one that says nonsense names nothing."""

from typing import Any

import pytest

from apps.github.hooks import EVENTS
from apps.mirror.ingest import Event, is_heard, names_in
from apps.mirror.resource import REGISTER, Names
from tests.vendors import Contract, github, parts_of

SHOP: dict[str, Any] = {"repository": {"full_name": "example/shop", "id": 4001}}
SHA = "a1" * 20


def named(what: str, **detail: Any) -> list[Names]:
    return names_in(Event("api.github.com/1", "github", what, {**SHOP, **detail}))


REPOSITORY = Names(kind="github.repository", key="example/shop")
TRACKER = Names(kind="github.tracker", key="example/shop")
PULL = Names(kind="github.pullrequest", key="example/shop#12")
ISSUE = Names(kind="github.issue", key="example/shop#7")


PUSH = {"ref": "refs/heads/main", "after": SHA, "forced": True}
RENAMED = {"action": "renamed", "changes": {"repository": {"name": {"from": "store"}}}}
IN = {"pull_requests": [{"number": 12}]}
CHOSEN = [{"full_name": "example/shop"}]
HEARD: list[tuple[str, dict[str, Any], list[Names]]] = [
    ("push", PUSH, [REPOSITORY]),
    ("repository", RENAMED, [REPOSITORY, TRACKER]),
    ("pull_request", {"action": "opened", "pull_request": {"number": 12}}, [PULL]),
    ("pull_request_review", {"action": "submitted", "pull_request": {"number": 12}}, [PULL]),
    ("pull_request_review_comment", {"action": "created", "pull_request": {"number": 12}}, [PULL]),
    ("check_run", {"action": "completed", "check_run": IN}, [PULL]),
    ("check_suite", {"action": "completed", "check_suite": IN}, [PULL]),
    ("check_suite", {"action": "completed", "check_suite": {"pull_requests": []}}, []),
    ("status", {"sha": SHA}, [Names(kind="github.pullrequest", parent="example/shop")]),
    (
        "commit_comment",
        {"action": "created", "comment": {"commit_id": SHA}},
        [Names(kind="github.commit", key=f"example/shop/{SHA}")],
    ),
    ("issues", {"action": "closed", "issue": {"number": 7}}, [ISSUE]),
    ("issue_comment", {"action": "created", "issue": {"number": 7}}, [ISSUE]),
    ("issue_comment", {"action": "created", "issue": {"number": 12, "pull_request": {}}}, [PULL]),
    ("installation", {"action": "created", "repositories": CHOSEN}, [REPOSITORY]),
    (
        "installation_repositories",
        {"action": "removed", "repositories_removed": CHOSEN},
        [REPOSITORY],
    ),
    ("ping", {"zen": "Speak like a human."}, []),
    ("star", {"action": "created"}, []),
]


@pytest.mark.parametrize(("what", "detail", "names"), HEARD)
def test_an_event_names_what_is_read_again(what: str, detail: dict[str, Any], names: list[Names]):
    assert sorted(named(what, **detail), key=str) == sorted(names, key=str)


def test_they_are_parts_of_what_github_says_it_sends():
    parts = Contract(parts_of(github()))
    assert [one for what, told, _ in HEARD for one in parts.delivery(what, {**SHOP, **told})] == []
    assert parts.delivery("status", {"sha1": SHA})
    assert parts.delivery("check_run", {"action": "completed", "check_run": {"pulls": []}})


@pytest.mark.parametrize("what", EVENTS)
@pytest.mark.parametrize("repository", [None, [], "x", {"full_name": 7}, {}])
def test_nonsense_breaks_nothing(what: str, repository: Any):
    told = {"repository": repository, "issue": [], "pull_request": None, "check_run": 7}
    for name in names_in(Event("api.github.com/1", "github", what, told)):
        assert isinstance(name.key, str)


def test_every_event_that_people_are_asked_to_tick_is_heard():
    assert all(is_heard(Event("x", "github", what, {})) for what in EVENTS)
    heard = {one.detail_type for kind in REGISTER.of("github") for one in kind.events}
    assert heard == set(EVENTS)
