"""Webhooks name what is read again; one that says nonsense names nothing."""

from typing import Any

import pytest

from apps.github.hooks import EVENTS
from apps.mirror.ingest import Event, is_heard, names_in
from apps.mirror.resource import REGISTER, Names

SHOP: dict[str, Any] = {"repository": {"full_name": "example/shop", "id": 4001}}
SHA = "a1" * 20


def named(what: str, **detail: Any) -> list[Names]:
    return names_in(Event("api.github.com/1", "github", what, {**SHOP, **detail}))


REPOSITORY = Names(kind="github.repository", key="example/shop")
TRACKER = Names(kind="github.tracker", key="example/shop")
PULL = Names(kind="github.pullrequest", key="example/shop#12")
ISSUE = Names(kind="github.issue", key="example/shop#7")


@pytest.mark.parametrize(
    ("what", "detail", "names"),
    [
        ("push", {"ref": "refs/heads/main", "after": SHA, "forced": True}, [REPOSITORY]),
        ("repository", {"action": "renamed"}, [REPOSITORY, TRACKER]),
        ("pull_request", {"pull_request": {"number": 12}}, [PULL]),
        ("pull_request_review", {"pull_request": {"number": 12}}, [PULL]),
        ("pull_request_review_comment", {"pull_request": {"number": 12}}, [PULL]),
        ("check_run", {"check_run": {"pull_requests": [{"number": 12}]}}, [PULL]),
        ("check_suite", {"check_suite": {"pull_requests": [{"number": 12}]}}, [PULL]),
        ("check_suite", {"check_suite": {"pull_requests": []}}, []),
        ("status", {"sha": SHA}, [Names(kind="github.pullrequest", parent="example/shop")]),
        (
            "commit_comment",
            {"comment": {"commit_id": SHA}},
            [Names(kind="github.commit", key=f"example/shop/{SHA}")],
        ),
        ("issues", {"issue": {"number": 7}}, [ISSUE]),
        ("issue_comment", {"issue": {"number": 7}}, [ISSUE]),
        ("issue_comment", {"issue": {"number": 12, "pull_request": {}}}, [PULL]),
        ("installation", {"repositories": [{"full_name": "example/shop"}]}, [REPOSITORY]),
        (
            "installation_repositories",
            {"repositories_removed": [{"full_name": "example/shop"}]},
            [REPOSITORY],
        ),
        ("ping", {"zen": "Speak like a human."}, []),
        ("star", {}, []),
    ],
)
def test_an_event_names_what_is_read_again(what: str, detail: dict[str, Any], names: list[Names]):
    assert sorted(named(what, **detail), key=str) == sorted(names, key=str)


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
