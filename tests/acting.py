"""Acts that are really done: on what the sandbox has, mirrored, by somebody of a project with it.

A test module imports the fixture `acting`, makes what it needs through boto3, and sweeps.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache

from apps.deeds.acts import ACTS, Act
from apps.deeds.at_aws import AtAws
from apps.deeds.forms import ActForm
from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.sandbox.server import SandboxServer
from tests.deeds.making import DeathError, asked, connected, died, performed, permitted
from tests.factories import hold, make_project, make_user
from tests.sandbox.conftest import Aws
from tests.simulated import Simulated, mirrored

ACCOUNT, REGION = "111122223333", "eu-west-1"


class Acting:
    """A simulated account whose clock is held, as the mirror knows it, and who acts in it."""

    def __init__(self, server: SandboxServer, patch: pytest.MonkeyPatch) -> None:
        self.server, self.clock, self.patch = server, server.clock, patch
        self.aws = Aws(server.url)
        self.people = {
            name: make_user(name, reads_everything=False) for name in ("owner", "contributor")
        }
        self.project = make_project("Checkout", **self.people)
        self.scope: Scope | None = None

    def sweep(self, *kinds: str) -> Scope:
        """Read these kinds, as if they were due; the first time connects the account."""
        found = mirrored(ACCOUNT, REGION, *kinds)
        if self.scope is None:
            self.scope = found
            permitted(connected(found))
        return found

    def hold(self, *rows: Any) -> None:
        """The project has these rows."""
        hold(self.project, *rows)

    def ask(self, name: str, row: Any, said: Mapping[str, Any] | None = None, **more: Any) -> Deed:
        """Somebody whose role just does asks for an act."""
        who = self.people[ACTS.by_name[name].needed.value]
        return asked(who, name, row, said, **more)

    def do(self, name: str, row: Any, said: Mapping[str, Any] | None = None, **more: Any) -> Deed:
        """They ask for it, and it is performed."""
        return performed(self.ask(name, row, said, **more))

    def do_and_die(
        self, name: str, row: Any, said: Mapping[str, Any] | None = None, **more: Any
    ) -> Deed:
        """They ask for it, whoever performs it dies when it was sent, and another one comes."""
        deed = self.ask(name, row, said, **more)
        with self.patch.context() as patched:
            patched.setitem(ACTS.by_name, name, dying(ACTS.by_name[name]))
            with pytest.raises(DeathError):
                performed(deed)
        left = died(deed)
        assert left.begun_at is not None
        assert left.outcome == Deed.Outcome.WAITING
        return performed(left)

    def deny(self, service: str, operation: str) -> None:
        """From now on an operation is denied."""
        self.server.faults.add("deny", service=service, operation=operation)


def dying(act: Act) -> Act:
    """The same act, whose process dies as soon as it was sent."""
    doer = act.doer
    assert isinstance(doer, AtAws)
    sends: Callable[..., Any] = doer.sends

    def dies(*args: Any) -> Any:
        sends(*args)
        raise DeathError

    return replace(act, doer=replace(doer, sends=dies))


@pytest.fixture
def acting(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Acting]:
    """An empty account whose clock stands."""
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    with SandboxServer(seed=1, speed=1) as server:
        server.clock.hold()
        monkeypatch.setitem(PROVIDERS.by_name, "aws", Simulated(server.url))
        yield Acting(server, monkeypatch)
    cache.clear()


def form_of(name: str, row: Any, **written: Any) -> ActForm:
    """The form of an act as somebody filled it in; what they left alone is as it was drawn."""
    act = ACTS.by_name[name]
    kind = act.form or ActForm
    drawn = kind(None, row=row, act=act)
    data = {field: drawn[field].value() for field in drawn.fields}
    filled = {**data, **written}
    return kind(
        {field: value for field, value in filled.items() if value not in (None, False)},
        row=row,
        act=act,
    )


def effect_of(name: str, row: Any, **written: Any) -> str:
    """What the page says will happen."""
    act = ACTS.by_name[name]
    return "\n".join(act.effect(row, form_of(name, row, **written).meant()))
