"""Pages ask before something is done, say how it ended, and tell nobody what is not theirs."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.aws.models import Account
from apps.codepipeline.models import Pipeline
from apps.deeds import offers, rights
from apps.deeds.acts import ACTS, Act, Moved, RefusedError, UnsureError
from apps.deeds.models import Deed, Permit
from apps.projects.models import Membership, Project
from tests.factories import make_execution, make_pipeline, make_project, make_stage, make_user

from .making import Hands, asked, performed, permitted

pytestmark = pytest.mark.django_db


def ask_path(pipeline: Pipeline, name: str = "test.press") -> str:
    return f"/deeds/ask/{name}/{pipeline.pk}/"


def form_of(browser: Any, path: str, **more: str) -> dict[str, str]:
    """What a browser would send: the form as it was drawn, with what a person typed."""
    form = browser.get(path).context["form"]
    drawn = {name: form[name].value() or "" for name in form.fields}
    return {**{name: str(value) for name, value in drawn.items()}, **more}


# --- Asking ---------------------------------------------------------------------------------------


def test_the_page_says_what_will_happen_and_for_whom(act: Act, browser_of: Any, pipeline: Pipeline):
    page = browser_of("contributor").get(ask_path(pipeline)).content.decode()
    assert "checkout is pressed." in page
    assert "for Checkout" in page
    assert "111122223333 · eu-west-1" in page


@pytest.mark.parametrize("person", ["viewer", "stranger"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_who_may_not_finds_no_page(
    act: Act, browser_of: Any, pipeline: Pipeline, person: str, verb: str
):
    assert getattr(browser_of(person), verb)(ask_path(pipeline)).status_code == 404
    assert not Deed.objects.exists()


def test_what_is_sent_is_a_deed_and_leads_to_its_page(
    act: Act, browser_of: Any, pipeline: Pipeline, people: dict[str, Any]
):
    browser = browser_of("contributor")
    data = form_of(browser, ask_path(pipeline), why="for  the\nsale")
    answer = browser.post(ask_path(pipeline), data)
    deed = Deed.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/deeds/{deed.pk}/")
    assert (deed.who, deed.why, str(deed.mark)) == (
        people["contributor"],
        "for the sale",
        data["mark"],
    )


def test_a_double_click_is_one_deed_even_after_it_moved_the_thing(
    act: Act, browser_of: Any, pipeline: Pipeline
):
    browser = browser_of("contributor")
    data = form_of(browser, ask_path(pipeline))
    first = browser.post(ask_path(pipeline), data)
    Pipeline.objects.filter(pk=pipeline.pk).update(pipeline_version=99)
    second = browser.post(ask_path(pipeline), data)
    assert first["Location"] == second["Location"]
    assert Deed.objects.count() == 1


@pytest.fixture
def over(act: Act) -> Iterator[Any]:
    """Lets the thing move so far that the act is not offered on it any more."""
    with pytest.MonkeyPatch.context() as patched:
        spent = replace(act, offered=lambda _row: None)
        yield lambda: patched.setitem(ACTS.by_name, act.name, spent)


def test_a_double_click_is_one_deed_even_where_it_is_over_by_then(
    act: Act, over: Any, browser_of: Any, pipeline: Pipeline
):
    browser = browser_of("contributor")
    data = form_of(browser, ask_path(pipeline))
    first = browser.post(ask_path(pipeline), data)
    over()
    second = browser.post(ask_path(pipeline), data)
    assert (second.status_code, first["Location"]) == (302, second["Location"])
    assert Deed.objects.count() == 1


def test_what_is_over_since_the_page_was_opened_is_said_and_what_was_written_shown(
    act: Act, over: Any, browser_of: Any, pipeline: Pipeline
):
    browser, stranger = browser_of("contributor"), browser_of("stranger")
    data = form_of(browser, ask_path(pipeline), why="for the <sale>")
    over()
    answer = browser.post(ask_path(pipeline), data)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "It moved since you opened this page, and nothing was done." in page
    assert "for the &lt;sale&gt;" in page
    assert not Deed.objects.exists()
    late = browser.get(ask_path(pipeline))
    assert late.status_code == 404
    assert "There is nothing to do of this kind here, or not any more" in late.content.decode()
    assert "There is nothing to do" not in stranger.get(ask_path(pipeline)).content.decode()
    assert stranger.post(ask_path(pipeline), data).status_code == 404


def test_where_one_comes_from_is_understood_and_told_what_is_on_its_way(
    act: Act, browser_of: Any, pipeline: Pipeline
):
    browser = browser_of("contributor")
    path = f"{ask_path(pipeline)}?next=%2Fapprovals%2F"
    assert "was not understood" not in browser.get(path).content.decode()
    page = browser.post(path, form_of(browser, path), follow=True)
    assert page.redirect_chain[0][0] == "/approvals/"
    assert "Press: checkout is on its way." in page.content.decode()
    assert "was not understood" in browser.get(f"{ask_path(pipeline)}?foo=1").content.decode()


def test_what_moved_since_the_page_was_opened_is_shown_first(
    act: Act, browser_of: Any, pipeline: Pipeline
):
    browser = browser_of("contributor")
    data = form_of(browser, ask_path(pipeline), why="for the sale")
    Pipeline.objects.filter(pk=pipeline.pk).update(pipeline_version=99)
    answer = browser.post(ask_path(pipeline), data)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "It moved since you opened this page." in page
    assert "for the sale" in page
    assert not Deed.objects.exists()
    # Sent again from what is shown now, it goes.
    again = {name: str(answer.context["form"].data.get(name, "")) for name in data}
    assert browser.post(ask_path(pipeline), again).status_code == 302


def test_a_second_person_is_told_that_it_is_on_its_way(
    act: Act, browser_of: Any, pipeline: Pipeline, people: dict[str, Any]
):
    asked(people["contributor"], "test.press", pipeline)
    browser = browser_of("owner")
    answer = browser.post(ask_path(pipeline), form_of(browser, ask_path(pipeline), why="mine"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "contributor asked for the same, and it is on its way." in page
    assert 'value="mine"' in page


def test_another_ones_form_is_refused_in_words(
    act: Act, browser_of: Any, pipeline: Pipeline, people: dict[str, Any]
):
    theirs = performed(asked(people["owner"], "test.press", pipeline))
    browser = browser_of("contributor")
    data = form_of(browser, ask_path(pipeline), mark=str(theirs.mark))
    answer = browser.post(ask_path(pipeline), data)
    assert answer.status_code == 422
    assert "sent by somebody else" in answer.content.decode()


@pytest.mark.parametrize("mark", ["", "no mark", "0" * 5000])
def test_a_broken_mark_loses_nothing(act: Act, browser_of: Any, pipeline: Pipeline, mark: str):
    browser = browser_of("contributor")
    data = form_of(browser, ask_path(pipeline), mark=mark, why="kept")
    assert browser.post(ask_path(pipeline), data).status_code == 302
    assert Deed.objects.get().why == "kept"


def test_what_is_not_allowed_is_said_and_not_done(
    act: Act, browser_of: Any, pipeline: Pipeline, account: Account
):
    browser = browser_of("contributor")
    data = form_of(browser, ask_path(pipeline))
    permitted(account, [])
    page = browser.get(ask_path(pipeline)).content.decode()
    assert "Account tools is only read" in page
    assert 'class="btn btn-primary" type="submit"' not in page
    assert browser.post(ask_path(pipeline), data).status_code == 422
    assert not Deed.objects.exists()


def test_what_will_happen_is_told_anew_while_one_chooses(
    act: Act, browser_of: Any, pipeline: Pipeline
):
    browser = browser_of("contributor")
    answer = browser.post(f"{ask_path(pipeline)}effect/", form_of(browser, ask_path(pipeline)))
    assert "checkout is pressed." in answer.content.decode()
    assert browser_of("viewer").post(f"{ask_path(pipeline)}effect/").status_code == 404


# --- What can be done here ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "seen"), [("owner", True), ("contributor", True), ("viewer", False)]
)
def test_the_page_of_a_thing_offers_what_its_reader_may_do(
    act: Act, browser_of: Any, pipeline: Pipeline, person: str, seen: bool
):
    page = browser_of(person).get(f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/")
    assert (ask_path(pipeline) in page.content.decode()) is seen


def test_whoever_sees_a_thing_sees_what_was_done_to_it(
    several: list[Deed], browser_of: Any, pipeline: Pipeline
):
    page = browser_of("viewer").get(f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/")
    path = f"/deeds/?on=codepipeline.pipeline:{pipeline.pk}"
    assert path in page.content.decode()
    assert len(browser_of("viewer").get(path).context["deeds"]) == 2


def test_of_what_ended_well_the_newest_stands_above_the_thing(
    act: Act, people: dict[str, Any], browser_of: Any, pipeline: Pipeline
):
    ended = {"outcome": Deed.Outcome.DONE, "ended_at": now()}
    for why in ("the first", "the second", "a" * 400):
        deed = asked(people["contributor"], act.name, pipeline, why=why)
        Deed.objects.filter(pk=deed.pk).update(**ended)
    page = browser_of("viewer").get(f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/")
    assert [one.pk for one in page.context["deeds"]] == [deed.pk]
    assert "a" * 161 not in page.content.decode()
    listed = browser_of("viewer").get("/deeds/").content.decode()
    assert "the first" in listed


def test_what_was_done_to_a_part_stands_with_the_whole(
    browser_of: Any, people: dict[str, Any], pipeline: Pipeline, project: Project
):
    stage = make_stage(pipeline, "Deploy", None, "Succeeded", position=1)
    asked(people["owner"], "codepipeline.disable", stage, why="freeze")
    path = f"/deeds/?on=codepipeline.pipeline:{pipeline.pk}"
    (shown,) = browser_of("viewer").get(path).context["deeds"]
    assert (shown.kind, shown.row_id) == ("codepipeline.stage", stage.pk)
    assert len(browser_of("viewer").get(f"{path}0").context["deeds"]) == 0


def test_a_stranger_cannot_tell_that_there_is_one(act: Act, browser_of: Any, pipeline: Pipeline):
    browser = browser_of("stranger")
    here = browser.get(f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/")
    none = browser.get("/deeds/on/codepipeline.pipeline/999999/")
    assert (here.status_code, none.status_code) == (404, 404)


def test_only_administrators_are_led_to_where_it_is_allowed(
    act: Act, browser_of: Any, pipeline: Pipeline, account: Account
):
    permitted(account, [])
    path = f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/"
    owner = browser_of("owner").get(path).content.decode()
    administrator = browser_of("administrator").get(path).content.decode()
    assert "is only read" in owner
    assert f"/deeds/accounts/{account.pk}/" not in owner
    assert f"/deeds/accounts/{account.pk}/" in administrator
    assert "is only read" not in browser_of("viewer").get(path).content.decode()


def test_many_parts_cost_as_many_queries_as_few(
    act: Act,
    browser_of: Any,
    pipeline: Pipeline,
    django_assert_max_num_queries: Any,
    django_assert_num_queries: Any,
):
    browser = browser_of("owner")
    path = f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/"
    headers = {"HX-Request": "true"}
    browser.get(path, headers=headers)
    with django_assert_max_num_queries(25) as few:
        browser.get(path, headers=headers)
    for number in range(8):
        running = make_execution(pipeline, "InProgress")
        make_stage(pipeline, f"Stage{number}", running, "Failed")
    with django_assert_num_queries(len(few)):
        page = browser.get(path, headers=headers).content.decode()
    assert "Stage7" in page


# --- What became of it ----------------------------------------------------------------------------


@pytest.fixture
def deed(act: Act, people: dict[str, Any], pipeline: Pipeline) -> Deed:
    return asked(people["contributor"], "test.press", pipeline, why="<b>sale</b>")


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("owner", 200),
        ("contributor", 200),
        ("viewer", 200),
        ("administrator", 200),
        ("stranger", 404),
    ],
)
def test_who_sees_the_project_sees_its_deeds(deed: Deed, browser_of: Any, person: str, status: int):
    assert browser_of(person).get(f"/deeds/{deed.pk}/").status_code == status


def test_a_deed_is_told_as_it_stands(deed: Deed, browser_of: Any, hands: Hands):
    browser = browser_of("viewer")
    page = browser.get(f"/deeds/{deed.pk}/").content.decode()
    assert "On its way." in page
    assert 'data-refetch-every="2"' in page
    assert "&lt;b&gt;sale&lt;/b&gt;" in page
    performed(deed)
    page = browser.get(f"/deeds/{deed.pk}/").content.decode()
    assert "req-1" in page
    assert "Execution e-1" in page


def test_a_refusal_shows_its_cure(deed: Deed, browser_of: Any, hands: Hands):
    def no(_deed: Deed, _row: Any) -> Any:
        raise RefusedError("Not authorized.", 'Allow it.\n{"Effect": "Allow"}', "req-2")

    hands.send = no  # type: ignore[method-assign]
    performed(deed)
    page = browser_of("contributor").get(f"/deeds/{deed.pk}/").content.decode()
    assert "Nothing was done: Not authorized." in page
    assert "&quot;Effect&quot;: &quot;Allow&quot;" in page


def test_only_who_may_do_it_decides_on_what_nobody_knows(deed: Deed, browser_of: Any, hands: Hands):
    hands.silent = UnsureError("timeout")
    performed(deed)
    hands.there.clear()
    for _ in range(3):
        performed(deed)
    path = f"/deeds/{deed.pk}/"
    assert "It was not: do it again" in browser_of("owner").get(path).content.decode()
    assert "It was not: do it again" not in browser_of("viewer").get(path).content.decode()
    assert browser_of("viewer").post(f"{path}decide/", {"do": "again"}).status_code == 404
    assert browser_of("owner").post(f"{path}decide/", {"do": "anything"}).status_code == 302
    assert Deed.objects.get().outcome == Deed.Outcome.UNKNOWN
    browser_of("owner").post(f"{path}decide/", {"do": "done"})
    settled = Deed.objects.get()
    assert (settled.outcome, settled.told) == (
        Deed.Outcome.DONE,
        "owner looked, and says that it was done.",
    )


def test_buttons_are_shown_to_whoever_they_answer(
    act: Act, browser_of: Any, people: dict[str, Any], pipeline: Pipeline
):
    stage = make_stage(pipeline, "Deploy", None, "Succeeded", position=1)
    press = asked(people["contributor"], "test.press", pipeline)
    close = asked(people["owner"], "codepipeline.disable", stage, why="freeze")
    Deed.objects.update(outcome=Deed.Outcome.UNKNOWN, reason="no answer")
    for person, both in (("owner", True), ("contributor", False)):
        browser = browser_of(person)
        page = browser.get(f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/").content.decode()
        assert f"/deeds/{press.pk}/decide/" in page
        assert (f"/deeds/{close.pk}/decide/" in page) is both
        answer = browser.post(f"/deeds/{close.pk}/decide/", {"do": "anything"})
        assert (answer.status_code == 302) is both


@pytest.mark.parametrize("person", ["viewer", "administrator"])
def test_who_knows_a_deeds_project_reads_its_name(deed: Deed, browser_of: Any, person: str):
    browser = browser_of(person)
    assert "contributor of Checkout" in browser.get(f"/deeds/{deed.pk}/").content.decode()
    (line,) = json.loads(browser.get("/deeds/deeds.json").getvalue())
    assert line["project"] == "Checkout"


def test_who_sees_the_thing_alone_is_not_told_in_which_projects_name(
    deed: Deed, pipeline: Pipeline
):
    other = make_user("other", reads_everything=False)
    make_project("Second", pipeline, viewer=other)
    browser = Client()
    browser.force_login(other)
    page = browser.get(f"/deeds/{deed.pk}/")
    assert page.status_code == 200
    assert "Checkout" not in page.content.decode()
    # The list has it not, so nothing leads there.
    listed = f"/deeds/?on=codepipeline.pipeline:{pipeline.pk}"
    assert len(browser.get(listed).context["deeds"]) == 0
    here = browser.get(f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/").content.decode()
    assert deed.get_absolute_url() in here
    assert listed not in here


def test_who_was_taken_out_of_a_project_reads_its_name_no_more(
    deed: Deed, browser_of: Any, people: dict[str, Any]
):
    Membership.objects.filter(user=people["contributor"]).delete()
    browser = browser_of("contributor")
    (shown,) = browser.get("/deeds/").context["deeds"]
    assert (shown.pk, shown.project_told) == (deed.pk, "")
    assert "Checkout" not in browser.get("/deeds/").content.decode()
    for form in ("csv", "json"):
        assert b"Checkout" not in browser.get(f"/deeds/deeds.{form}").getvalue()


# --- The list -------------------------------------------------------------------------------------


@pytest.fixture
def several(
    act: Act, people: dict[str, Any], pipeline: Pipeline, project: Project, hands: Hands
) -> list[Deed]:
    first = performed(asked(people["contributor"], "test.press", pipeline, why="=cmd()"))
    hands.moved = Moved("It moved.")
    second = performed(asked(people["owner"], "test.press", pipeline))
    return [first, second]


def test_a_reader_lists_the_deeds_of_their_projects(several: list[Deed], browser_of: Any):
    for person, count in (("viewer", 2), ("administrator", 2), ("stranger", 0)):
        page = browser_of(person).get("/deeds/")
        assert len(page.context["deeds"]) == count, person


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("outcome=done", 1),
        ("outcome=refused", 1),
        ("q=contributor", 1),
        ("q=req-1", 1),
        ("q=nobody", 0),
        ("group=Tests", 2),
        ("group=Pipelines", 0),
        ("who=contributor", 1),
        ("who=CONTRI", 1),
        ("who=nobody", 0),
        ("act=test.press", 2),
        ("act=codepipeline.release", 0),
        ("act=test.press&who=owner&outcome=refused&within=checkout", 1),
        ("account=111122223333", 2),
        ("within=checkout", 2),
        ("since=2000-01-01", 2),
        ("until=2000-01-01", 0),
        ("since=0001-01-01&until=9999-12-31", 2),
        ("on=codebuild.build:1", 0),
    ],
)
def test_the_list_is_narrowed(several: list[Deed], browser_of: Any, query: str, count: int):
    assert len(browser_of("viewer").get(f"/deeds/?{query}").context["deeds"]) == count


@pytest.mark.parametrize(
    "query",
    [
        *("since=yesterday", "until=2026-02-30", "outcome=perhaps", "group=None", "foo=1"),
        *("on=everything", "act=everything", "within=nothing", "account=1", "region=moon"),
    ],
)
def test_what_is_no_filter_is_said(several: list[Deed], browser_of: Any, query: str):
    page = browser_of("viewer").get(f"/deeds/?{query}")
    assert "was not understood" in page.content.decode()
    # A file of everything would be taken for what was asked for.
    for form in ("csv", "json"):
        answer = browser_of("viewer").get(f"/deeds/deeds.{form}?{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")
        assert answer.text.strip()
    # What was understood leads on.
    name = query.partition("=")[0]
    assert f"deeds.csv?{name}" not in page.content.decode()


def test_days_that_end_before_they_begin_are_said(several: list[Deed], browser_of: Any):
    query = "since=2000-01-02&until=2000-01-01"
    page = browser_of("viewer").get(f"/deeds/?{query}")
    assert "No day is from 2000-01-02 to 2000-01-01; the list begins with 2000-01-02." in (
        page.content.decode()
    )
    assert len(page.context["deeds"]) == 2
    assert browser_of("viewer").get(f"/deeds/deeds.csv?{query}").status_code == 400


def test_the_list_is_written_into_files(several: list[Deed], browser_of: Any):
    browser = browser_of("viewer")
    lines = list(csv.DictReader(io.StringIO(browser.get("/deeds/deeds.csv").getvalue().decode())))
    told = json.loads(browser.get("/deeds/deeds.json?outcome=done").getvalue())
    assert [line["outcome"] for line in lines] == ["refused", "done"]
    # No spreadsheet takes what a person wrote for a formula.
    assert lines[1]["why"] == "'=cmd()"
    assert [one["request_id"] for one in told] == ["req-1"]
    assert browser_of("stranger").get("/deeds/deeds.json").getvalue().split() == [b"[", b"]"]
    assert browser.get("/deeds/deeds.xml").status_code == 404


@pytest.mark.parametrize(
    "why",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "   =HYPERLINK(1)", "\uff1d1"),
        *(
            '"; DROP',
            "a,b\nc;d",
            "\u202egnp.exe",
            "\u05d0\u05d1\u05d2" * 300,
            "x" * 5000,
            "<b>&amp;",
        ),
    ],
)
def test_files_hold_whatever_people_wrote(
    act: Act, people: dict[str, Any], pipeline: Pipeline, browser_of: Any, why: str
):
    asked(people["contributor"], "test.press", pipeline, why=why)
    browser = browser_of("viewer")
    written = browser.get("/deeds/deeds.csv").getvalue().decode()
    (line,) = csv.DictReader(io.StringIO(written, newline=""))
    (told,) = json.loads(browser.get("/deeds/deeds.json").getvalue())
    assert told["why"] == why
    assert line["why"].removeprefix("'") == why
    assert line["why"].lstrip()[:1] not in ("=", "+", "-", "@", "\uff1d")
    assert list(line) == list(told)
    assert browser.get("/deeds/?q=checkout").status_code == 200


@pytest.mark.parametrize("kind", sorted({one.kind for one in ACTS.by_name.values()}))
def test_the_page_of_whatever_is_acted_on_shows_its_deeds(kind: str):
    """By the slot of its page, or of that which it is a part of; the rest has pages of its own."""
    ours = {"issues.issue", "issues.tracker", "wizard.bootstrap"}
    on_page = {kind, *(above for above, parts in ACTS.part_kinds.items() if kind in parts)}
    slots = [
        path.name
        for path in Path("templates").rglob("*.html")
        if any(f'{{% acts "{one}"' in path.read_text() for one in on_page)
    ]
    assert bool(slots) is (kind not in ours)


def test_the_list_costs_as_many_queries_for_many(
    several: list[Deed],
    browser_of: Any,
    people: dict[str, Any],
    pipeline: Pipeline,
    django_assert_num_queries: Any,
    django_assert_max_num_queries: Any,
):
    browser = browser_of("viewer")
    browser.get("/deeds/")
    with django_assert_max_num_queries(25) as few:
        browser.get("/deeds/")
    for _ in range(12):
        performed(asked(people["owner"], "test.press", pipeline))
    with django_assert_num_queries(len(few)):
        browser.get("/deeds/")


# --- What is allowed ------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["owner", "contributor", "viewer", "stranger"])
def test_only_administrators_say_what_may_be_done(browser_of: Any, account: Account, person: str):
    path = f"/deeds/accounts/{account.pk}/"
    assert browser_of(person).get(path).status_code == 404
    assert browser_of(person).post(path, {"acts": ["codepipeline.release"]}).status_code == 404


def test_an_administrator_allows_acts_for_projects_and_sees_the_statement(
    browser_of: Any, account: Account, project: Project
):
    Permit.objects.all().delete()
    browser = browser_of("administrator")
    path = f"/deeds/accounts/{account.pk}/"
    assert "It is only read" in browser.get(path).content.decode()
    sent = {"acts": ["codepipeline.release"], "projects": [str(project.pk)]}
    assert browser.post(path, sent).status_code == 302
    kept = Permit.objects.get()
    assert (kept.acts, kept.everyone, list(kept.projects.all())) == (
        ["codepipeline.release"],
        False,
        [project],
    )
    page = browser.get(path).content.decode()
    assert "codepipeline:StartPipelineExecution" in page
    assert "codepipeline:PutApprovalResult" not in page
    policy = browser.get(f"/aws/accounts/{account.pk}/").content.decode()
    assert "codepipeline:StartPipelineExecution" in policy
    assert "codepipeline:PutApprovalResult" not in policy


def test_what_is_allowed_to_nobody_is_refused_in_words(
    browser_of: Any, account: Account, project: Project
):
    before = Permit.objects.get().acts
    answer = browser_of("administrator").post(
        f"/deeds/accounts/{account.pk}/", {"acts": ["codepipeline.release"]}
    )
    assert answer.status_code == 422
    assert "Choose a project, or every one" in answer.content.decode()
    assert Permit.objects.get().acts == before


def test_what_is_no_act_is_refused(browser_of: Any, account: Account, project: Project):
    answer = browser_of("administrator").post(
        f"/deeds/accounts/{account.pk}/", {"acts": ["iam.everything"], "everyone": "on"}
    )
    assert answer.status_code == 422


def test_a_mark_of_today_is_no_older_deed(deed: Deed):
    assert deed.asked_at > now() - timedelta(minutes=1)
    assert uuid.UUID(str(deed.mark)).version == 4


def test_a_pipeline_elsewhere_is_not_reached_by_its_number(
    act: Act, browser_of: Any, project: Project
):
    elsewhere = make_pipeline("elsewhere")
    assert browser_of("contributor").get(ask_path(elsewhere)).status_code == 404


def test_what_cannot_be_done_now_says_why_for_all_to_read(
    act: Act, browser_of: Any, pipeline: Pipeline
):
    reason = "It is <b>being</b> released."
    other = replace(act, name="test.pull", label="Pull", offered=lambda _row: reason)
    held = replace(act, offered=lambda _row: reason)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(ACTS.by_name, "test.press", held)
        patched.setitem(ACTS.by_name, "test.pull", other)
        permitted(Account.objects.get())
        page = browser_of("contributor").get(f"/deeds/on/codepipeline.pipeline/{pipeline.pk}/")
    text = page.content.decode()
    assert text.count("Press, Pull: It is &lt;b&gt;being&lt;/b&gt; released.") == 1
    assert text.count('aria-disabled="true"') == 2
    assert ask_path(pipeline) not in text


def test_what_nobody_knows_the_end_of_is_asked_for_whatever_ended_since(
    browser_of: Any, pipeline: Pipeline, project: Project, people: dict[str, Any]
):
    shared = {"act": "test.press", "kind": "codepipeline.pipeline", "row_id": pipeline.pk}
    shared |= {"name": "checkout", "project": project, "who": people["contributor"]}
    shared |= {"alone": False, "ended_at": now()}
    asks = Deed.objects.create(
        **shared, outcome="unknown", reason="No answer.", asked_at=now() - timedelta(hours=9)
    )
    for _ in range(offers.MOST + 2):
        Deed.objects.create(**shared, outcome="refused", reason="Not now.")
    found = rights.standings(people["owner"], "codepipeline.pipeline", pipeline)
    told = offers.deeds_on(people["owner"], "codepipeline.pipeline", pipeline, found)
    assert told["deeds"][0] == asks
    assert len(told["deeds"]) == offers.MOST
    each = offers.deeds_on_each("codepipeline.pipeline", [pipeline.pk])[pipeline.pk]
    assert each[0] == asks
