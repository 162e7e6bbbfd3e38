"""A project with a tracker, four people around it, and a keeper that takes what they ask for."""

from typing import Any

import pytest
from django.test import Client

from apps.issues.acting import KEEPERS
from apps.issues.models import Issue, Tracker
from apps.projects.models import Project
from tests.factories import make_project, make_user
from tests.flown import _no_memory, queued

from .making import Keeper, make_issue, make_tracker

__all__ = ["_no_memory", "queued"]


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Keeper:
    found = Keeper()
    monkeypatch.setitem(KEEPERS.by_provider, "jira", found)
    return found


@pytest.fixture
def keeperless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KEEPERS, "by_provider", {})


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    names = ("owner", "contributor", "viewer", "stranger")
    return {name: make_user(name, reads_everything=False) for name in names}


@pytest.fixture
def tracker(db: None) -> Tracker:
    return make_tracker()


@pytest.fixture
def project(people: dict[str, Any], tracker: Tracker) -> Project:
    roles = {name: people[name] for name in ("owner", "contributor", "viewer")}
    found: Project = make_project("Checkout", tracker, **roles)
    return found


@pytest.fixture
def issue(project: Project, tracker: Tracker) -> Issue:
    return make_issue(tracker, key="SHOP-12", title="Basket forgets items")


@pytest.fixture
def browser_of(people: dict[str, Any]) -> Any:
    def of(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return of
