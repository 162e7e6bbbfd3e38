"""What people let the wizard do, and the bootstrap as the thing that it is done to."""

from typing import Any

from django.db.models import Q
from django.http import Http404

from apps.deeds.rights import ADMINISTRATOR, Standing, standings_in
from apps.deeds.things import THINGS, Thing
from apps.mirror.resource import REGISTER
from apps.people.rights import is_administrator, narrowed_to
from apps.projects.acting import working_in
from apps.projects.roles import Role

from . import deeds, gathering  # noqa: F401 - declare themselves
from .models import KIND, Bootstrap
from .parts import PARTS
from .removing import repository_of


def _rows() -> Any:
    return Bootstrap.objects.select_related("scope", "project", "who__profile", "deed")


def load(pk: int) -> Bootstrap | None:
    """Return a bootstrap, whoever asks."""
    found: Bootstrap | None = _rows().filter(pk=pk).first()
    return found


def for_reader(user: Any, pk: int) -> Bootstrap:
    """Return a bootstrap that a user may know of. Raises Http404 for any other."""
    found: Bootstrap | None = _rows().visible_to(user).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such project in the making.")
    return found


def may_make(user: Any) -> bool:
    """Whether somebody may make projects from templates: who owns one, and administrators."""
    return bool(working_in(user, Role.OWNER).exists()) or is_administrator(user)


def standings(user: Any, bootstrap: Bootstrap) -> list[Standing]:
    """Return what a user is in the project, and in one that is not there yet: its maker owns it."""
    if bootstrap.project is not None:
        return standings_in(user, [bootstrap.project.pk])
    if not user.is_active or narrowed_to(user) is not None:
        return []
    if user.pk in (bootstrap.maker_id, bootstrap.who_id) and may_make(user):
        return [Standing(None, Role.OWNER, Role.OWNER.value)]
    return [Standing(None, Role.OWNER, ADMINISTRATOR)] if is_administrator(user) else []


def _touches(bootstrap: Bootstrap) -> list[tuple[str, int]]:
    """What is mirrored of what it makes: its stacks, its pipeline, its repository."""
    if bootstrap.scope is None:
        return []
    stacks = [stack for part in PARTS if (stack := part.stack(bootstrap))]
    named = {
        "cloudformation.stack": Q(arn__in=stacks),
        "codepipeline.pipeline": Q(key=bootstrap.name),
        "codecommit.repository": Q(key=repository_of(bootstrap)),
    }
    return [
        (kind, pk)
        for kind, rows in named.items()
        for pk in REGISTER.get(kind)
        .model._default_manager.filter(rows, scope=bootstrap.scope, gone_at=None)
        .values_list("pk", flat=True)
    ]


THINGS.add(
    KIND,
    Thing(
        load=load,
        for_reader=for_reader,
        url=Bootstrap.get_absolute_url,
        standings=standings,
        touches=_touches,
    ),
)
