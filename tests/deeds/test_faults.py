"""Whatever goes wrong while an act is done, it is done once, or not at all: each act, each fault.

A service adds its acts to the table as a module of cases; see `tests.deeds.cases`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module

import pytest

from apps.aws.actions import action_of
from apps.deeds import asking, performing
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.mirror.provider import PROVIDERS
from tests.acting import Acting, acting
from tests.codepipeline.cases import CASES as PIPELINES

from .cases import Case
from .making import DeathError, died, performed
from .wire import Wire, dies, not_there, times_out

__all__ = ["acting"]

pytestmark = pytest.mark.django_db
States = Deed.Outcome
CASES: Mapping[str, Case] = {**PIPELINES}
# Where acts are held to the same in tests of their own: each says in `HELD` which.
ELSEWHERE = (
    "tests.beanstalk.test_acts",
    "tests.codebuild.test_acts",
    "tests.codedeploy.test_acts",
    "tests.issues.test_deeds",
    "tests.wizard.test_courses",
    "tests.wizard.test_kept",
    "tests.wizard.test_pushing",
)
# Longer than a deed that is performed again and again stays on its way.
OFTEN = 12


def test_every_act_has_its_line_or_tests_of_its_own():
    held = [name for path in ELSEWHERE for name in import_module(path).HELD]
    assert sorted([*CASES, *held]) == sorted(ACTS.by_name)


class Broken:
    """An act, what it is done to, and the wire to AWS."""

    def __init__(self, name: str, acting: Acting, wire: Wire) -> None:
        self.name, self.case, self.acting, self.wire = name, CASES[name], acting, wire
        self.row, self.said = self.case.prepare(acting)
        self.before = self.case.count(acting)

    @property
    def effects(self) -> int:
        """How often it had its effect since it was prepared."""
        return self.case.count(self.acting) - self.before

    def ask(self) -> Deed:
        return self.acting.ask(self.name, self.row, self.said, why="because (of) it")

    def until_it_ended(self, deed: Deed) -> Deed:
        """It is performed again and again, as the beat would have it."""
        for _ in range(OFTEN):
            if not deed.waits:
                return deed
            deed = performed(deed)
        raise AssertionError(f"it still waits: {deed.reason}")

    def assert_found(self, over: Deed) -> None:
        """Its effect is told as this deed's where that is certain, and else as anybody's."""
        if not self.case.untold:
            assert (over.outcome, over.reason) == (States.DONE, "")
            return
        assert (over.outcome, over.told) == (States.UNKNOWN, "")
        assert over.reason.startswith(self.case.untold)
        assert over.reason.endswith("; whether by this or by somebody else cannot be told.")

    def dies(self, deed: Deed) -> Deed:
        """Whoever performs it dies, and another one comes and goes on until it ended."""
        with pytest.raises(DeathError):
            performed(deed)
        left = died(deed)
        assert left.begun_at is not None
        return self.until_it_ended(left)


@pytest.fixture(params=sorted(CASES))
def broken(
    request: pytest.FixtureRequest, acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> Broken:
    wire = Wire(acting.server.url)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", wire)
    # Deeds go by the sandbox's clock, which stands where what was prepared left it.
    monkeypatch.setattr(
        performing, "now", lambda: datetime.fromtimestamp(acting.clock.now() + 1, UTC)
    )
    return Broken(request.param, acting, wire)


def test_it_is_done_and_leaves_its_request(broken: Broken):
    over = performed(broken.ask())
    assert (over.outcome, over.reason) == (States.DONE, "")
    assert over.request_id
    assert over.told
    broken.acting.clock.advance(600)
    assert broken.effects == 1


def test_whoever_died_once_it_was_sent_leaves_one_effect(broken: Broken):
    deed = broken.ask()
    broken.wire.after[broken.case.sends] = dies()
    over = broken.dies(deed)
    broken.assert_found(over)
    broken.acting.clock.advance(600)
    assert broken.effects == 1


def test_whoever_died_before_it_was_sent_leaves_it_to_a_person_or_to_the_token(broken: Broken):
    deed = broken.ask()
    broken.wire.before[broken.case.sends] = dies()
    over = broken.dies(deed)
    if broken.case.tokened:
        assert (over.outcome, broken.effects) == (States.DONE, 1)
        return
    assert (over.outcome, over.reason) == (States.UNKNOWN, performing.UNTOLD)
    assert broken.effects == 0
    # A person says so: now it is done, once.
    assert asking.do_again(over)
    again = broken.until_it_ended(Deed.objects.get(pk=deed.pk))
    assert (again.outcome, broken.effects) == (States.DONE, 1)


def test_an_answer_that_was_lost_is_looked_for(broken: Broken):
    deed = broken.ask()
    broken.wire.after[broken.case.sends] = times_out()
    once = performed(deed)
    assert (once.outcome, once.looks) == (States.WAITING, 1)
    over = broken.until_it_ended(once)
    broken.assert_found(over)
    broken.acting.clock.advance(600)
    assert broken.effects == 1


def test_what_aws_fails_at_inside_is_looked_for_and_never_doubled(broken: Broken):
    deed = broken.ask()
    service, _, operation = broken.case.sends.partition(":")
    broken.acting.server.faults.add("error", service=service, operation=operation, times=1)
    over = broken.until_it_ended(performed(deed))
    expected = (States.DONE, 1) if broken.case.tokened else (States.UNKNOWN, 0)
    assert (over.outcome, broken.effects) == expected


def test_what_is_throttled_is_sent_later(broken: Broken):
    deed = broken.ask()
    service, _, operation = broken.case.sends.partition(":")
    broken.acting.server.faults.add("throttle", service=service, operation=operation, times=1)
    once = performed(deed)
    assert (once.outcome, once.begun_at, once.tries) == (States.WAITING, None, 1)
    assert broken.effects == 0
    assert performed(once).outcome == States.DONE
    assert broken.effects == 1


def test_what_is_denied_is_refused_with_the_statement_that_cures_it(broken: Broken):
    deed = broken.ask()
    service, _, operation = broken.case.sends.partition(":")
    broken.acting.deny(service, operation)
    over = performed(deed)
    assert over.outcome == States.REFUSED
    assert action_of(broken.case.sends) in over.cure
    assert '"Effect": "Allow"' in over.cure
    assert broken.effects == 0


def test_what_aws_cannot_be_reached_for_is_done_once_it_can(broken: Broken):
    deed = broken.ask()
    broken.wire.first = not_there()
    over = broken.until_it_ended(performed(deed))
    assert (over.outcome, broken.effects) == (States.DONE, 1)
    assert broken.wire.answered[broken.case.sends] == 1


def test_what_somebody_else_did_meanwhile_is_told(broken: Broken):
    if broken.case.moves is None:
        # As it is to be it may be by whosever hand: that is no refusal.
        over = performed(broken.ask())
        same = broken.acting.ask(broken.name, type(broken.row).objects.get(pk=broken.row.pk))
        again = performed(same)
        assert {over.outcome, again.outcome} == {States.DONE}
        return
    deed = broken.ask()
    broken.case.moves(broken.acting)
    before = broken.case.count(broken.acting)
    over = performed(deed)
    assert over.outcome == States.REFUSED
    assert broken.case.told in over.reason
    assert broken.wire.answered[broken.case.sends] == 0
    broken.acting.clock.advance(600)
    assert broken.case.count(broken.acting) == before
