"""What people can do to pipelines, in the order in which it is offered."""

from apps.deeds.acts import ACTS, Part
from apps.mirror.state import UNFINISHED

from . import (  # noqa: F401 - declare their acts
    approve,
    release,
    retry,
    retry_beside,
    rollback,
    stop,
    transition,
)
from .models import Action, Execution, Pipeline

# Executions that run at once in a pipeline whose page offers to stop them.
MOST = 20


def _parts(pipeline: Pipeline) -> list[Part]:
    """What of a pipeline is acted on: what runs, what waits for somebody, each stage."""
    running = Execution.objects.filter(pipeline=pipeline, state__in=UNFINISHED)
    running = running.select_related("pipeline", "scope").order_by("-started_at", "-pk")[:MOST]
    waiting = Action.objects.filter(execution__pipeline=pipeline, **approve.WAITS)
    waiting = waiting.select_related("execution__pipeline", "scope").order_by("pk")[:MOST]
    stages = pipeline.stages.filter(gone_at=None).select_related("pipeline", "scope")
    return [
        *map(_waiting, waiting),
        *(Part("codepipeline.execution", one, f"Execution {one.key[:8]}") for one in running),
        *(Part("codepipeline.stage", one, one.name) for one in stages),
    ]


def _waiting(action: Action) -> Part:
    return Part("codepipeline.action", action, f"{action.stage} / {action.name}")


def _parts_of_execution(execution: Execution) -> list[Part]:
    """What waits for somebody in it."""
    waiting = Action.objects.filter(execution=execution, **approve.WAITS)
    waiting = waiting.select_related("execution__pipeline", "scope").order_by("pk")[:MOST]
    return [*map(_waiting, waiting)]


ACTS.add_parts(
    "codepipeline.pipeline",
    _parts,
    "codepipeline.action",
    "codepipeline.execution",
    "codepipeline.stage",
)
ACTS.add_parts("codepipeline.execution", _parts_of_execution, "codepipeline.action")
