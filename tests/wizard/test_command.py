"""`manage.py bootstrap` makes the same on the command line, and says what is wrong with a file."""

import re
import signal
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.utils.timezone import now

from apps.deeds.models import Deed
from apps.wizard import answering
from apps.wizard.following import Follower
from apps.wizard.management.commands import bootstrap as command
from apps.wizard.models import Bootstrap
from tests.deeds.making import permitted
from tests.factories import make_project
from tests.simulated import mirrored
from tests.wizard.blueprints.cases import ACCOUNT, REGION

from .making import READ, drafted

pytestmark = pytest.mark.django_db
GOOD = f"title: Shop web\nproject: shop-web\naccount: {ACCOUNT}\nregion: {REGION}\nteam: Shop\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "answers.yml"
    found.write_text(GOOD)
    return found


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a pause the mirror reads what was made."""
    monkeypatch.setattr(command.time, "sleep", lambda _s: mirrored(ACCOUNT, REGION, *READ))


def called(file: Path, *more: str, template: str = "lambda-python-service") -> str:
    told = StringIO()
    call_command("bootstrap", "--template", template, "--answers", str(file), *more, stdout=told)
    return told.getvalue()


def test_a_dry_run_plans_it_shows_the_change_set_and_leaves_nothing(
    file: Path, maker: Any, picture: Any, aws: Any, no_pause: None
):
    before = picture()
    told = called(file, "--dry-run", "--as", "owner")
    assert "toolchain.yml" in told
    assert "a month" in told
    assert "ok  Permissions: All" in told
    assert "The change set of shop-web:" in told
    assert "  add     Pipeline                       AWS::CodePipeline::Pipeline" in told
    assert "Nothing was made: this was a dry run, and its change set is dropped." in told
    assert picture() == before
    stacks = aws("cloudformation").list_stacks()["StackSummaries"]
    assert [one["StackStatus"] for one in stacks if one["StackName"] == "shop-web"] == [
        "DELETE_COMPLETE"
    ]
    assert not Bootstrap.objects.exists()


def test_a_dry_run_that_is_broken_off_in_its_plan_leaves_nothing(
    file: Path, maker: Any, picture: Any, monkeypatch: pytest.MonkeyPatch
):
    before = picture()
    real, broken = command.perform, []

    def perform(pk: int) -> None:
        real(pk)
        if not broken:
            broken.append(pk)
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "perform", perform)
    with pytest.raises(CommandError, match="It was broken off"):
        called(file, "--dry-run", "--as", "owner")
    assert Deed.objects.get(pk=broken[0]).act == "wizard.plan"
    assert picture() == before
    assert not Bootstrap.objects.exists()


def test_what_a_worker_is_about_to_send_is_waited_for_before_the_plan_is_dropped(
    file: Path, maker: Any, picture: Any, monkeypatch: pytest.MonkeyPatch
):
    before = picture()
    real, taken = command.perform, []

    def perform(pk: int) -> None:
        if taken:
            real(pk)
            return
        # A worker has it, and sends it in a moment.
        taken.append(pk)
        Deed.objects.filter(pk=pk).update(claimed_until=now() + timedelta(minutes=5))
        raise KeyboardInterrupt

    def worked(_seconds: float) -> None:
        if Deed.objects.filter(pk=taken[0], outcome=Deed.Outcome.WAITING).exists():
            assert picture() == before
            Deed.objects.filter(pk=taken[0]).update(claimed_until=None)
            real(taken[0])
            assert Deed.objects.get(pk=taken[0]).outcome == Deed.Outcome.DONE
        Deed.objects.filter(outcome=Deed.Outcome.WAITING).update(not_before=now())

    monkeypatch.setattr(command, "perform", perform)
    monkeypatch.setattr(command.time, "sleep", worked)
    with pytest.raises(CommandError, match="It was broken off"):
        called(file, "--dry-run", "--as", "owner")
    assert picture() == before
    assert not Bootstrap.objects.exists()


def test_what_nobody_is_at_is_withdrawn_where_it_is_broken_off(
    file: Path, maker: Any, picture: Any, monkeypatch: pytest.MonkeyPatch, no_pause: None
):
    before = picture()
    real, broken = command.perform, []

    def perform(pk: int) -> None:
        if not broken:
            broken.append(pk)
            raise KeyboardInterrupt
        real(pk)

    monkeypatch.setattr(command, "perform", perform)
    with pytest.raises(CommandError, match="It was broken off"):
        called(file, "--dry-run", "--as", "owner")
    withdrawn = Deed.objects.get(pk=broken[0])
    assert (withdrawn.outcome, withdrawn.reason) == (Deed.Outcome.REFUSED, command.BROKEN_OFF)
    assert picture() == before
    assert not Bootstrap.objects.exists()


def test_ctrl_c_waits_for_the_end_of_what_is_asked():
    done = []

    def asked() -> None:
        with command._to_its_end():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        asked()
    assert done == ["all of it"]


def test_a_dry_run_says_where_the_account_cannot_be_reached(
    file: Path, maker: Any, sandbox: Any, picture: Any
):
    sandbox.faults.add("expired")
    with pytest.raises(CommandError, match=r"cannot be planned. Account .* cannot be reached: "):
        called(file, "--dry-run", "--as", "owner")
    assert not Bootstrap.objects.exists()


def test_it_belongs_to_a_project_that_is_named(
    file: Path, maker: Any, people: dict[str, Any], no_pause: None
):
    own = make_project("Warehouse", owner=maker)
    for named in (own.slug, "warehouse"):
        file.write_text(f"{GOOD}into: {named}\n")
        assert "belongs to Warehouse" in called(file, "--dry-run", "--as", "owner")
    make_project("Others", owner=people["administrator"])
    file.write_text(f"{GOOD}into: Others\n")
    with pytest.raises(CommandError, match="owner owns no project Others"):
        called(file, "--as", "owner")
    file.write_text(GOOD.replace("Shop web", "Warehouse"))
    with pytest.raises(CommandError, match="Another project is called Warehouse"):
        called(file, "--as", "owner")
    with pytest.raises(CommandError, match="stranger may make no projects"):
        called(file, "--as", "stranger")


def test_what_is_not_allowed_in_the_account_is_said_before_anything_is_made(
    file: Path, maker: Any, account: Any, picture: Any
):
    before = picture()
    permitted(account, ["wizard.plan", "wizard.create"])
    with pytest.raises(CommandError, match=r"not allowed in account .*: Put the code in place"):
        called(file, "--as", "owner")
    account.paused = True
    account.save()
    with pytest.raises(CommandError, match="is paused"):
        called(file, "--as", "owner")
    assert picture() == before
    assert not Bootstrap.objects.exists()


def test_it_makes_the_project_and_tells_how_far_it_is(file: Path, maker: Any, no_pause: None):
    told = called(file, "--as", "owner")
    made = Bootstrap.objects.get()
    assert (made.state, made.who) == (Bootstrap.State.MADE, maker)
    assert "Creating the stack" in told
    assert "  create complete           Pipeline" in told
    assert "\x1b" not in told
    assert "Shop web is made" in told


def test_what_only_a_person_can_say_is_asked_for_and_ends_it(
    file: Path, maker: Any, monkeypatch: pytest.MonkeyPatch
):
    def lost(pk: int) -> None:
        Deed.objects.filter(pk=pk).update(outcome=Deed.Outcome.UNKNOWN, reason="No answer came.")

    monkeypatch.setattr(command, "perform", lost)
    with pytest.raises(CommandError, match=r"is not known: .* No answer came.\nSay so at /deeds/"):
        called(file, "--as", "owner")
    made = Bootstrap.objects.get()
    assert (made.state, made.deed.outcome) == (Bootstrap.State.MOVING, Deed.Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty: answer at least title, project, account, region, team."),
        ("# nothing but this\n", "is empty"),
        ("[1, 2]", "has to be a mapping, .* it is a list."),
        ("just words", "has to be a mapping, .* it is a text."),
        ("a: b: c", "is neither YAML nor JSON: mapping values are not allowed here in line 1."),
        ('{"project": ', "is neither YAML nor JSON: .* in line 1."),
        ("a: \x07", "is neither YAML nor JSON: a sign that stands for nothing."),
        ("{[1]: 2}", "is neither YAML nor JSON: found unhashable key in line 1."),
        (GOOD + "colour: blue\n", "colour, which is no answer. There are account, "),
        (GOOD + "aproval: true\n", "aproval, which is no answer. Did you mean approval?"),
        (GOOD + "approval: maybe\n", "approval has to be true or false"),
        (GOOD.replace("Shop\n", "[A, B]\n"), "team has to be a text"),
        (GOOD + "branch: true\n", "branch has to be a text; in quotes"),
        (GOOD + "subnets: subnet-1\n", "subnets has to be a list of ids"),
        (GOOD + "tags: [a]\n", "tags has to be a mapping of texts"),
        (GOOD + "tags: {a: [b]}\n", "tags has to be a mapping of texts"),
        (GOOD + "vpc:\n", "says nothing for vpc"),
        (GOOD + "team: Other\n", "answers team in line 5 and in line 6: keep one of them."),
    ],
)
def test_a_bad_file_is_one_sentence_that_says_what_to_do(file: Path, text: str, said: str):
    file.write_text(text)
    with pytest.raises(answering.BadFileError, match=said) as found:
        answering.read(file)
    assert len(str(found.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (GOOD.replace("shop-web", "Shop Web"), "project: "),
        (GOOD.replace(REGION, "eu-west-9"), "is not connected in eu-west-9"),
        (GOOD.replace(ACCOUNT, "444455556666"), "Account 444455556666 is not connected"),
    ],
)
def test_what_cannot_be_made_of_a_file_is_said_with_what_to_do(
    file: Path, people: dict[str, Any], account: Any, text: str, said: str
):
    file.write_text(text)
    with pytest.raises(CommandError, match=said):
        called(file)
    assert not Bootstrap.objects.exists()


def test_an_id_that_somebody_has_is_said_with_who_has_it(file: Path, maker: Any, scope: Any):
    drafted(maker, scope)
    Bootstrap.objects.update(takes=True, made_at=now())
    with pytest.raises(CommandError, match="shop-web: owner made a project of that id there"):
        called(file, "--as", "owner")
    assert Bootstrap.objects.count() == 1


def test_a_template_that_is_none_names_those_that_are(file: Path, maker: Any):
    with pytest.raises(CommandError, match="there are beanstalk-node-service"):
        called(file, template="cobol")


def test_a_missing_file_and_a_missing_person_are_said(file: Path, maker: Any):
    with pytest.raises(CommandError, match="cannot be read"):
        called(file.with_name("none.yml"))
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        called(file.parent)
    file.write_bytes(b"title: \xff\xfe")
    with pytest.raises(CommandError, match="is no text in UTF-8"):
        called(file)
    file.write_text(GOOD)
    with pytest.raises(CommandError, match="There is no user nobody"):
        called(file, "--as", "nobody")


def test_numbers_are_taken_as_they_are_written(file: Path):
    file.write_text("account: 012345670123\nbranch: 1.10\ntags: {cost: 0010}\napproval: true\n")
    assert answering.read(file) == {
        "account": "012345670123",
        "branch": "1.10",
        "tags": {"cost": "0010"},
        "approval": True,
    }


class Terminal(StringIO):
    """A stream that says it is a terminal, and shows what stands on it."""

    def isatty(self) -> bool:
        return True

    def shows(self) -> list[str]:
        lines: list[str] = []
        for part in re.split(r"(\x1b\[\d+F\x1b\[J)", self.getvalue()):
            if up := re.fullmatch(r"\x1b\[(\d+)F\x1b\[J", part):
                del lines[-int(up[1]) :]
            else:
                lines += part.splitlines()
        return [line.rstrip() for line in lines]


def resource(name: str, status: str, reason: str = "") -> dict[str, str]:
    return {"id": name, "type": "AWS::SNS::Topic", "status": status, "reason": reason, "at": ""}


def follow(out: StringIO) -> StringIO:
    """Follow a stack of three resources, of which one fails."""
    made = Bootstrap.objects.create(blueprint="lambda-python-service", course="make", step="create")
    made.state, made.preview = Bootstrap.State.MOVING, {"changes": [1, 2, 3], "taken": ["create"]}
    follower = Follower(OutputWrapper(out), lambda text, _state: text)
    for progress in (
        [resource("Key", "CREATE_IN_PROGRESS"), resource("Role", "CREATE_IN_PROGRESS")],
        [resource("Key", "CREATE_COMPLETE"), resource("Role", "CREATE_IN_PROGRESS")],
        [resource("Key", "CREATE_COMPLETE"), resource("Role", "CREATE_FAILED", "No \x1b[2Jway")],
    ):
        made.progress = progress
        follower.tell(made)
        follower.tell(made)
    return out


def test_each_resource_is_a_line_where_nobody_watches():
    told = [line.rstrip() for line in follow(StringIO()).getvalue().splitlines()]
    lines = [" ".join(line.split()) for line in told]
    assert lines == [
        "Creating the stack …",
        "create in progress Key AWS::SNS::Topic",
        "create in progress Role AWS::SNS::Topic",
        "create complete Key AWS::SNS::Topic",
        "create failed Role AWS::SNS::Topic",
        "No [2Jway",
    ]


def test_in_a_terminal_what_is_under_way_is_drawn_anew():
    terminal = Terminal()
    follow(terminal)
    lines = [" ".join(line.split()) for line in terminal.shows()]
    assert lines == [
        "Creating the stack …",
        "create complete Key AWS::SNS::Topic",
        "create failed Role AWS::SNS::Topic",
        "No [2Jway",
        "[################........] 2 of 3 resources",
    ]


def test_what_cannot_be_made_leaves_its_id_free(file: Path, maker: Any, aws: Any, no_pause: None):
    topic = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
    aws("cloudformation").create_stack(StackName="shop-web", TemplateBody=topic)
    with pytest.raises(CommandError, match="It cannot be made like this"):
        called(file, "--as", "owner")
    assert not Bootstrap.objects.exists()
    aws("cloudformation").delete_stack(StackName="shop-web")
    assert "Shop web is made" in called(file, "--as", "owner")
