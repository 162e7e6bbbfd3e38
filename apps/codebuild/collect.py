"""Reads projects, builds and failed builds' logs from CodeBuild and CloudWatch Logs; no Django.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Operations.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from apps.aws.calls import Reach, batches
from apps.mirror.ask import Ask, Ended, Vanished
from apps.mirror.masking import masked
from apps.mirror.state import State

from . import firsterror, masking, reports
from .records import BuildRecord, ProjectRecord, build_record, project_record

# What one BatchGetProjects or BatchGetBuilds takes.
BATCH = 100
# An excerpt is looked for in at most this many pages from the end of a log.
TAIL_PAGES = 3
TAIL_EVENTS = 2_000


def projects(reach: Reach, ask: Ask) -> Iterator[ProjectRecord | Vanished]:
    """Yield every project of the region, or those named by `ask.keys`."""
    if ask.keys is not None:
        names: list[str] = list(ask.keys)
    else:
        names = [
            name for page in reach.pages("codebuild:ListProjects") for name in page["projects"]
        ]
    for batch in batches(dict.fromkeys(names), BATCH):
        answer = reach.call("codebuild:BatchGetProjects", names=batch)
        yield from (project_record(project) for project in answer.get("projects", ()))
        yield from (Vanished(name) for name in answer.get("projectsNotFound", ()))


def builds(reach: Reach, ask: Ask) -> Iterator[BuildRecord | Ended]:
    """Yield builds, newest first, until a page holds only finished ones that are known.

    A list that was never read to its end is read to there. Known ones that still ran when last seen
    are read again by id. `ask.keys` reads just those. A build AWS no longer knows keeps its row:
    this history outlives AWS's.
    """
    if ask.keys is not None:
        for batch in batches(ask.keys, BATCH):
            yield from _described(reach, batch)
        return
    seen: set[str] = set()
    for page in reach.pages("codebuild:ListBuilds", sortOrder="DESCENDING"):
        ids = page.get("ids", [])
        seen.update(ids)
        finished = ask.finished(ids)
        wanted = [key for key in ids if key not in finished]
        for batch in batches(wanted, BATCH):
            yield from _described(reach, batch)
        if ids and not wanted and "" not in ask.unended:
            break
    else:
        yield Ended()
    running = ask.unfinished.get("", frozenset()) - seen
    found: set[str] = set()
    for batch in batches(sorted(running), BATCH):
        for record in _described(reach, batch):
            found.add(record.key)
            yield record
    for key in sorted(running - found):
        # Neither listed nor described any more: nobody can say how it ended.
        yield BuildRecord(key=key, state=State.UNKNOWN.value)


def _described(reach: Reach, ids: Sequence[str]) -> Iterator[BuildRecord]:
    answer = reach.call("codebuild:BatchGetBuilds", ids=list(ids))
    yield from (build_record(build) for build in answer.get("builds", ()))


def excerpts(reach: Reach, keys: Iterable[str]) -> Iterator[BuildRecord]:
    """Yield the excerpts around the first error of failed builds, and nothing else of them.

    Reads each log from its end, at most three pages. A log that cannot be read (no permission, gone
    by its retention, kept in S3 only) yields nothing; a denial stands on the reach's outcomes.
    """
    for batch in batches(keys, BATCH):
        answer = reach.call("codebuild:BatchGetBuilds", ids=list(batch))
        for build in answer.get("builds", ()):
            record = _excerpt(reach, build)
            if record is not None:
                yield record


def tested(reach: Reach, wanted: Mapping[str, Sequence[str]]) -> Iterator[BuildRecord]:
    """Yield what the tests of builds came to, and nothing else of them.

    wanted  builds' keys -> ARNs of their reports. Of a build whose reports are not all finished, or
            could not be read, nothing is yielded.
    """
    arns = [arn for some in wanted.values() for arn in some]
    found = {one["arn"]: one for one in reports.described(reach, dict.fromkeys(arns))}
    for key, some in wanted.items():
        read = [found[arn] for arn in some if arn in found]
        if len(read) == len(some):
            yield BuildRecord(key=key, reports=read)


def _excerpt(reach: Reach, build: Mapping[str, Any]) -> BuildRecord | None:
    logs = build.get("logs") or {}
    group, stream = logs.get("groupName"), logs.get("streamName")
    if not group or not stream:
        return None
    lines: list[str] = []
    token: str | None = None
    complete = False
    # Not only until a failed command is found: an earlier one may be the cause, and a log read from
    # its beginning has line numbers.
    for _ in range(TAIL_PAGES):
        page = reach.detail(
            "logs:GetLogEvents",
            logGroupName=group,
            logStreamName=stream,
            startFromHead=False,
            limit=TAIL_EVENTS,
            **({"nextToken": token} if token else {}),
        )
        if page is None:
            break
        lines = [line for event in page["events"] for line in lines_of(event["message"])] + lines
        # The same token again: there is nothing older.
        complete = token is not None and page.get("nextBackwardToken") == token
        token = page.get("nextBackwardToken")
        if complete or not token:
            break
    found = firsterror.find(lines)
    if found is None:
        return None
    return _excerpt_record(build, lines, found, first_line=1 if complete else None)


def excerpt(
    reach: Reach,
    key: str,
    lines: Sequence[str],
    found: firsterror.Found,
    *,
    first_line: int,
) -> BuildRecord | None:
    """Return the excerpt of a log that was read already; `first_line` is the number of `lines[0]`.

    Asks for the build once more: its variables' values, which are masked, are kept nowhere.
    """
    answer = reach.call("codebuild:BatchGetBuilds", ids=[key])
    for build in answer.get("builds", ()):
        return _excerpt_record(build, lines, found, first_line=first_line)
    return None


def _excerpt_record(
    build: Mapping[str, Any],
    lines: Sequence[str],
    found: firsterror.Found,
    *,
    first_line: int | None,
) -> BuildRecord:
    variables = (build.get("environment") or {}).get("environmentVariables") or ()
    text = firsterror.quote(lines, found)
    return BuildRecord(
        key=build["id"],
        excerpt=masked(text, masking.secret_values(variables)),
        excerpt_line=None if first_line is None else first_line + found.first,
        excerpt_mark=found.mark - found.first,
    )


def lines_of(message: str) -> list[str]:
    """Return the lines of one log event; the line break at its end makes no empty line."""
    return message.removesuffix("\n").split("\n")
