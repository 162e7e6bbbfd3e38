"""A pipeline that people may act on, an act on it, and somebody in memory who does it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from apps.aws.models import Account, Place
from apps.deeds import asking, performing
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.models import Deed, Permit
from apps.deeds.rights import leave_of
from apps.mirror.models import Scope
from apps.projects.models import Project


class Hands:
    """Does what it is asked in memory: `sent` counts how often, `there` is what it had for effect.

    fails   raised by the next calls of any kind, in turn.
    silent  does it and then raises this, as where an answer is lost on its way; or a process dies.
    moved   what `stands` answers.
    untold  what is found instead of a certain effect.
    """

    def __init__(self, repeats: timedelta | None = None) -> None:
        self.repeats = repeats
        self.sent: list[str] = []
        self.there: set[str] = set()
        self.fails: list[BaseException] = []
        self.silent: BaseException | None = None
        self.moved: Moved | Done | None = None
        self.untold: Untold | None = None
        self.looked = 0

    def _called(self) -> None:
        if self.fails:
            raise self.fails.pop(0)

    def stands(self, deed: Deed, row: Any) -> Moved | Done | None:
        self._called()
        return self.moved

    def send(self, deed: Deed, row: Any) -> Done:
        self._called()
        mark = str(deed.mark)
        if self.repeats is None or mark not in self.there:
            self.sent.append(mark)
        self.there.add(mark)
        if self.silent is not None:
            error, self.silent = self.silent, None
            raise error
        return Done(request="req-1", kind="codepipeline.execution", key="e-1", name="Execution e-1")

    def found(self, deed: Deed, row: Any) -> Done | Untold | None:
        self._called()
        self.looked += 1
        if self.untold is not None:
            return self.untold
        return Done(told="It is there.") if str(deed.mark) in self.there else None


class DeathError(BaseException):
    """The process dies here: nothing catches it, nothing is written after it."""


def connected(scope: Scope, name: str = "tools") -> Account:
    """The account that a scope belongs to, connected."""
    account = Account.objects.create(
        name=name,
        account_id=scope.account,
        method=Account.Method.KEYS,
        access_key_id=scope.account,
        secret_access_key="sandbox",
        identified_at=now(),
        caller_arn=f"arn:aws:iam::{scope.account}:user/dashboard",
    )
    Place.objects.create(account=account, region=scope.region, scope=scope)
    return account


def permitted(
    account: Account, acts: Iterable[str] | None = None, projects: Iterable[Project] | None = None
) -> Permit:
    """Let these acts (all) be done there for these projects (every one)."""
    names = list(ACTS.by_name if acts is None else acts)
    permit, _ = Permit.objects.update_or_create(
        account=account, defaults={"acts": names, "everyone": projects is None}
    )
    permit.projects.set(projects or ())
    return permit


def asked(
    who: Any, name: str, row: Any, said: Mapping[str, Any] | None = None, **more: Any
) -> Deed:
    """Somebody asks for an act on a row, as its page would."""
    act: Act = ACTS.by_name[name]
    given = leave_of(who, act, row)
    assert given.standing is not None, given.why or "their role does not do"
    return asking.ask(
        act,
        row,
        who=who,
        who_name=who.username,
        standing=given.standing,
        said=said or {},
        seen=more.pop("seen", act.seen(row)),
        **more,
    )


def performed(deed: Deed) -> Deed:
    """Its time has come: somebody performs it."""
    waits = Deed.objects.filter(pk=deed.pk, outcome=Deed.Outcome.WAITING)
    waits.update(not_before=now() - timedelta(seconds=1))
    performing.perform(deed.pk)
    return Deed.objects.get(pk=deed.pk)


def died(deed: Deed) -> Deed:
    """Whoever was at it died, and its lease is over."""
    Deed.objects.filter(pk=deed.pk).update(
        claimed_until=now() - timedelta(seconds=1), not_before=now() - timedelta(seconds=1)
    )
    return Deed.objects.get(pk=deed.pk)
