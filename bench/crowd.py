"""Very many pipelines and executions in the database, made by the database itself."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils.timezone import now

from apps.codepipeline.models import URGENCY, Execution, Pipeline, Stage
from apps.mirror.health import Health
from apps.mirror.models import Change, Mirrored, Operation, Scope
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.mirror.sweep import ensure_sweeps

PLACES = [
    (account, region)
    for account in ("111122223333", "444455556666")
    for region in ("eu-west-1", "us-east-1")
]
STAGES = ("Source", "Build", "Staging", "Production")
STATUSES = {State.DONE: "Succeeded", State.FAILED: "Failed", State.MOVING: "InProgress"}


def gather(pipelines: int, executions_each: int) -> Any:
    """Fill an empty database as sweeps would have; return somebody to look at it."""
    at = now()
    scopes = [_scope(account, region) for account, region in PLACES]
    rows = Pipeline.objects.bulk_create(
        _pipeline(scopes[number % len(scopes)], number) for number in range(pipelines)
    )
    model, first = rows[0], rows[0].pk
    for position, name in enumerate(STAGES):
        Stage(
            scope=model.scope,
            key=f"{model.key}/{name}",
            pipeline=model,
            name=name,
            position=position,
            status="Succeeded",
            state=State.DONE,
            execution_id="e",
            actions=[{"name": name, "state": "done", "status": "Succeeded"}],
        ).save()
    for number in range(executions_each):
        _execution(model, number).save()
    _for_all_others(Stage, first)
    _for_all_others(Execution, first)
    _finish(at)
    Change.objects.bulk_create(
        Change(
            scope=row.scope,
            kind="codepipeline.pipeline",
            row_id=row.pk,
            key=row.key,
            verb=Change.Verb.APPEARED,
            subjects=[f"codepipeline.pipeline:{row.pk}"],
        )
        for row in rows
    )
    with connection.cursor() as cursor:
        # What autovacuum does in life.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return get_user_model().objects.create_superuser("bench", "", None)


def _scope(account: str, region: str) -> Scope:
    scope = Scope.objects.create(
        provider="aws",
        place=f"{account}/{region}",
        account=account,
        region=region,
        label=f"Account {account[-4:]}",
        first_swept_at=now(),
    )
    ensure_sweeps(scope)
    scope.sweeps.update(last_success=now(), finished_at=now())
    Operation.objects.bulk_create(
        Operation(
            scope=scope,
            kind=resource.kind,
            operation=operation,
            health=Health.OK,
            last_success=now(),
        )
        for resource in REGISTER.of("aws")
        for operation in resource.calls
    )
    return scope


def _pipeline(scope: Scope, number: int) -> Pipeline:
    # One in fifty is broken and one in fifty moves, in a large house as in a small one.
    state = {1: State.FAILED, 2: State.MOVING}.get(number % 50, State.DONE)
    name = f"service-{number:05d}"
    return Pipeline(
        scope=scope,
        key=name,
        arn=f"arn:aws:codepipeline:{scope.region}:{scope.account}:{name}",
        status=STATUSES[state],
        state=state,
        urgency=URGENCY[state],
        version=number + 1,
        definition=[{"name": stage, "on_failure": "", "actions": []} for stage in STAGES],
    )


def _execution(pipeline: Pipeline, number: int) -> Execution:
    began = now() - timedelta(hours=6 * number + 1)
    return Execution(
        scope=pipeline.scope,
        key=f"00000000-0000-4000-8000-{number:012d}",
        pipeline=pipeline,
        status="Succeeded",
        state=State.DONE,
        started_at=began,
        ended_at=began + timedelta(minutes=9),
        last_update=began + timedelta(minutes=9),
        trigger_type="Webhook",
        revisions=[{"action": "Source", "id": "0123456789abcdef", "summary": "Round totals"}],
        revision_id="0123456789abcdef0123456789abcdef01234567",
        summary="Round totals half up, as the tax office wants it",
        author="checkout-developer",
    )


def _for_all_others(model: type[Mirrored], first: int) -> None:
    """Give every other pipeline the rows of the first, with keys of their own."""
    table = model._meta.db_table
    columns = [f.column for f in model._meta.concrete_fields if not f.primary_key]
    own = {"pipeline_id": "p.id", "scope_id": "p.scope_id", "key": "p.key || '/' || r.key"}
    values = ", ".join(own.get(column, f'r."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} r "
            "CROSS JOIN codepipeline_pipeline p WHERE r.pipeline_id = %s AND p.id <> %s",
            [first, first],
        )


def _finish(at: Any) -> None:
    """The columns that a digest would have written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE codepipeline_pipeline SET latest_started_at = %s, latest_execution_id = "
            "(SELECT e.id FROM codepipeline_execution e WHERE e.pipeline_id = "
            "codepipeline_pipeline.id ORDER BY e.started_at DESC LIMIT 1)",
            [at],
        )
