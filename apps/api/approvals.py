"""Approvals that wait, in the API: what each would release, and what to know before deciding."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from apps.codebuild.reports import Results
from apps.codepipeline.templatetags.pipeline_tags import trigger
from apps.delivery.approvals import Approval, approvals, with_all
from apps.delivery.waiting import to_decide, waiting
from apps.live.templatetags.live_tags import plain, web_url

from .answers import PageOf, Place, Words, absolute, answers
from .paging import Paging, page_of

router = Router()


class Asked(Schema):
    """Which approvals are wanted."""

    account: Words = Field("", description="The number of an AWS account you see.")
    region: Words = Field("", description="One that is swept, e.g. eu-west-1")
    mine: bool = Field(False, description="Only those that you may decide.")


class CommitItem(Schema):
    """A commit that would be released, or taken back."""

    commit: str
    repository: str
    title: str
    author: str
    url: str


class ResultItem(Schema):
    """What the tests of a build came to, over all of its reports."""

    passed: int
    failed: int
    skipped: int
    failed_names: list[str] = Field(description="As many as are kept.")
    unread: list[str] = Field(description="Report groups whose results are not read, or are gone.")


class TestItem(Schema):
    """A build or test of the execution: its last try."""

    action: str
    state: str = Field(description="Ours.")
    kind: str = Field(description="What it ran: codebuild.build; empty where nothing is mirrored.")
    id: int | None = Field(description="The row that it ran.")
    reports: list[str] = Field(description="Names of the report groups that it wrote to.")
    results: ResultItem | None = Field(description="Null where it wrote no test report.")


class NewerItem(Schema):
    """A newer execution that is still under way."""

    execution: int = Field(description="See /executions/{id}.")
    enters: bool = Field(description="Whether it waits to enter this very stage.")


class ApprovalItem(Place):
    """An approval that waits."""

    id: int = Field(description="Of the action: see /rows/codepipeline.action.")
    pipeline: int = Field(description="See /pipelines/{id}.")
    name: str = Field(description="The pipeline's.")
    stage: str
    action: str
    execution: int = Field(description="See /executions/{id}.")
    mine: bool = Field(description="Whether you may decide it.")
    waits_since: datetime | None
    expires_at: datetime | None = Field(description="Null where it is not known.")
    asked_by: str = Field(description="Who or what started the execution, in a few words.")
    message: str = Field(description="What it tells whoever decides; empty for nothing.")
    link: str = Field(description="The address that it gives to look at; empty for none.")
    goes_to: list[str] = Field(description="The stages that then bring something out, in order.")
    there_now: int | None = Field(
        description="The execution that stands in the first of these; null where none is known to."
    )
    comparable: bool = Field(
        description="Whether what lies between the two was read; else no commits are told."
    )
    commits: list[CommitItem] = Field(description="What it has and what stands there has not.")
    commits_in_all: int
    taken_back: list[CommitItem] = Field(description="What stands there has and it has not.")
    taken_back_in_all: int
    issues: list[str] = Field(description="Keys of issues that these commits name.")
    issues_taken_back: list[str]
    tests: list[TestItem]
    alarms: list[str] = Field(description="Names of its projects' alarms that are in ALARM now.")
    newer: list[NewerItem] = Field(description="The one that waits to enter first.")
    url: str


@router.get("", response=answers(PageOf[ApprovalItem]), summary="Approvals that wait")
def list_approvals(request: HttpRequest, asked: Query[Asked], paging: Query[Paging]) -> Any:
    """List the approvals that wait, the first to expire first."""
    rows = to_decide(request.user) if asked.mine else waiting(request.user)
    rows = rows.narrowed(account=asked.account, region=asked.region)
    found, following = page_of(with_all(rows), paging, name="approvals", by="expires_at")
    items = [_item(request, one) for one in approvals(request.user, found)]
    return {"items": items, "next_cursor": following}


def _item(request: HttpRequest, one: Approval) -> dict[str, Any]:
    scope = one.pipeline.scope
    return {
        "account": scope.account,
        "region": scope.region,
        "id": one.action.pk,
        "pipeline": one.pipeline.pk,
        "name": one.pipeline.key,
        "stage": one.action.stage,
        "action": one.action.name,
        "execution": one.execution.pk,
        "mine": one.mine,
        "waits_since": one.action.started_at,
        "expires_at": one.action.expires_at,
        "asked_by": plain(trigger(one.execution)),
        "message": plain(one.message),
        "link": web_url(one.link),
        "goes_to": list(one.out),
        "there_now": one.instead.pk if one.instead is not None else None,
        "comparable": one.instead is not None and not one.change.unread,
        "commits": [_commit(request, row) for row in one.commits],
        "commits_in_all": len(one.change.came.commits),
        "taken_back": [_commit(request, row) for row in one.taken_back],
        "taken_back_in_all": len(one.change.went.commits),
        "issues": [issue.key for issue in one.issues],
        "issues_taken_back": [issue.key for issue in one.issues_back],
        "tests": [
            {
                "action": test.action.name,
                "state": test.action.state,
                "kind": test.ran.kind if test.ran else "",
                "id": test.ran.row.pk if test.ran else None,
                "reports": list(test.reports),
                "results": _results(test.results),
            }
            for test in one.tests
        ],
        "alarms": [alarm.key for alarm in one.alarms],
        "newer": [{"execution": run.execution.pk, "enters": run.enters} for run in one.newer],
        "url": absolute(request, f"/approvals/#approval-{one.action.pk}"),
    }


def _results(told: Results | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "passed": told.passed,
        "failed": told.failed,
        "skipped": told.skipped,
        "failed_names": list(told.names),
        "unread": [*told.unread, *told.gone],
    }


def _commit(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {
        "commit": row.commit_id,
        "repository": row.repository.key,
        "title": row.title,
        "author": row.author_name,
        "url": absolute(request, row.get_absolute_url()),
    }
