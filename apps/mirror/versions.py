"""What pages over everything depend on, told in one query: a 304 has to cost next to nothing."""

import time
from datetime import timedelta

from django.db import connection
from django.http import HttpRequest

from .models import Change, Operation, Scope, Sweep
from .visibility import VISIBILITY

# Older than this, a scope's data is called stale.
STALE = timedelta(minutes=5)


def _query() -> str:
    change, sweep, operation, scope = (
        connection.ops.quote_name(model._meta.db_table)
        for model in (Change, Sweep, Operation, Scope)
    )
    # Only names of our own tables are put in.
    return f"""
        SELECT (SELECT MAX(id) FROM {change}),
               (SELECT MAX(last_success) FROM {sweep}),
               (SELECT COUNT(*) FROM {operation} WHERE health <> 'ok'),
               (SELECT MAX(last_error) FROM {operation} WHERE health <> 'ok'),
               (SELECT COUNT(*) FROM {scope} WHERE enabled),
               (SELECT MAX(edited_at) FROM {scope}),
               (SELECT COUNT(*) FROM {scope} WHERE enabled AND first_swept_at IS NULL),
               (SELECT MAX(id) FROM {scope}),
               (SELECT COUNT(*) FROM {sweep} WHERE finished_at IS NULL),
               (SELECT SUM(done) FROM {sweep} WHERE finished_at IS NULL)
    """  # noqa: S608


def house_version(request: HttpRequest) -> str:
    """Return the newest change, the minute of the newest sweep, troubles, first sweeps' progress.

    The minute is enough: the stream's heartbeats keep the ages on a page right. The clock tells,
    too, because what nobody reads any more turns stale without anything being written.
    """
    with connection.cursor() as cursor:
        cursor.execute(_query())
        newest, swept, *rest = cursor.fetchone()
    bucket = int(time.time() // STALE.total_seconds())
    sight = VISIBILITY.rule.generation(request.user)
    return " ".join(map(str, [newest, str(swept)[:16], bucket, *rest, sight]))
