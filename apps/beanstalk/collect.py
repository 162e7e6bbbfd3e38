"""Reads applications, versions, environments, their events and instances; no Django.

Lists are account-wide. What has no list (health with its causes) is asked for where an environment
moves or is not plainly well, and for no more than `MOST` of them at once.
https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_Operations.html
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.aws.calls import Failed, Reach
from apps.mirror.ask import UNREAD, Ask, Continued, Covered, Ended, Unread, Vanished

from .health import is_calm, state_of, urgency
from .records import (
    ApplicationRecord,
    EnvironmentRecord,
    EventRecord,
    InstanceRecord,
    ManagedActionRecord,
    VersionRecord,
    application_record,
    environment_record,
    event_record,
    instance_record,
    managed_history_record,
    managed_record,
    version_record,
)

PAGE = 1000
# Events of a regular reading: the newest, until some are known.
NEWEST_EVENTS = 100
# How far back events are read at first; AWS keeps those of six weeks.
# https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEvents.html
PAST = timedelta(days=14)
# Of so many environments health is asked for at once.
MOST = 100
# What AWS answers where an environment has basic health only: no fault of anybody.
BASIC_HEALTH = frozenset({"InvalidRequestException"})
# Of what AWS did to an environment by itself the newest so many are read.
MANAGED_HISTORY = 10
# Of so few environments events are asked for one by one.
FEW = 3


def applications(reach: Reach, ask: Ask) -> Iterator[ApplicationRecord | Vanished]:
    """Yield every application of the region, or those named by `ask.keys`; one call."""
    names = {} if ask.keys is None else {"ApplicationNames": list(ask.keys)}
    answer = reach.call("elasticbeanstalk:DescribeApplications", **names)
    found = [application_record(one) for one in answer.get("Applications") or ()]
    yield from found
    if ask.keys is not None:
        yield from (Vanished(key) for key in sorted(set(ask.keys) - {one.key for one in found}))


def versions(reach: Reach, ask: Ask) -> Iterator[VersionRecord | Vanished]:
    """Yield every version of every application (1,000 a page), or those named by `ask.keys`."""
    operation = "elasticbeanstalk:DescribeApplicationVersions"
    if ask.keys is None:
        for page in reach.pages(operation, MaxRecords=PAGE):
            yield from (version_record(one) for one in page.get("ApplicationVersions") or ())
        return
    labels: dict[str, list[str]] = defaultdict(list)
    for key in ask.keys:
        application, _, label = key.partition("/")
        labels[application].append(label)
    found: set[str] = set()
    for application, wanted in labels.items():
        pages = reach.pages(
            operation, ApplicationName=application, VersionLabels=wanted, MaxRecords=PAGE
        )
        for page in pages:
            for one in page.get("ApplicationVersions") or ():
                record = version_record(one)
                found.add(record.key)
                yield record
    yield from (Vanished(key) for key in sorted(set(ask.keys) - found))


def environments(reach: Reach, ask: Ask) -> Iterator[EnvironmentRecord | Vanished]:
    """Yield every environment that there is (1,000 a page), or those named by `ask.keys`.

    Those that are named are found a while after they were terminated, too. Health is asked for
    where an environment moves or is not plainly well.
    """
    if ask.keys is None:
        asked: dict[str, Any] = {"IncludeDeleted": False}
    else:
        asked = {
            "EnvironmentNames": list(ask.keys),
            "IncludeDeleted": True,
            "IncludedDeletedBackTo": datetime.now(UTC) - timedelta(hours=1),
        }
    answers: dict[str, Mapping[str, Any]] = {}
    pages = reach.pages("elasticbeanstalk:DescribeEnvironments", MaxRecords=PAGE, **asked)
    for page in pages:
        for one in page.get("Environments") or ():
            name = one["EnvironmentName"]
            # One that was terminated may have a successor of its name.
            if name not in answers or _supersedes(one, answers[name]):
                answers[name] = one
    told = _health(reach, list(answers.values()))
    for name, one in answers.items():
        yield environment_record(one, told.get(name))
    if ask.keys is not None:
        yield from (Vanished(key) for key in sorted(set(ask.keys) - answers.keys()))


def _supersedes(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    def standing(answer: Mapping[str, Any]) -> tuple[bool, str]:
        return answer.get("Status") != "Terminated", str(answer.get("DateCreated") or "")

    return standing(one) > standing(other)


def _health(
    reach: Reach, answers: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any] | Unread]:
    """Return what DescribeEnvironmentHealth says, by name; UNREAD where it could not be asked.

    The worst come first. Those that are well, and those with basic health, are left out.
    """
    unwell = [one for one in answers if one.get("HealthStatus") and not _calm(one)]
    unwell.sort(key=_urgency)
    told: dict[str, Mapping[str, Any] | Unread] = {
        one["EnvironmentName"]: UNREAD for one in unwell[MOST:]
    }

    def ask(answer: Mapping[str, Any]) -> Any:
        return reach.call_unless(
            BASIC_HEALTH,
            "elasticbeanstalk:DescribeEnvironmentHealth",
            EnvironmentId=answer["EnvironmentId"],
            AttributeNames=["Causes", "InstancesHealth"],
        )

    for one, said in reach.each(unwell[:MOST], ask):
        told[one["EnvironmentName"]] = UNREAD if isinstance(said, Failed) else said or {}
    return told


def _calm(answer: Mapping[str, Any]) -> bool:
    status = answer.get("Status") or ""
    # What was terminated has no health to ask for.
    return status == "Terminated" or is_calm(status, *_health_of(answer))


def _urgency(answer: Mapping[str, Any]) -> int:
    status = answer.get("Status") or ""
    return urgency(state_of(status, *_health_of(answer)), *_health_of(answer))


def _health_of(answer: Mapping[str, Any]) -> tuple[str, str]:
    return answer.get("HealthStatus") or "", answer.get("Health") or ""


def events(reach: Reach, ask: Ask) -> Iterator[EventRecord | Continued | Covered | Ended]:
    """Yield events, the newest first, until a page holds only known ones: one list for all.

    Of a single environment its own are asked for. Those that are new here are read back to `PAST`.
    """
    keys = [parent.key for parent in ask.parents]
    since = datetime.now(UTC) - PAST
    fresh = [key for key in keys if key in ask.unended]
    if len(keys) == 1:
        yield from _events(reach, ask, keys, StartTime=since, EnvironmentName=keys[0])
    elif len(fresh) > FEW or len(fresh) == len(keys):
        yield from _events(reach, ask, keys, StartTime=since)
    else:
        for key in fresh:
            yield from _events(reach, ask, [key], StartTime=since, EnvironmentName=key)
        known = [key for key in keys if key not in fresh]
        if known:
            yield from _events(reach, ask, known, StartTime=since)


def _events(
    reach: Reach, ask: Ask, keys: Sequence[str], **asked: Any
) -> Iterator[EventRecord | Continued | Covered | Ended]:
    whole = any(key in ask.unended for key in keys)
    size = PAGE if whole else NEWEST_EVENTS
    wanted = frozenset(keys)
    pages = reach.pages("elasticbeanstalk:DescribeEvents", MaxRecords=size, **asked)
    for number, page in enumerate(pages):
        if number:
            yield from (Continued(key) for key in keys)
        found = [event_record(one) for one in page.get("Events") or ()]
        yield from found
        ours = {one.key for one in found if one.parent in wanted}
        if ours and not whole and ours <= ask.finished(ours):
            break
    else:
        yield from (Ended(key) for key in keys)
    yield from (Covered(key) for key in keys)


def instances(reach: Reach, ask: Ask) -> Iterator[InstanceRecord | Covered]:
    """Yield the instances of these environments; one call each. Basic health tells of none."""
    for parent in ask.parents:
        if not parent.fields["health_status"]:
            yield Covered(parent.key)
    told = [parent for parent in ask.parents if parent.fields["health_status"]]
    for parent, found in reach.each(told, lambda one: _instances(reach, one.key)):
        if not isinstance(found, Failed):
            yield from found
            yield Covered(parent.key)


def _instances(reach: Reach, environment: str) -> list[InstanceRecord]:
    found: list[InstanceRecord] = []
    following: dict[str, str] = {}
    while True:
        page = reach.call_unless(
            BASIC_HEALTH,
            "elasticbeanstalk:DescribeInstancesHealth",
            EnvironmentName=environment,
            AttributeNames=["All"],
            **following,
        )
        if page is None:
            return []
        found += [
            instance_record(environment, one, reach.arn("ec2", f"instance/{one['InstanceId']}"))
            for one in page.get("InstanceHealthList") or ()
        ]
        token = page.get("NextToken")
        # botocore has no paginator for it.
        if not token or following.get("NextToken") == token:
            return found
        following = {"NextToken": token}


def managed_actions(reach: Reach, ask: Ask) -> Iterator[ManagedActionRecord | Covered]:
    """Yield what AWS is to do to these environments by itself and did last; two calls each.

    There is no list for several. Where managed updates are off both are empty.
    """
    for parent, found in reach.each(ask.parents, lambda one: _managed(reach, one.key)):
        if not isinstance(found, Failed):
            yield from found
            yield Covered(parent.key)


def _managed(reach: Reach, environment: str) -> list[ManagedActionRecord]:
    told = reach.call_unless(
        BASIC_HEALTH,
        "elasticbeanstalk:DescribeEnvironmentManagedActions",
        EnvironmentName=environment,
    )
    over = reach.call_unless(
        BASIC_HEALTH,
        "elasticbeanstalk:DescribeEnvironmentManagedActionHistory",
        EnvironmentName=environment,
        MaxItems=MANAGED_HISTORY,
    )
    history = (over or {}).get("ManagedActionHistoryItems") or ()
    found = {one["ActionId"]: managed_history_record(environment, one) for one in history}
    # What runs is told by both for a moment: the list is right.
    for one in (told or {}).get("ManagedActions") or ():
        found[one["ActionId"]] = managed_record(environment, one)
    return list(found.values())
