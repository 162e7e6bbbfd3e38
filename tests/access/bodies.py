"""What is sent with the table's POSTs, by route: what would be done if the person may."""

from typing import Any

from apps.deeds.acts import ACTS
from apps.deeds.forms import as_seen
from apps.projects.deeds import stamp_of
from apps.projects.models import Project

WRITTEN = {"title": "Runbook", "text": "Call us.", "said": "", "base": "2"}
PROJECT = {"name": "Shop", "description": "", "links": "", "tags": ""}


def _one_of_ours(world: Any) -> dict[str, Any]:
    row = world.rows["awslambda.function"]["ours"]
    return {"kind": "awslambda.function", "row": str(row.pk)}


def _issue_of_ours(world: Any) -> dict[str, Any]:
    tracker = world.sites["ours"]
    where = f"{world.projects['ours'].pk}:{tracker.pk}:10001"
    return {"where": where, "title": "Checkout failed", "text": "", "labels": "", "mark": ""}


def _as_it_is(world: Any) -> dict[str, Any]:
    return {**PROJECT, "base": stamp_of(Project.objects.get(pk=world.projects["ours"].pk))}


def _as_it_is_seen(world: Any) -> dict[str, Any]:
    row = world.rows["codepipeline.pipeline"]["ours"]
    seen = as_seen(ACTS.by_name["codepipeline.release"], row)
    return {"seen": seen, "mark": "", "why": "For the sale."}


# By what there is, where it names something.
BODIES: dict[str, Any] = {
    "accounts/login/": {"login": "newcomer", "password": "wrong"},
    "projects/new/": PROJECT,
    "projects/<slug:slug>/settings/": _as_it_is,
    "projects/<slug:slug>/delete/": {"name": "Checkout"},
    "projects/<slug:slug>/team/add/": {"who": "newcomer", "role": "viewer"},
    "projects/<slug:slug>/team/<int:user_id>/role/": {"role": "contributor"},
    "projects/<slug:slug>/team/invite/": {"role": "viewer", "note": ""},
    "projects/<slug:slug>/wiki/new/": {**WRITTEN, "title": "Another", "base": "0"},
    "projects/<slug:slug>/wiki/preview/": {"text": "# Text"},
    "projects/<slug:slug>/wiki/<slug:page>/edit/": WRITTEN,
    "projects/<slug:slug>/wiki/<slug:page>/history/<int:number>/": {"base": "2"},
    "projects/<slug:slug>/resources/link/": _one_of_ours,
    "projects/<slug:slug>/resources/unlink/": {"kind": "awslambda.function", "row": "0"},
    "projects/in/<str:kind>/<int:pk>/change/": {"project": "checkout", "do": "add"},
    "projects/proposals/tag/": {"tag_key": "team"},
    "projects/proposals/<int:pk>/": {"do": "ignore", "version": "1"},
    "issues/new/": _issue_of_ours,
    "issues/preview/": {"text": "# Text"},
    "issues/<int:pk>/comment/": {"text": "Seen.", "mark": ""},
    "issues/<int:pk>/move/": {"transition": "21", "before": "To Do", "mark": ""},
    "issues/<int:pk>/assign/": {"person": "", "before": "p-1", "mark": ""},
    "deeds/<int:pk>/decide/": {"do": "done"},
    "deeds/ask/<str:name>/<int:row_id>/": _as_it_is_seen,
    "wizard/": {"blueprint": "ec2-static-page"},
    "wizard/<int:pk>/<slug:name>/": {"source": "codecommit", "branch": "main"},
    "people/new/": {"username": "fresh", "display_name": "", "email": ""},
    "people/me/": {"display_name": "Somebody", "email": "", "time_zone": ""},
    "people/<int:pk>/": {"display_name": "New Comer", "email": ""},
    "tokens/": {"name": "script", "days": "90"},
    "aws/accounts/new/": {"name": ""},
    "aws/accounts/<int:pk>/edit/": {"name": ""},
    "sites/new/<slug:provider>/": {"name": ""},
    "sites/<int:pk>/edit/": {"name": ""},
    "sites/<int:pk>/remove/": {"how": "stop", "name": "Jira"},
    "aws/accounts/<int:pk>/remove/": {"how": "stop", "name": "Production"},
}
