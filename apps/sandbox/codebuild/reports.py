"""CodeBuild's test reports: their groups, and what builds put into them.

https://docs.aws.amazon.com/codebuild/latest/userguide/test-reporting.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.sandbox.codebuild.paging import PAGE, invalid_token
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate
from apps.sandbox.world import uuid_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.sandbox.codebuild.model import Build
    from apps.sandbox.codebuild.shell import Case
    from apps.sandbox.world import Place

#: Reports kept in a group.
KEPT = 100


@dataclass(slots=True, eq=False)
class Report:
    """What one build put into a group."""

    arn: str
    group: str
    execution: str
    status: str
    created: float
    cases: tuple[Case, ...] = ()


@dataclass(slots=True, eq=False)
class Group:
    """A report group; ``declaration`` is CreateReportGroup's."""

    declaration: dict[str, Any]
    arn: str
    created: float
    modified: float
    reports: list[Report] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.declaration["name"])


class ReportStore:
    """Report groups of one place, by name."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.groups: dict[str, Group] = {}

    def find(self, name: str) -> Group | None:
        """The group of a name or ARN."""
        return self.groups.get(name.rpartition("report-group/")[2] or name)


def put(build: Build, group: Group, cases: Sequence[Case]) -> Report:
    """A report of a build, the newest of its group."""
    place, count = build.place, len(group.reports)
    uuid = uuid_from(place.world.chance(build.id, group.arn, count))
    failed = any(case.status not in ("SUCCEEDED", "SKIPPED") for case in cases)
    report = Report(
        place.arn("codebuild", f"report/{group.name}:{uuid}"),
        group.arn,
        build.arn,
        "FAILED" if failed else "SUCCEEDED",
        place.world.now(),
        tuple(cases),
    )
    group.reports.insert(0, report)
    del group.reports[KEPT:]
    return report


def group_for(place: Place, project: str, name: str) -> Group:
    """The group that a buildspec names; one that is new gets the project's name before its own."""
    store = place.of(ReportStore)
    found = store.find(name)
    return found or make_group(place, {"name": f"{project}-{name}", "type": "TEST"})


def make_group(place: Place, declaration: dict[str, Any]) -> Group:
    """A group, or the one of that name that is there."""
    store, name = place.of(ReportStore), str(declaration["name"])
    if name not in store.groups:
        now = place.world.now()
        told = {"exportConfig": {"exportConfigType": "NO_EXPORT"}, "tags": [], **declaration}
        arn = place.arn("codebuild", f"report-group/{name}")
        store.groups[name] = Group(told, arn, now, now)
    return store.groups[name]


def _group(group: Group) -> Answer:
    return {
        **group.declaration,
        "arn": group.arn,
        "created": group.created,
        "lastModified": group.modified,
        "status": "ACTIVE",
    }


def _found(call: Call, arn: str) -> Group:
    found = call.place.of(ReportStore).find(arn)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Report group {arn} does not exist")
    return found


@operation("codebuild", "CreateReportGroup")
def create_report_group(call: Call, params: Params) -> Answer:
    """A group without reports."""
    if call.place.of(ReportStore).find(params["name"]) is not None:
        arn = call.place.arn("codebuild", f"report-group/{params['name']}")
        raise AwsError("ResourceAlreadyExistsException", f"Report group already exists: {arn}")
    return {"reportGroup": _group(make_group(call.place, params))}


@operation("codebuild", "UpdateReportGroup")
def update_report_group(call: Call, params: Params) -> Answer:
    """Where reports are exported to, and tags."""
    found = _found(call, params["arn"])
    found.declaration |= {name: params[name] for name in ("exportConfig", "tags") if name in params}
    found.modified = call.world.now()
    return {"reportGroup": _group(found)}


@operation("codebuild", "DeleteReportGroup")
def delete_report_group(call: Call, params: Params) -> Answer:
    """With its reports if asked for; one that has some is refused else."""
    store = call.place.of(ReportStore)
    found = store.find(params["arn"])
    if found is None:
        return {}
    if found.reports and not params.get("deleteReports"):
        raise AwsError(
            "InvalidInputException",
            "Report group contains reports. Delete them, or delete it with its reports.",
        )
    del store.groups[found.name]
    return {}


@operation("codebuild", "ListReportGroups")
def list_report_groups(call: Call, params: Params) -> Answer:
    """ARNs of groups, by name."""
    groups = sorted(call.place.of(ReportStore).groups.values(), key=lambda one: one.name)
    page, token = _page(call, [one.arn for one in groups], params)
    return {"reportGroups": page, "nextToken": token}


@operation("codebuild", "BatchGetReportGroups")
def batch_get_report_groups(call: Call, params: Params) -> Answer:
    """Groups by ARN; the unknown ones are named apart."""
    store = call.place.of(ReportStore)
    every = [(arn, store.find(arn)) for arn in params["reportGroupArns"]]
    return {
        "reportGroups": [_group(one) for _, one in every if one is not None],
        "reportGroupsNotFound": [arn for arn, one in every if one is None],
    }


@operation("codebuild", "ListReportsForReportGroup")
def list_reports(call: Call, params: Params) -> Answer:
    """ARNs of a group's reports, the newest first."""
    found = _found(call, params["reportGroupArn"])
    status = params.get("filter", {}).get("status")
    arns = [one.arn for one in found.reports if status in (None, one.status)]
    page, token = _page(call, arns, params, found.arn)
    return {"reports": page, "nextToken": token}


def _page(
    call: Call, arns: list[str], params: Params, scope: str = ""
) -> tuple[list[str], str | None]:
    return paginate(
        call,
        arns,
        str,
        size=params.get("maxResults", PAGE),
        token=params.get("nextToken"),
        error=invalid_token,
        scope=scope,
    )


def _report(call: Call, arn: str) -> Report | None:
    group = call.place.of(ReportStore).find(arn.rpartition("report/")[2].rpartition(":")[0])
    return next((one for one in group.reports if one.arn == arn), None) if group else None


@operation("codebuild", "BatchGetReports")
def batch_get_reports(call: Call, params: Params) -> Answer:
    """Reports by ARN; the unknown ones are named apart."""
    every = [(arn, _report(call, arn)) for arn in params["reportArns"]]
    return {
        "reports": [_shown(one) for _, one in every if one is not None],
        "reportsNotFound": [arn for arn, one in every if one is None],
    }


def _shown(report: Report) -> Answer:
    counts: dict[str, int] = {}
    for case in report.cases:
        counts[case.status] = counts.get(case.status, 0) + 1
    return {
        "arn": report.arn,
        "type": "TEST",
        "name": report.arn.rpartition("report/")[2],
        "reportGroupArn": report.group,
        "executionId": report.execution,
        "status": report.status,
        "created": report.created,
        "expired": report.created + 30 * 24 * 3600,
        "exportConfig": {"exportConfigType": "NO_EXPORT"},
        "truncated": False,
        "testSummary": {
            "total": len(report.cases),
            "statusCounts": counts,
            "durationInNanoSeconds": int(sum(one.seconds for one in report.cases) * 1e9),
        },
    }


@operation("codebuild", "DescribeTestCases")
def describe_test_cases(call: Call, params: Params) -> Answer:
    """The tests of a report."""
    found = _report(call, params["reportArn"])
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Report {params['reportArn']} does not exist")
    status = params.get("filter", {}).get("status")
    wanted = [one for one in found.cases if status in (None, one.status)]
    page, token = paginate(
        call,
        wanted,
        lambda one: f"{one.prefix}/{one.name}",
        size=params.get("maxResults", PAGE),
        token=params.get("nextToken"),
        error=invalid_token,
        scope=found.arn,
    )
    return {
        "testCases": [
            {
                "reportArn": found.arn,
                "testRawDataPath": "report.xml",
                "prefix": one.prefix,
                "name": one.name,
                "status": one.status,
                "durationInNanoSeconds": int(one.seconds * 1e9),
                "message": one.message,
                "expired": found.created + 30 * 24 * 3600,
            }
            for one in page
        ],
        "nextToken": token,
    }
