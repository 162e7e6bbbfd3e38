"""What the stream and pages ask of a change's lines; reading them is the work of `differences`."""

from collections.abc import Mapping
from typing import Any

from apps.mirror.looks import LOOKS, Look
from apps.source import looked
from apps.source.models import Commit, PullRequest

from .differences import CALLS
from .tasks import read_changes

SERVICE = "github"


def _row(model: type[Any], pk: int) -> Any:
    return model.objects.filter(pk=pk).first()


def _look(model: type[Any]) -> Look:
    name = looked.look_name(SERVICE, model)

    def permitted(user: Any, pk: int) -> bool:
        return bool(model.objects.visible_to(user).filter(pk=pk).exists())

    def watch(pk: int) -> None:
        row = _row(model, pk)
        ticket = looked.watched(row) if row is not None else None
        if ticket is not None:
            read_changes.delay(name, pk, ticket)

    def since(pk: int, first: int) -> Mapping[str, Any]:
        return looked.since(name, _row(model, pk), pk, first)

    return Look(
        name=name,
        provider="github",
        calls=CALLS,
        permitted=permitted,
        watch=watch,
        since=since,
    )


LOOKS.add(_look(Commit))
LOOKS.add(_look(PullRequest))
