"""Accepts what is proposed without asking, where ADOPT says so: in the sandbox, to begin with."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, Max

from apps.mirror.models import Scope
from apps.people.rights import ADMINISTRATORS
from apps.projects.deeds import RefusedError
from apps.projects.generations import begin_another
from apps.projects.models import Project
from apps.projects.roles import Role
from apps.projects.told import ADDED, called, tell

from .deeds import accept, let_in
from .models import Adoption, Proposal

log = logging.getLogger(__name__)

# People whom the record of being let in names.
NAMED = 5


def read_once() -> bool:
    """Whether every place was read once: before that, nobody knows what is shared."""
    swept = Scope.objects.filter(enabled=True, parked=False, paused=False)
    return swept.exists() and not swept.filter(first_swept_at=None).exists()


def accept_all() -> int:
    """Accept what is proposed; return how many were. Single resources wait for somebody to ask.

    What a person decided about, and what was in a project once, waits for a person.
    """
    if settings.ADOPT != "auto" or not read_once():
        return 0
    users = get_user_model().objects.filter(is_active=True)
    owners = list(users.filter(ADMINISTRATORS).order_by("pk"))
    if not owners:
        return 0
    done = 0
    due = Proposal.objects.adopt_themselves()
    for proposal in due.order_by(F("project").asc(nulls_first=True), "name", "pk"):
        try:
            with transaction.atomic():
                project = accept(proposal.pk, owners[0], version=proposal.version, by_itself=True)
                if proposal.project_id is None:
                    _let_all_in(project)
        except RefusedError as error:
            log.info("adoption.refused", extra={"proposal": str(proposal), "why": str(error)})
        else:
            done += 1
    return done


def _let_all_in(project: Any) -> None:
    _let_in(project, get_user_model().objects.filter(is_active=True))
    begin_another()


def _let_in(project: Any, users: Any) -> None:
    let_in(project, users.filter(ADMINISTRATORS), Role.OWNER)
    let_in(project, users.exclude(ADMINISTRATORS), Role.CONTRIBUTOR)
    names = [called(user) for user in users.select_related("profile").order_by("pk")[: NAMED + 1]]
    more = ["others"] if len(names) > NAMED else []
    if names:
        tell(project, ADDED, None, ", ".join(names[:NAMED] + more))


def let_in_newcomers() -> None:
    """Let who came since into what was adopted by itself; who left it stays out."""
    if settings.ADOPT != "auto":
        return
    newest = get_user_model().objects.aggregate(newest=Max("pk"))["newest"] or 0
    if Adoption.here().let_in_to >= newest:
        return
    with transaction.atomic():
        since = Adoption.locked().let_in_to
        users = get_user_model().objects.filter(is_active=True, pk__gt=since)
        for project in Project.objects.filter(accepted__by_itself=True).distinct():
            _let_in(project, users)
        Adoption.objects.filter(pk=1).update(let_in_to=newest)
        begin_another()
