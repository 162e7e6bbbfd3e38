"""Deeds on issues that were kept apart lie with all others; nothing of them is lost."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils.timezone import now

from apps.deeds import performing
from apps.deeds.models import Deed
from apps.issues.models import FormerDeed
from tests.factories import make_project, make_user

from .making import Keeper, make_issue, make_tracker

MOVED = "0002_deeds_lie_with_all_others"


@pytest.fixture
def before(transactional_db: None, settings: Any) -> Iterator[Any]:
    """The models as the migration finds them, and the table that it empties.

    The tests' tables come from the models, where that one is not any more.
    """
    settings.MIGRATION_MODULES = {}
    targets = [("issues", MOVED), ("deeds", "0005_deeds_by_their_end")]
    apps = MigrationLoader(connection).project_state(targets).apps
    old = apps.get_model("issues", "Deed")
    with connection.schema_editor() as editor:
        editor.create_model(old)
    yield apps
    with connection.schema_editor() as editor:
        editor.delete_model(old)


@pytest.mark.sql
def test_each_is_copied_as_it_stands_and_gone_on_with(before: Any, keeper: Keeper):
    who = make_user("contributor", reads_everything=False)
    tracker = make_tracker()
    issue = make_issue(tracker, key="SHOP-12", title="Basket forgets items")
    project = make_project("Checkout", tracker, contributor=who)
    at = now() - timedelta(days=1)
    old = before.get_model("issues", "Deed")
    shared = {"who_id": who.pk, "project_id": project.pk, "tracker_id": tracker.pk}
    done = old.objects.create(
        **shared,
        what="create",
        said={"title": "Checkout failed", "text": "It broke."},
        about_kind="codebuild.build",
        about_id=7,
        about_name="Build 7",
        outcome="done",
        made_key="SHOP-100",
        made_url="https://example.atlassian.net/browse/SHOP-100",
        asked_at=at,
        ended_at=at,
    )
    waiting = old.objects.create(
        **shared, what="comment", issue_id=issue.pk, said={"text": "Seen."}, asked_at=at
    )
    unknown = old.objects.create(
        **shared,
        what="move",
        issue_id=issue.pk,
        said={"transition": "21", "to": "In Progress", "before": "To Do", "again": True},
        outcome="unknown",
        reason="No answer came.",
        begun_at=at,
        asked_at=at,
    )
    import_module(f"apps.issues.migrations.{MOVED}").move(before, None)
    new = {pk: FormerDeed.objects.get(pk=pk).deed for pk in (done.pk, waiting.pk, unknown.pk)}
    made = new[done.pk]
    assert (made.act, made.kind, made.row_id) == ("issues.create", "issues.tracker", tracker.pk)
    assert (made.mark, made.outcome, made.asked_at) == (done.mark, "done", at)
    assert made.made["key"] == "SHOP-100"
    assert (made.about_kind, made.about_id, made.about_name) == (
        "codebuild.build",
        7,
        "Build 7",
    )
    assert (made.who, made.who_name, made.project_name) == (who, "contributor", "Checkout")
    moved = new[unknown.pk]
    assert (moved.kind, moved.row_id, moved.name) == (
        "issues.issue",
        issue.pk,
        "SHOP-12 Basket forgets items",
    )
    assert (moved.outcome, moved.begun_at, moved.again) == ("unknown", at, True)
    assert "again" not in moved.said
    # What was on its way is done, once, with the mark that it had.
    performing.perform(new[waiting.pk].pk)
    assert Deed.objects.get(pk=new[waiting.pk].pk).outcome == "done"
    assert list(keeper.comments) == [f"codestar-dash-{waiting.mark}"]
    # Addresses that somebody kept lead there.
    client = Client()
    client.force_login(who)
    answer = client.get(f"/issues/deeds/{done.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, made.get_absolute_url())
    assert "Checkout failed" in client.get(answer["Location"]).text
    assert client.get("/issues/deeds/987654/").status_code == 404
