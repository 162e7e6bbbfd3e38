"""On GitHub the template's files are committed once, over nothing, and stay when all else goes."""

from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from django.core.management import call_command
from django.test import Client
from django.utils.timezone import now

from apps.deeds import asking, performing
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.rights import Standing
from apps.mirror.models import Hint, Scope
from apps.projects.models import Project
from apps.projects.roles import Role
from apps.sandbox.codecommit.model import Entry
from apps.sandbox.connections import AVAILABLE, ConnectionStore
from apps.sandbox.github import history, objects, writing
from apps.sandbox.github.model import Repository as Hosted
from apps.sandbox.server import SandboxServer
from apps.sandbox.world import World
from apps.sites.connect import Given, connect, settle
from apps.sites.models import Site
from apps.sites.wires import SessionWire
from apps.source.models import Repository
from apps.wizard import advancing, pushable, pushing
from apps.wizard.courses import MAKE, PLAN, UNDO
from apps.wizard.management.commands import bootstrap as command
from apps.wizard.models import Bootstrap, Creation
from tests.deeds.making import DeathError
from tests.factories import hold
from tests.sandbox.conftest import Aws
from tests.simulated import mirrored
from tests.wizard.blueprints.cases import ACCOUNT, REGION

from .making import READ, began, drafted, freed, run

pytestmark = pytest.mark.django_db
State = Bootstrap.State
# The acts that are held here to being done once; see `tests.deeds.test_faults`.
HELD = ("wizard.push",)
NAME = "example-shop/quotes"


@pytest.fixture
def hosted(sandbox: SandboxServer) -> Hosted:
    """A repository at GitHub that nobody committed to yet."""
    return writing.make_repository(sandbox.world, "quotes", None)


def connected(url: str, **given: Any) -> Site:
    told = {"secret": "sandbox-token", "may_write": True, **given}
    entered = Given(method="token", base_url=f"{url}/github/api/v3", **told)
    return connect(provider="github", name="Sandbox: GitHub", given=entered, managed=True)


@pytest.fixture
def site(sandbox: SandboxServer, db: None) -> Site:
    return connected(sandbox.url)


@pytest.fixture
def row(site: Site, maker: Any) -> Repository:
    """The repository as the mirror has it, held by the maker's project."""
    made = Repository.objects.create(scope=site.scope, key=NAME, arn=NAME)
    hold(Project.objects.get(name="Checkout"), made)
    return made


@pytest.fixture
def draft(maker: Any, scope: Scope, sandbox: SandboxServer, aws: Aws) -> Bootstrap:
    """Answers that name the repository, by a connection that somebody completed."""
    named = {"ProviderType": "GitHub", "ConnectionName": "shop"}
    arn = aws("codeconnections").create_connection(**named)["ConnectionArn"]
    found = sandbox.world.place(ACCOUNT, REGION).of(ConnectionStore).find(arn)
    assert found is not None
    found.status = AVAILABLE
    return drafted(maker, scope, source="github", repository=NAME, connection=arn)


def committed(
    sandbox: SandboxServer, hosted: Hosted, branch: str = "main", **files: str
) -> dict[str, str]:
    """Somebody pushes these files; the branch's files by then, as texts."""
    head = hosted.branches.get(branch) or hosted.branches.get(hosted.default)
    found = objects.files(hosted, hosted.commits[head]) if head else {}
    for name, text in files.items():
        found[name.replace("__", ".")] = Entry(objects.keep(hosted, text.encode()))
    parents = (head,) if head else ()
    made = writing.commit_files(sandbox.world, hosted, found, "Ours", "release-manager", parents)
    writing.move(sandbox.world, hosted, branch, made.sha, "release-manager")
    return files_on(hosted, branch)


def files_on(hosted: Hosted, branch: str = "main") -> dict[str, str]:
    head = hosted.commits[hosted.branches[branch]]
    return {path: body.decode() for path, body in objects.contents(hosted, head).items()}


def messages(hosted: Hosted, branch: str = "main") -> list[str]:
    """First lines of a branch's commits, the newest first."""
    log = history.log(hosted, hosted.branches[branch])
    return [commit.message.splitlines()[0] for commit in log]


def check_of(bootstrap: Bootstrap) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for one in bootstrap.preview["checks"] if one["what"] == f"Files in {NAME}"
    )
    return found


def begun_with(draft: Bootstrap) -> str:
    return f"Begin with the template “{draft.template.title}”"


# --- From the answers to the first deployment, and back -------------------------------------------


def test_a_project_at_github_is_deployed_from_the_files_put_there_and_undone(
    draft: Bootstrap, row: Repository, hosted: Hosted, aws: Aws, picture: Any
):
    before = picture()
    planned = began(draft, PLAN)
    assert planned.state == State.READY, planned.preview["checks"]
    told = check_of(planned)
    assert told["ok"] is True
    wanted = "committed to main by “Sandbox: GitHub”, whose token needs Contents: write"
    assert wanted in told["told"]
    assert "README.md comes in a commit of its own" in told["told"]
    # Looking writes nothing.
    assert (hosted.commits, hosted.branches) == ({}, {})
    made = began(planned, MAKE)
    assert (made.state, made.trouble) == (State.MADE, "")
    files = {path: body.decode() for path, body in draft.rendered.files.items()}
    assert files_on(hosted) == files
    assert messages(hosted) == [begun_with(draft), "Begin with README.md"]
    (run_of,) = aws("codepipeline").list_pipeline_executions(pipelineName="shop-web")[
        "pipelineExecutionSummaries"
    ]
    assert run_of["status"] == "Succeeded"
    assert run_of["sourceRevisions"][0]["revisionId"] == hosted.branches["main"]
    assert aws("lambda").list_functions()["Functions"]
    # The mirror reads the repository again.
    assert Hint.objects.filter(scope=row.scope, kind="github.repository", row_key=NAME).exists()
    undone = began(made, UNDO)
    assert (undone.state, undone.trouble) == (State.UNDONE, "")
    assert picture() == before
    (left,) = undone.creations.filter(fate=Creation.Fate.LEFT)
    assert (left.kind, left.name, left.ident) == (
        "commit",
        hosted.branches["main"],
        f"{NAME} main",
    )
    assert left.why == f"the files stay in {NAME} main, which is your team's"
    assert files_on(hosted) == files


def test_a_creation_that_is_tried_again_commits_nothing_twice(
    draft: Bootstrap, row: Repository, hosted: Hosted, sandbox: SandboxServer, maker: Any
):
    committed(sandbox, hosted, notes__md="ours")
    planned = began(draft, PLAN)
    fault = sandbox.faults.add("deny", service="codebuild", operation="CreateProject")
    failed = began(planned, MAKE)
    assert (failed.state, failed.step) == (State.FAILED, "create")
    # The team goes on meanwhile, and edits a file of the template.
    committed(sandbox, hosted, README__md="ours, too")
    sandbox.faults.clear(fault.id)
    assert advancing.again(failed, maker)
    failed.refresh_from_db()
    assert run(failed).state == State.MADE
    assert messages(hosted) == ["Ours", begun_with(draft), "Ours"]
    assert files_on(hosted)["README.md"] == "ours, too"
    assert files_on(hosted)["notes.md"] == "ours"


# --- Somebody dies --------------------------------------------------------------------------------


class Deadly:
    """The wire to GitHub, at which a worker dies by the first call of each writing operation.

    when  "before" it was sent, "after" it, or "silent": it was done and no answer came.
    """

    def __init__(self, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.died: list[str] = []
        plain = SessionWire.send

        def send(wire: Any, verb: str, url: str, **more: Any) -> Any:
            name = f"{verb} {url.partition(NAME)[2].split('/heads')[0]}"
            first = verb != "GET" and name not in self.died
            if first:
                self.died.append(name)
            if first and when == "before":
                raise DeathError
            answer = plain(wire, verb, url, **more)
            if first and when == "after":
                raise DeathError
            if first and when == "silent":
                raise requests.ReadTimeout("no answer")
            return answer

        monkeypatch.setattr(SessionWire, "send", send)


def asked(draft: Bootstrap, site: Site) -> Deed:
    """The deed of a plan that says by which site the files are put there."""
    Bootstrap.objects.filter(pk=draft.pk).update(preview={"push": {"scope": site.scope_id}})
    draft.refresh_from_db()
    standing = Standing(None, Role.OWNER, Role.OWNER.value)
    act = ACTS.by_name["wizard.push"]
    return asking.ask(act, draft, who=draft.who, who_name="Owner", standing=standing, mark=uuid4())


def worked_off(deed: Deed, draft: Bootstrap) -> Deed:
    """Perform it with workers that may die; each next one goes on."""
    for _ in range(40):
        try:
            performing.perform(deed.pk)
        except DeathError:
            freed(draft)
        deed.refresh_from_db()
        if deed.outcome != Deed.Outcome.WAITING:
            return deed
        Deed.objects.filter(pk=deed.pk).update(not_before=now())
    raise AssertionError("it never ends")


@pytest.mark.parametrize("when", ["before", "after", "silent"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_worker_may_die_at_every_write_and_the_branch_gets_one_commit(
    when: str,
    empty: bool,
    draft: Bootstrap,
    row: Repository,
    site: Site,
    hosted: Hosted,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
):
    before = "Begin with README.md" if empty else "Ours"
    if not empty:
        committed(sandbox, hosted, notes__md="ours")
    deadly = Deadly(when, monkeypatch)
    deed = worked_off(asked(draft, site), draft)
    assert (deed.outcome, deed.made["key"]) == (Deed.Outcome.DONE, hosted.branches["main"])
    assert messages(hosted) == [begun_with(draft), before]
    assert set(deadly.died) >= {"POST /git/trees", "POST /git/commits", "PATCH /git/refs"}
    assert draft.rendered.files.keys() <= files_on(hosted).keys()


def test_what_github_does_not_answer_for_is_unknown_and_asked_of_a_person(
    draft: Bootstrap,
    row: Repository,
    site: Site,
    hosted: Hosted,
    sandbox: SandboxServer,
):
    committed(sandbox, hosted, notes__md="ours")
    sandbox.faults.add("error", service="github", operation="git/update-ref", status=502)
    deed = worked_off(asked(draft, site), draft)
    assert deed.outcome == Deed.Outcome.UNKNOWN
    assert messages(hosted) == ["Ours"]
    sandbox.faults.clear()
    assert asking.do_again(deed)
    assert worked_off(deed, draft).outcome == Deed.Outcome.DONE
    assert messages(hosted) == [begun_with(draft), "Ours"]


def test_who_pushes_at_the_same_moment_loses_nothing(
    draft: Bootstrap,
    row: Repository,
    site: Site,
    hosted: Hosted,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
):
    committed(sandbox, hosted, notes__md="ours")
    plain = pushing.committing.prepare
    quicker = ["more.md"]

    def meanwhile(*given: Any) -> Any:
        made = plain(*given)
        while quicker:
            committed(sandbox, hosted, **{quicker.pop(): "quicker"})
        return made

    monkeypatch.setattr(pushing.committing, "prepare", meanwhile)
    deed = worked_off(asked(draft, site), draft)
    assert (deed.outcome, deed.tries) == (Deed.Outcome.DONE, 1)
    assert messages(hosted) == [begun_with(draft), "Ours", "Ours"]
    assert files_on(hosted)["more.md"] == "quicker"


# --- What is in the way ---------------------------------------------------------------------------


def test_what_lies_in_the_way_is_named_and_somebody_has_to_choose(
    draft: Bootstrap, row: Repository, hosted: Hosted, sandbox: SandboxServer
):
    # One file of the template is there as it is, one otherwise, and a file where a folder goes.
    same = draft.rendered.files["buildspec.yml"].decode()
    theirs = {"buildspec__yml": same, "README__md": "ours", "tests": "a file"}
    before = committed(sandbox, hosted, **theirs)
    blocked = began(draft, PLAN)
    told = check_of(blocked)
    assert (blocked.state, told["ok"]) == (State.DRAFT, False)
    assert f"{NAME} has something else at README.md, tests/" in told["told"]
    assert "buildspec.yml" not in told["told"]
    assert "choose another branch" in told["cure"]
    assert "untick" in told["cure"]
    assert files_on(hosted) == before
    # Who chooses to put none there goes on with the connection alone.
    alone = {**blocked.answers, "with_files": False}
    Bootstrap.objects.filter(pk=blocked.pk).update(answers=alone)
    blocked.refresh_from_db()
    planned = began(blocked, PLAN)
    assert planned.state == State.READY
    assert not [one for one in planned.preview["checks"] if one["what"].startswith("Files")]


def test_another_branch_is_made_of_the_default_one(
    draft: Bootstrap, row: Repository, site: Site, hosted: Hosted, sandbox: SandboxServer
):
    committed(sandbox, hosted, notes__md="ours")
    draft.answers = {**draft.answers, "branch": "release/one"}
    draft.save()
    deed = worked_off(asked(draft, site), draft)
    assert deed.outcome == Deed.Outcome.DONE
    assert messages(hosted, "release/one") == [begun_with(draft), "Ours"]
    assert messages(hosted) == ["Ours"]


def test_files_that_are_there_already_are_not_committed_again(
    draft: Bootstrap, row: Repository, site: Site, hosted: Hosted, sandbox: SandboxServer
):
    found = {
        path: Entry(objects.keep(hosted, body), pushing.put_of(draft).files[path].mode)
        for path, body in draft.rendered.files.items()
    }
    made = writing.commit_files(sandbox.world, hosted, found, "By hand", "release-manager")
    writing.move(sandbox.world, hosted, "main", made.sha, "release-manager")
    deed = worked_off(asked(draft, site), draft)
    assert (deed.outcome, deed.made.get("key")) == (Deed.Outcome.DONE, None)
    assert messages(hosted) == ["By hand"]
    # Nothing of ours is left when it is undone.
    pushing.about_to_push(draft)
    draft.deed = deed
    pushing.note(draft)
    assert not draft.creations.exists()


def _off(site: Site, _hosted: Hosted, _row: Repository, _world: World) -> None:
    Site.objects.filter(pk=site.pk).update(may_write=False)


def _archived(_site: Site, hosted: Hosted, _row: Repository, _world: World) -> None:
    hosted.archived = True


def _empty_elsewhere(_site: Site, hosted: Hosted, _row: Repository, _world: World) -> None:
    hosted.default = "trunk"


def _renamed(_site: Site, hosted: Hosted, _row: Repository, world: World) -> None:
    writing.rename(world, hosted, "sayings")


def _unheld(_site: Site, _hosted: Hosted, row: Repository, _world: World) -> None:
    row.delete()


def _paused(site: Site, _hosted: Hosted, _row: Repository, _world: World) -> None:
    site.paused = True
    site.save()
    settle(site)


@pytest.mark.parametrize(
    ("spoil", "said", "cure"),
    [
        (_off, "Writing is off for this site", "Contents: write"),
        (_archived, "is archived", "Unarchive it"),
        (_empty_elsewhere, "on its default branch trunk alone", "Choose the branch trunk"),
        (_renamed, "is called example-shop/sayings by now", "Choose example-shop/sayings"),
        (_unheld, "is in no project in which you contribute", "Have an administrator"),
        (_paused, "No site at GitHub is connected", "Connect GitHub"),
    ],
)
def test_what_cannot_be_put_there_is_said_and_only_connected(
    spoil: Any,
    said: str,
    cure: str,
    draft: Bootstrap,
    row: Repository,
    site: Site,
    hosted: Hosted,
    sandbox: SandboxServer,
):
    spoil(site, hosted, row, sandbox.world)
    (told,), push = pushable.look(draft)
    assert (told.ok, push) == (None, None)
    assert said in told.told
    assert cure in told.cure
    assert "push them to main yourself" in told.cure
    assert not hosted.branches


def test_a_token_that_may_only_read_is_told_before_anything_is_made(
    draft: Bootstrap, row: Repository, site: Site, hosted: Hosted, sandbox: SandboxServer
):
    connected(sandbox.url, secret="sandbox-reader")
    planned = began(draft, PLAN)
    told = check_of(planned)
    assert (planned.state, told["ok"]) == (State.READY, None)
    assert "Resource not accessible by personal access token" in told["told"]
    assert "needs the permission Contents: write" in told["cure"]
    # It is connected alone, as it always was.
    assert not pushing.pushes(planned)
    assert not hosted.branches


def test_a_repository_that_nobody_knows_is_said(
    draft: Bootstrap, site: Site, people: dict[str, Any]
):
    draft.who = people["administrator"]
    (told,), push = pushable.look(draft)
    assert (told.ok, push) == (None, None)
    assert "“Sandbox: GitHub” cannot reach it: Not Found" in told.told
    assert "GitHub does not say which" in told.cure


def test_an_administrator_puts_files_where_nobody_read_yet(
    draft: Bootstrap, site: Site, hosted: Hosted, people: dict[str, Any]
):
    draft.who = people["administrator"]
    (told,), push = pushable.look(draft)
    assert (told.ok, push) == (True, {"scope": site.scope_id})


def test_who_is_taken_out_of_the_project_meanwhile_commits_nothing(
    draft: Bootstrap, row: Repository, site: Site, hosted: Hosted
):
    deed = asked(draft, site)
    Project.objects.get(name="Checkout").holdings.all().delete()
    ended = worked_off(deed, draft)
    assert (ended.outcome, "is in no project" in ended.reason) == (Deed.Outcome.REFUSED, True)
    assert not hosted.branches


# --- The pages ------------------------------------------------------------------------------------


def test_who_is_refused_goes_on_without_the_files(
    draft: Bootstrap,
    row: Repository,
    hosted: Hosted,
    sandbox: SandboxServer,
    client: Client,
    maker: Any,
):
    committed(sandbox, hosted, notes__md="ours")
    hosted.protected.add("main")
    client.force_login(maker)
    planned = began(draft, PLAN)
    assert planned.state == State.READY
    page = client.get(planned.get_absolute_url()).content.decode()
    assert "main is protected" in page
    assert "you can go on without the files" in page
    assert f"/wizard/{planned.pk}/files/" in page
    failed = began(planned, MAKE)
    assert (failed.state, failed.step) == (State.FAILED, "push")
    assert "status check" in failed.trouble
    page = client.get(failed.get_absolute_url()).content.decode()
    assert "Putting the files into the repository" in page
    assert "Go on without the files" in page
    client.post(f"/wizard/{failed.pk}/again/", {"without": "files"})
    failed.refresh_from_db()
    assert run(failed).state == State.MADE
    assert messages(hosted) == ["Ours"]


def test_the_files_are_downloaded_by_whoever_may_see_them(
    draft: Bootstrap, client: Client, maker: Any, people: dict[str, Any]
):
    client.force_login(maker)
    answer = client.get(f"/wizard/{draft.pk}/files/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer.content == draft.rendered.code_zip()
    assert "shop-web.zip" in answer["Content-Disposition"]
    client.force_login(people["stranger"])
    assert client.get(f"/wizard/{draft.pk}/files/").status_code == 404


def test_the_command_line_does_the_same_by_a_connection_that_is_completed_later(
    row: Repository,
    hosted: Hosted,
    sandbox: SandboxServer,
    aws: Aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    committed(sandbox, hosted, notes__md="ours")
    file = tmp_path / "answers.yml"
    file.write_text(
        f"project: shop-web\naccount: '{ACCOUNT}'\nregion: {REGION}\nteam: Shop\nsource: github\n"
        f"repository: {NAME}\n"
    )
    monkeypatch.setattr(command.time, "sleep", lambda _s: mirrored(ACCOUNT, REGION, *READ))
    told = StringIO()
    options = ["--template", "lambda-python-service", "--answers", str(file), "--as", "owner"]
    call_command("bootstrap", *options, stdout=told)
    assert f"ok  Files in {NAME}: 14 files will be committed to main" in told.getvalue()
    assert "Putting the files into the repository" in told.getvalue()
    assert messages(hosted) == [begun_with(Bootstrap.objects.get()), "Ours"]
    # The first execution came too early, and the next one finds the files.
    pipelines = aws("codepipeline")
    (first,) = pipelines.list_action_executions(pipelineName="shop-web")["actionExecutionDetails"]
    said = first["output"]["executionResult"]["errorDetails"]["message"]
    assert (first["status"], "status is PENDING" in said) == ("Failed", True)
    store = sandbox.world.place(ACCOUNT, REGION).of(ConnectionStore)
    (mine,) = [one for one in store.connections.values() if one.name == "shop-web"]
    mine.status = AVAILABLE
    pipelines.start_pipeline_execution(name="shop-web")
    runs = pipelines.list_pipeline_executions(pipelineName="shop-web")["pipelineExecutionSummaries"]
    assert [one["status"] for one in runs] == ["Succeeded", "Failed"]
