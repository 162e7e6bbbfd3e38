"""A deed is done once, looked for before it is repeated, and told as it ended."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from apps.audit.kept import KeptError
from apps.audit.models import Outcome, Record
from apps.aws.models import Account
from apps.codepipeline.models import Pipeline
from apps.deeds import asking, performing, tasks
from apps.deeds.acts import Act, Done, LaterError, Moved, RefusedError, UnsureError, Untold
from apps.deeds.models import Deed, Permit
from apps.mirror.models import Hint
from apps.projects.models import Membership
from tests.factories import make_project

from .making import DeathError, Hands, asked, died, performed

pytestmark = [pytest.mark.django_db, pytest.mark.sql]
States = Deed.Outcome


@pytest.fixture
def deed(act: Act, people: dict[str, Any], pipeline: Pipeline) -> Deed:
    return asked(people["contributor"], "test.press", pipeline, why="for the sale")


# --- Done -----------------------------------------------------------------------------------------


def test_it_is_done_told_and_read_again(deed: Deed, hands: Hands, people: dict[str, Any]):
    assert deed.outcome == States.WAITING
    over = performed(deed)
    assert (over.outcome, over.request_id) == (States.DONE, "req-1")
    assert over.made == {
        "kind": "codepipeline.execution",
        "key": "e-1",
        "name": "Execution e-1",
    }
    assert hands.sent == [str(deed.mark)]
    told = Record.objects.get(verb="test.press")
    assert (told.told, told.outcome, told.who) == (
        "pressed checkout",
        Outcome.DONE,
        people["contributor"],
    )
    assert told.detail["request"] == "req-1"
    assert told.reason == "for the sale"
    assert list(Hint.objects.values_list("kind", "row_key")) == [
        ("codepipeline.pipeline", "checkout")
    ]


def test_it_keeps_who_asked_as_what_and_where(deed: Deed, pipeline: Pipeline):
    assert (deed.who_name, deed.role, deed.project_name) == (
        "contributor",
        "contributor",
        "Checkout",
    )
    assert (deed.name, deed.place) == ("checkout", "111122223333 · eu-west-1")
    assert deed.seen == {"version": pipeline.pipeline_version}


def test_performing_it_again_does_nothing(deed: Deed, hands: Hands):
    performed(deed)
    performing.perform(deed.pk)
    assert len(hands.sent) == 1
    assert Record.objects.filter(verb="test.press").count() == 1


def test_who_is_at_it_is_left_alone(deed: Deed, hands: Hands):
    Deed.objects.filter(pk=deed.pk).update(claimed_until=now() + timedelta(minutes=1))
    performing.perform(deed.pk)
    assert not hands.sent
    assert performing.due() == []


def test_what_is_as_it_was_to_be_is_not_sent(deed: Deed, hands: Hands):
    hands.moved = Done(told="It is so already.")
    over = performed(deed)
    assert (over.outcome, over.told) == (States.DONE, "It is so already.")
    assert not hands.sent


# --- Refused --------------------------------------------------------------------------------------


def test_what_moved_meanwhile_is_refused(deed: Deed, hands: Hands):
    hands.moved = Moved("Somebody did it meanwhile.")
    over = performed(deed)
    assert (over.outcome, over.reason) == (States.REFUSED, "Somebody did it meanwhile.")
    assert not hands.sent
    assert Record.objects.get(verb="test.press").outcome == Outcome.REFUSED


def test_a_no_is_told_with_its_cure_and_its_request(deed: Deed, hands: Hands):
    hands.moved = None
    hands.fails = []
    act = deed.declared
    assert act is not None

    def no(_deed: Deed, _row: Any) -> Done:
        raise RefusedError("You may not.", "Allow it.", "req-9")

    hands.send = no  # type: ignore[method-assign]
    over = performed(deed)
    assert (over.outcome, over.reason, over.cure, over.request_id) == (
        States.REFUSED,
        "You may not.",
        "Allow it.",
        "req-9",
    )


def test_who_was_taken_out_meanwhile_does_nothing(deed: Deed, hands: Hands, people: dict[str, Any]):
    Membership.objects.filter(user=people["contributor"]).delete()
    over = performed(deed)
    assert (over.outcome, over.reason) == (States.REFUSED, performing.MAY_NOT)
    assert not hands.sent


def test_who_was_switched_off_meanwhile_does_nothing(
    deed: Deed, hands: Hands, people: dict[str, Any]
):
    people["contributor"].is_active = False
    people["contributor"].save()
    assert performed(deed).outcome == States.REFUSED
    assert not hands.sent


def test_what_is_allowed_no_more_is_refused_in_words(deed: Deed, hands: Hands):
    Permit.objects.all().delete()
    over = performed(deed)
    assert over.outcome == States.REFUSED
    assert over.reason.startswith("Account tools is only read")
    assert not hands.sent


def test_another_project_of_theirs_says_nothing(
    deed: Deed, hands: Hands, people: dict[str, Any], pipeline: Pipeline
):
    make_project("Second", pipeline, owner=people["contributor"])
    Membership.objects.filter(user=people["contributor"], project=deed.project).delete()
    over = performed(deed)
    assert (over.outcome, over.reason) == (States.REFUSED, performing.MAY_NOT)
    assert not hands.sent


def test_what_was_asked_in_the_name_of_a_project_that_is_gone_is_refused(
    deed: Deed, hands: Hands, people: dict[str, Any], pipeline: Pipeline
):
    make_project("Second", pipeline, owner=people["contributor"])
    deed.project.delete()
    assert performed(deed).outcome == States.REFUSED
    assert not hands.sent


def test_what_is_gone_is_refused(deed: Deed, hands: Hands, pipeline: Pipeline):
    Pipeline.objects.filter(pk=pipeline.pk).delete()
    over = performed(deed)
    assert (over.outcome, over.reason) == (States.REFUSED, performing.GONE)


# --- Later ----------------------------------------------------------------------------------------


def test_what_was_turned_away_unread_is_sent_later(deed: Deed, hands: Hands):
    hands.fails = [LaterError("Slow down.", timedelta(seconds=40))]
    once = performed(deed)
    assert (once.outcome, once.begun_at, once.reason) == (States.WAITING, None, "Slow down.")
    assert once.not_before > now() + timedelta(seconds=30)
    assert performed(deed).outcome == States.DONE
    assert len(hands.sent) == 1


def test_what_can_never_be_sent_fails_in_the_end(deed: Deed, hands: Hands):
    def turned_away(_deed: Deed, _row: Any) -> Done:
        raise LaterError("Slow down.")

    hands.send = turned_away  # type: ignore[method-assign]
    for _ in range(len(performing.PAUSES)):
        assert performed(deed).outcome == States.WAITING
    over = performed(deed)
    assert (over.outcome, over.reason, over.begun_at) == (States.FAILED, "Slow down.", None)


def test_what_could_not_be_looked_at_is_not_sent_blindly(deed: Deed, hands: Hands):
    hands.fails = [ValueError("no answer of that shape")]
    assert performed(deed).outcome == States.WAITING
    assert not hands.sent


# --- Nobody answered ------------------------------------------------------------------------------


def test_what_was_done_without_an_answer_is_found_and_not_repeated(deed: Deed, hands: Hands):
    hands.silent = UnsureError("timeout")
    assert performed(deed).outcome == States.WAITING
    over = performed(deed)
    assert (over.outcome, over.told) == (States.DONE, "It is there.")
    assert len(hands.sent) == 1


def test_what_is_not_found_asks_a_person(deed: Deed, hands: Hands):
    hands.silent = UnsureError("timeout")
    performed(deed)
    hands.there.clear()
    for _ in performing.LOOKS:
        over = performed(deed)
    assert (over.outcome, over.reason) == (States.UNKNOWN, performing.UNTOLD)
    assert len(hands.sent) == 1


def test_what_may_be_somebody_elses_is_never_told_as_this_deeds(deed: Deed, hands: Hands):
    hands.silent, hands.untold = UnsureError("timeout"), Untold("It is pressed")
    performed(deed)
    over = performed(deed)
    assert (over.outcome, over.told, over.made) == (States.UNKNOWN, "", {})
    assert over.reason == "It is pressed; whether by this or by somebody else cannot be told."
    assert Record.objects.get(verb="test.press").outcome == Outcome.UNKNOWN


def test_what_a_person_says_is_not_of_this_is_sent_where_nothing_else_came(
    deed: Deed, hands: Hands
):
    hands.silent, hands.untold = UnsureError("timeout"), Untold("It is pressed")
    performed(deed)
    over = performed(deed)
    assert asking.do_again(over)
    hands.untold = Untold("It is pressed twice")
    # That they have not been told yet.
    again = performed(over)
    assert (again.outcome, len(hands.sent)) == (States.UNKNOWN, 1)
    assert again.reason.startswith("It is pressed twice; ")
    assert asking.do_again(again)
    assert performed(again).outcome == States.WAITING
    assert performed(again).outcome == States.DONE
    assert len(hands.sent) == 2


def test_what_was_so_already_is_recorded_as_that(deed: Deed, hands: Hands):
    hands.moved = Done(told="It is so already.")
    performed(deed)
    assert Record.objects.get(verb="test.press").reason == "It is so already."


@pytest.mark.parametrize("repeats", [None, timedelta(minutes=5)])
def test_a_worker_that_died_after_sending_leaves_one_effect(
    deed: Deed, hands: Hands, repeats: timedelta | None
):
    hands.repeats = repeats
    hands.silent = DeathError()  # type: ignore[assignment]
    with pytest.raises(DeathError):
        performed(deed)
    assert died(deed).begun_at is not None
    assert performed(deed).outcome == States.DONE
    assert len(hands.sent) == 1
    assert Record.objects.filter(verb="test.press").count() == 1


def test_a_worker_that_died_before_sending_leaves_it_to_the_next(deed: Deed, hands: Hands):
    hands.fails = [DeathError()]
    with pytest.raises(DeathError):
        performed(deed)
    assert died(deed).begun_at is None
    assert performed(deed).outcome == States.DONE
    assert len(hands.sent) == 1


def test_a_worker_that_died_while_writing_the_end_leaves_one_effect(
    deed: Deed, hands: Hands, monkeypatch: pytest.MonkeyPatch
):
    def dies(_deed: Deed) -> None:
        raise DeathError

    with monkeypatch.context() as patched:
        patched.setattr(performing.told, "tell", dies)
        with pytest.raises(DeathError):
            performed(deed)
    over = performed(died(deed))
    assert over.outcome == States.DONE
    assert len(hands.sent) == 1


def test_past_the_time_of_its_token_it_is_looked_for_and_not_sent(deed: Deed, hands: Hands):
    hands.repeats = timedelta(minutes=5)
    hands.silent = UnsureError("timeout")
    performed(deed)
    hands.there.clear()
    Deed.objects.filter(pk=deed.pk).update(begun_at=now() - timedelta(minutes=6))
    performed(deed)
    assert len(hands.sent) == 1
    assert hands.looked == 1


@pytest.mark.parametrize("withdrawn", ["membership", "permit", "account"])
def test_what_may_not_be_done_any_more_is_looked_for_and_not_sent_again(
    deed: Deed, hands: Hands, people: dict[str, Any], account: Account, withdrawn: str
):
    hands.repeats = timedelta(days=7)
    hands.silent = UnsureError("timeout")
    performed(deed)
    hands.there.clear()
    if withdrawn == "membership":
        Membership.objects.filter(user=people["contributor"]).delete()
    elif withdrawn == "permit":
        Permit.objects.all().delete()
    else:
        Account.objects.filter(pk=account.pk).update(paused=True)
    for _ in performing.LOOKS:
        over = performed(deed)
    assert over.outcome == States.UNKNOWN
    assert over.reason.startswith(performing.NOT_AGAIN)
    assert len(over.reason) > len(performing.NOT_AGAIN)
    assert (len(hands.sent), hands.looked) == (1, len(performing.LOOKS))


def test_what_may_not_be_done_any_more_is_found_all_the_same(
    deed: Deed, hands: Hands, people: dict[str, Any]
):
    hands.repeats = timedelta(days=7)
    hands.silent = UnsureError("timeout")
    performed(deed)
    Membership.objects.filter(user=people["contributor"]).delete()
    assert performed(deed).outcome == States.DONE
    assert len(hands.sent) == 1


def test_a_refusal_of_what_was_sent_before_says_nothing_of_that(deed: Deed, hands: Hands):
    hands.repeats = timedelta(minutes=5)
    hands.silent = UnsureError("timeout")
    performed(deed)
    hands.fails = [RefusedError("You may not any more.")]
    over = performed(deed)
    assert (over.outcome, over.told) == (States.DONE, "It is there.")


# --- A person decides -----------------------------------------------------------------------------


@pytest.fixture
def unknown(deed: Deed, hands: Hands) -> Deed:
    hands.silent = UnsureError("timeout")
    performed(deed)
    hands.there.clear()
    for _ in performing.LOOKS:
        performed(deed)
    found: Deed = Deed.objects.get(pk=deed.pk)
    assert found.outcome == States.UNKNOWN
    return found


def test_looking_again_finds_what_came_late(unknown: Deed, hands: Hands):
    hands.there.add(str(unknown.mark))
    assert asking.look_again(unknown)
    assert performed(unknown).outcome == States.DONE
    assert len(hands.sent) == 1


def test_looking_again_sends_nothing_even_while_its_mark_would_do(unknown: Deed, hands: Hands):
    hands.repeats, hands.looked = timedelta(days=7), 0
    assert asking.look_again(unknown)
    for _ in performing.LOOKS:
        assert performed(unknown).outcome == States.WAITING
    over = performed(unknown)
    assert (over.outcome, over.reason) == (States.UNKNOWN, performing.UNTOLD)
    assert (len(hands.sent), hands.looked) == (1, 1 + len(performing.LOOKS))


@pytest.mark.parametrize("repeats", [None, timedelta(days=7)])
def test_doing_it_again_looks_first(unknown: Deed, hands: Hands, repeats: timedelta | None):
    hands.repeats = repeats
    hands.there.add(str(unknown.mark))
    looked = hands.looked
    assert asking.do_again(unknown)
    assert performed(unknown).outcome == States.DONE
    assert (len(hands.sent), hands.looked) == (1, looked + 1)


def test_doing_it_again_sends_it_where_nothing_is_there(unknown: Deed, hands: Hands):
    assert asking.do_again(unknown)
    performed(unknown)
    assert performed(unknown).outcome == States.DONE
    assert len(hands.sent) == 2


@pytest.mark.parametrize(("done", "outcome"), [(True, States.DONE), (False, States.FAILED)])
def test_a_person_may_say_how_it_ended(unknown: Deed, done: bool, outcome: str):
    assert asking.settle(unknown, done=done, by="Ada")
    unknown.refresh_from_db()
    assert unknown.outcome == outcome
    assert "Ada looked" in (unknown.told or unknown.reason)
    assert not asking.settle(unknown, done=True, by="Ada")


# --- Asked ----------------------------------------------------------------------------------------


def test_a_form_that_is_sent_twice_is_one_deed(
    act: Act, people: dict[str, Any], pipeline: Pipeline, deed: Deed
):
    same = asked(people["contributor"], "test.press", pipeline, mark=deed.mark)
    assert same.pk == deed.pk
    assert Deed.objects.count() == 1


def test_another_ones_mark_is_refused(
    act: Act, people: dict[str, Any], pipeline: Pipeline, deed: Deed
):
    with pytest.raises(asking.MarkTakenError):
        asked(people["owner"], "test.press", pipeline, mark=deed.mark)


def test_the_same_on_its_way_already_is_told(
    act: Act, people: dict[str, Any], pipeline: Pipeline, deed: Deed
):
    with pytest.raises(asking.OnItsWayError) as told:
        asked(people["owner"], "test.press", pipeline)
    assert told.value.deed == deed
    performed(deed)
    assert asked(people["owner"], "test.press", pipeline).pk != deed.pk


def test_what_is_due_is_handed_out_once(deed: Deed, queued: list[tuple[str, tuple[Any, ...]]]):
    queued.clear()
    tasks.resume_deeds()
    tasks.resume_deeds()
    assert queued == [("deeds.perform", (deed.pk,))]


# --- Kept -----------------------------------------------------------------------------------------


def test_deeds_are_never_deleted_and_never_written_anew(deed: Deed):
    with pytest.raises(KeptError):
        deed.delete()
    with pytest.raises(KeptError):
        Deed.objects.all().delete()
    deed.why = "another reason"
    with pytest.raises(KeptError):
        deed.save()


def test_a_deed_outlives_its_person_its_project_and_its_scope(
    deed: Deed, people: dict[str, Any], pipeline: Pipeline
):
    performed(deed)
    people["contributor"].delete()
    deed.project.delete()
    pipeline.scope.delete()
    left = Deed.objects.get(pk=deed.pk)
    assert (left.who, left.project, left.scope) == (None, None, None)
    assert (left.who_name, left.project_name, left.place) == (
        "contributor",
        "Checkout",
        "111122223333 · eu-west-1",
    )


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_does_it(deed: Deed, hands: Hands):
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait()
        try:
            performing.perform(deed.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert len(hands.sent) == 1
    assert Deed.objects.get(pk=deed.pk).outcome == States.DONE
