"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from apps.aws.events import called
from apps.mirror.asking import hint
from apps.mirror.models import Change, Link, Scope, Sweep
from apps.mirror.resource import REGISTER, Cadence, Happened, Kept, Names, Resource

from . import collect, digest, models

SOURCE = "aws.lambda"


def _function_in(detail: Mapping[str, Any]) -> str:
    """Who calls may name a function by its ARN, with a version or alias behind it."""
    named = str(detail["requestParameters"]["functionName"])
    return named.rpartition("function:")[2].partition(":")[0]


def _function_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="awslambda.function", key=_function_in(detail))


def _versions_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="awslambda.version", parent=_function_in(detail))


def _aliases_called_on(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="awslambda.alias", parent=_function_in(detail))


FUNCTION = REGISTER.add(
    Resource(
        kind="awslambda.function",
        label="functions",
        provider="aws",
        model=models.Function,
        collect=collect.functions,
        cadence=Cadence(cold=timedelta(minutes=5), hot=timedelta(seconds=10)),
        calls=("lambda:ListFunctions", "lambda:GetFunctionConfiguration"),
        optional=("lambda:GetFunctionConfiguration",),
        events=(
            called(
                SOURCE,
                _function_called_on,
                "CreateFunction20150331",
                "DeleteFunction20150331",
                "UpdateFunctionCode20150331v2",
                "UpdateFunctionConfiguration20150331v2",
            ),
        ),
        heard_wholly=True,
        keyed=True,
        held=True,
        url=models.Function.get_absolute_url,
        listed="awslambda:functions",
        explain=digest.why,
        explain_then=digest.why_then,
    )
)

VERSION = REGISTER.add(
    Resource(
        kind="awslambda.version",
        label="function versions",
        provider="aws",
        model=models.Version,
        collect=collect.versions,
        cadence=Cadence(cold=timedelta(minutes=10)),
        calls=("lambda:ListVersionsByFunction",),
        # Not heard wholly: a version is deleted by a call on its function. What did not move costs
        # no call.
        events=(called(SOURCE, _versions_called_on, "PublishVersion20150331"),),
        parent=("awslambda.function", "function"),
        asked_by="awslambda.function",
        parent_stamp=("revision_id", "versions_read"),
        spot_check=True,
        digest=digest.of_versions,
        happened=Happened(
            at="published_at",
            group="Deployments",
            icon="square-function",
            name=lambda row: f"{row.function.key} version {row.number}",
            told=lambda row: row.description,
        ),
        url=models.Version.get_absolute_url,
    )
)


def _invoked_by_pipelines(rows: Any) -> Any:
    """Of the others nobody waits for an answer; reading every log would cost a call each."""
    runs = Link.objects.filter(to_kind="awslambda.function", relation="runs")
    return rows.filter(arn__in=runs.values("to_arn"))


def _read_unknown_versions(scope_id: int, changes: Sequence[Change]) -> None:
    """An alias that serves a version nobody read tells that its function moved on, too."""
    ids = [change.row_id for change in changes if change.verb != Change.Verb.GONE]
    versions = Sweep.objects.filter(scope=scope_id, kind="awslambda.version")
    if not ids or not versions.exclude(last_success=None).exists():
        # The first list of versions is on its way.
        return
    aliases = models.Alias.objects.filter(pk__in=ids).select_related("function")
    served = {(alias.function.key, number) for alias in aliases for number in alias.served}
    rows = models.Version.objects.present().filter(
        scope=scope_id,
        function__key__in={name for name, _ in served},
        number__in={number for _, number in served},
    )
    known = set(rows.values_list("function__key", "number"))
    hint(
        Scope.objects.get(pk=scope_id),
        [
            names
            for name in sorted({name for name, _ in served - known})
            for names in (
                Names(kind="awslambda.function", key=name),
                Names(kind="awslambda.version", parent=name),
            )
        ],
    )


ALIAS = REGISTER.add(
    Resource(
        kind="awslambda.alias",
        label="function aliases",
        provider="aws",
        model=models.Alias,
        collect=collect.aliases,
        # Shifting an alias moves no revision of its function. CloudTrail tells of it, and so does
        # the deployment that shifts it; by whomever else, half an hour finds it.
        cadence=Cadence(
            cold=timedelta(minutes=10), hot=timedelta(seconds=30), deep=timedelta(minutes=30)
        ),
        calls=("lambda:ListAliases",),
        events=(
            called(
                SOURCE,
                _aliases_called_on,
                "CreateAlias20150331",
                "UpdateAlias20150331",
                "DeleteAlias20150331",
            ),
        ),
        heard_wholly=True,
        parent=("awslambda.function", "function"),
        asked_by="awslambda.function",
        parent_stamp=("revision_id", "aliases_read"),
        spot_check=True,
        heeds=("deploys to",),
        digest=digest.of_aliases,
        after=_read_unknown_versions,
        url=models.Alias.get_absolute_url,
    )
)

FAILURE = REGISTER.add(
    Resource(
        kind="awslambda.failure",
        label="failed invocations",
        provider="aws",
        model=models.Failure,
        collect=collect.failures,
        # Whoever invokes one says so: it is read when a pipeline's action moves on.
        cadence=Cadence(cold=timedelta(minutes=30)),
        calls=("logs:FilterLogEvents",),
        parent=("awslambda.function", "function"),
        asked_by="awslambda.function",
        parent_fields=("log_group", "timeout"),
        asked_among=_invoked_by_pipelines,
        heeds=("runs",),
        history=True,
        kept=Kept(at="at", keep=models.FAILURES_KEPT),
        url=models.Failure.get_absolute_url,
        explain=digest.why_failure,
    )
)
