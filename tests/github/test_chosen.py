"""What is chosen is read, and nothing besides; one that cannot be read keeps none of the others."""

from typing import Any

import pytest

from apps.issues.models import Tracker
from apps.mirror.models import Operation, Scope
from apps.mirror.provider import Health
from apps.source.models import Repository
from tests.sites.flight import Said

from .conftest import Sweeper, played
from .test_collect import SHOP, answers, told_as
from .test_newest import reread

LISTED = ("github.repository", "github.tracker")


@pytest.mark.parametrize("kind", LISTED)
@pytest.mark.parametrize(
    ("selection", "comes"),
    [
        ({"owners": ["example"]}, False),
        ({"repositories": [SHOP]}, False),
        ({"owners": ["Another"]}, True),
        ({"repositories": ["another/SECRET"]}, True),
        ({}, True),
    ],
)
def test_a_webhook_brings_in_nothing_that_was_not_chosen(
    kind: str, selection: Any, comes: bool, github: Any, scope: Scope, db: None
):
    """Those of an organisation, and of an app, tell of every repository there."""
    flight = github(played(selection=selection))
    secret = {**answers(flight, "github:ReposGet"), "full_name": "another/secret", "id": 9999}
    told_as(flight, "github:ReposGet", secret, owner="another")
    reread(scope, kind, "another/secret")
    model = {"github.repository": Repository, "github.tracker": Tracker}[kind]
    assert model.objects.filter(key="another/secret").exists() is comes


@pytest.mark.parametrize(
    ("refusal", "health"),
    [
        (Said({"message": "Resource protected by organization SAML enforcement."}, 403,
              {"X-GitHub-SSO": "required; url=https://github.com/orgs/locked/sso"}), Health.DENIED),
        (Said({"message": "Not Found"}, 404), Health.DENIED),
        (Said({"message": "Server Error"}, 502), Health.FAILING),
    ],
)  # fmt: skip
def test_an_owner_that_cannot_be_read_stays_and_keeps_none_of_the_others(
    refusal: Said, health: Health, github: Any, sweep: Sweeper
):
    flight = github(played(selection={"owners": ["locked", "example"]}))
    organisation = answers(flight, "github:UsersGetByUsername", username="example")
    told_as(flight, "github:UsersGetByUsername", organisation, username="locked")
    theirs = {**answers(flight, "github:ReposListForOrg", org="example")[0], "id": 5001}
    theirs["full_name"] = "locked/away"
    told_as(flight, "github:ReposListForOrg", [theirs], org="locked")
    sweep(*LISTED)
    before = Repository.objects.filter(key="locked/away").values().get()
    told_as(flight, "github:ReposListForOrg", refusal, org="locked")
    renamed = answers(flight, "github:ReposListForOrg", org="example")
    told_as(
        flight,
        "github:ReposListForOrg",
        [{**renamed[0], "description": "Read all the same"}, *renamed[1:]],
        org="example",
    )
    sweep(*LISTED)
    assert Repository.objects.filter(key="locked/away").values().get() == before
    assert Tracker.objects.get(key="locked/away").gone_at is None
    assert Repository.objects.get(key=SHOP).description == "Read all the same"
    row = Operation.objects.get(kind="github.repository", operation="github:ReposListForOrg")
    assert (row.health, row.error.startswith("locked: "), bool(row.cure)) == (health, True, True)


def test_who_an_owner_is_is_asked_so_that_an_idle_sweep_costs_nothing(github: Any, sweep: Sweeper):
    """That a person is no organisation GitHub tells by 404, which counts each time."""
    flight = github(played(selection={"owners": ["Example-Person"]}))
    sweep("github.repository")
    assert not flight.calls("github:ReposListForOrg")
    assert len(flight.calls("github:ReposListForUser")) == 1


def test_a_chosen_repository_that_is_gone_does_not_come_back_by_being_refused(
    github: Any, sweep: Sweeper
):
    flight = github(played(selection={"repositories": ["example/old-shop"]}))
    flight.selection = {"repositories": [SHOP]}
    sweep(*LISTED)
    assert Repository.objects.get(key=SHOP).gone_at is None
    flight.selection = {"repositories": ["example/old-shop"]}
    sweep(*LISTED)
    gone = Repository.objects.get(key=SHOP).gone_at
    assert gone is not None
    # Chosen again, and not to be seen by now.
    flight.selection = {"repositories": [SHOP, "example/old-shop"]}
    told_as(flight, "github:ReposGet", Said({"message": "Not Found"}, 404), repo="shop")
    sweep(*LISTED)
    assert Repository.objects.get(key=SHOP).gone_at == gone
    assert Tracker.objects.get(key=SHOP).gone_at is not None


def test_a_repository_that_was_never_read_gets_no_empty_tracker(github: Any, sweep: Sweeper):
    flight = github(played(selection={"repositories": [SHOP, "example/old-shop"]}))
    sweep("github.repository")
    told_as(flight, "github:ReposGet", Said({"message": "Not Found"}, 404), repo="old-shop")
    sweep("github.tracker")
    assert set(Tracker.objects.values_list("key", flat=True)) == {SHOP}
