"""Journeys in the API: how far a change has come, and what holds it up."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from apps.delivery import journey as journeys
from apps.delivery.alone import Place as Spot
from apps.delivery.journey import Journey
from apps.delivery.ways import Step, Way
from apps.issues.meant import meant_by
from apps.issues.models import Issue
from apps.mirror.resource import REGISTER

from .answers import Place, Words, absolute, answers

router = Router()

# Of what begins with the same letters, or of one key at several sites, so many are followed.
MOST = 5


class Asked(Schema):
    """What is followed."""

    # What is no id is refused: told of nothing, it would sound as if the commit were not out.
    commit: str = Field(
        "",
        pattern=r"^([0-9a-fA-F]{7,64})?$",
        description="A commit's id, or its beginning: seven letters at least.",
    )
    issue: Words = Field(
        "", description="An issue's key, also one that it was moved from: SHOP-12, or owner/name#7."
    )


class Stands(Schema):
    """Where something stands."""

    state: str = Field(description="Ours; empty where nothing is known.")
    text: str = Field(description="In one line: In production.")
    why: str = Field(description="The cause in its own words; empty for none.")
    by: str = Field(description="Who did it, where somebody did.")
    since: datetime | None
    url: str = Field(description="Our page that tells more; empty for none.")


class ChangeItem(Schema):
    """A commit that is followed."""

    commit: str
    repository: str = Field(description="Its name; empty where it is not mirrored.")
    title: str
    author: str
    committed_at: datetime | None
    there: bool | None = Field(
        description="Whether what runs contains it; null where nothing that runs takes it."
    )
    rewritten: bool = Field(description="Whether no branch contains it any more.")
    followed_as: str = Field(description="The commit that took its place; empty for none.")
    pull_requests: list[str] = Field(description="Numbers of those that propose it.")
    url: str


class StepItem(Schema):
    """A stage on the way."""

    stage: str
    state: str = Field(description="Ours; empty where it has not come this far.")
    brings_out: bool
    execution: int | None = Field(description="Which brought it through, see /executions/{id}.")
    began_at: datetime | None
    ended_at: datetime | None
    remains: bool | None = Field(
        description="Whether what stands there now contains it; null where it never came through, "
        "or nobody knows."
    )


class WayItem(Place):
    """The way through one pipeline."""

    pipeline: int = Field(description="See /pipelines/{id}.")
    name: str
    production: bool = Field(description="Whether its last stage is production.")
    is_there: bool
    executions: list[int] = Field(description="Those that contain it, the first one first.")
    stages: list[StepItem]
    hold: Stands | None = Field(description="Why it is no further; null where it is there.")
    unsure: bool = Field(description="Whether commits in between were not read.")


class SingleItem(Schema):
    """A build or a deployment that has the change."""

    kind: str = Field(description="codebuild.build or codedeploy.deployment.")
    id: int = Field(description="See /builds/{id} and /deployments/{id}.")
    name: str
    state: str = Field(description="Ours.")
    began_at: datetime | None
    ended_at: datetime | None
    targets: int = Field(description="How many it has.")
    reached: int = Field(description="How many of them have it.")
    url: str


class PlaceItem(Place):
    """A build project, or a deployment group, to which the change came without a pipeline."""

    name: str
    brings_out: bool = Field(description="Whether it is a deployment group.")
    production: bool = Field(description="Whether what is brought out there is in production.")
    is_there: bool = Field(description="Whether what was deployed there last has the change.")
    runs: list[SingleItem] = Field(description="The first and the newest that have it.")
    hold: Stands | None


class JourneyItem(Schema):
    """The journey of a commit or an issue."""

    of: str = Field(description="The commit's id, or the issue's key.")
    answer: Stands
    changes: list[ChangeItem] = Field(description="The newest first.")
    not_followed: int = Field(description="Older changes that are not followed.")
    other_pipelines: int = Field(
        description="Other pipelines that took it, through which it is not followed."
    )
    ways: list[WayItem]
    without_pipeline: list[PlaceItem]
    alarms: list[str] = Field(description="Names of alarms that went off since.")
    url: str


class Found(Schema):
    """Every journey that was asked for."""

    items: list[JourneyItem]


@router.get("", response=answers(Found), summary="How far a commit or an issue has come")
def follow(request: HttpRequest, asked: Query[Asked]) -> Any:
    """Follow a commit, and every change that names an issue; without either, the newest commits.

    Several where an id's beginning, or a key, is of several; none where you see no such one.
    """
    found: list[dict[str, Any]] = []
    if asked.commit or not asked.issue:
        found += _commits(request, asked.commit.lower())
    if asked.issue:
        found += _issues(request, asked.issue)
    return {"items": found}


def _commits(request: HttpRequest, beginning: str) -> Iterable[dict[str, Any]]:
    """The commits that begin so, or the newest ones."""
    if beginning:
        commits = journeys.commits_beginning(request.user, beginning, MOST)
    else:
        commits = journeys.newest_commits(request.user, MOST)
    for commit in commits:
        told = journeys.of_commit(request.user, commit)
        if told is not None:
            yield _told(request, commit, told, f"/journeys/commit/{commit}/")


def _issues(request: HttpRequest, key: str) -> Iterable[dict[str, Any]]:
    rows = Issue.objects.visible_to(request.user).select_related("scope")
    found = rows.filter(key__iexact=key) | rows.keyed(key, key.upper(), key.lower())
    for row in found.order_by("-updated", "-pk")[:MOST]:
        kind = REGISTER.kind_of(row)
        told = journeys.of_issue(request.user, meant_by(kind, row))
        yield _told(request, row.key, told, f"/journeys/{kind}/{row.pk}/")


def _told(request: HttpRequest, of: str, told: Journey, path: str) -> dict[str, Any]:
    return {
        "of": of,
        "answer": _stands(request, told.answer),
        "changes": [_change(request, one) for one in told.changes],
        "not_followed": told.more,
        "other_pipelines": told.others,
        "ways": [_way(request, one) for one in told.ways],
        "without_pipeline": [_place(request, one) for one in told.places],
        "alarms": [one.alarm.key for one in told.alarms],
        "url": absolute(request, path),
    }


def _stands(request: HttpRequest, one: Any) -> dict[str, Any]:
    return {
        "state": one.state,
        "text": one.text,
        "why": one.why,
        "by": one.by,
        "since": one.since,
        "url": absolute(request, one.url),
    }


def _change(request: HttpRequest, one: Any) -> dict[str, Any]:
    row = one.row
    return {
        "commit": one.commit_id,
        "repository": row.repository.key if row else "",
        "title": row.title if row else "",
        "author": row.author_name if row else "",
        "committed_at": one.at,
        "there": one.there,
        "rewritten": one.rewritten,
        "followed_as": one.anew.commit_id if one.anew else "",
        "pull_requests": [pull.number for pull in one.pulls],
        "url": absolute(request, row.get_absolute_url()) if row else "",
    }


def _way(request: HttpRequest, way: Way) -> dict[str, Any]:
    hold = way.hold
    return {
        "account": way.pipeline.scope.account,
        "region": way.pipeline.scope.region,
        "pipeline": way.pipeline.pk,
        "name": way.pipeline.key,
        "production": way.production,
        "is_there": way.is_there,
        "executions": [run.pk for run in way.runs],
        "stages": [_step(step) for step in way.steps],
        "hold": _stands(request, hold) if hold else None,
        "unsure": way.holes,
    }


def _place(request: HttpRequest, place: Spot) -> dict[str, Any]:
    return {
        "account": place.scope.account,
        "region": place.scope.region,
        "name": place.name,
        "brings_out": place.out,
        "production": place.production,
        "is_there": place.is_there,
        "runs": [
            {
                "kind": one.kind,
                "id": one.pk,
                "name": one.label,
                "state": one.state,
                "began_at": one.began,
                "ended_at": one.ended,
                "targets": len(one.strip),
                "reached": one.reached,
                "url": absolute(request, one.url),
            }
            for one in place.runs
        ],
        "hold": _stands(request, place.hold) if place.hold else None,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "stage": step.name,
        "state": step.state,
        "brings_out": step.out,
        "execution": step.run.pk if step.run else None,
        "began_at": step.began,
        "ended_at": step.ended,
        "remains": step.remains,
    }
