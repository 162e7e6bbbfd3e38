"""Two accounts that hold one of everything, two projects, and six people who ask for it.

Both accounts are played by the same full flights under two numbers, so their rows differ in nothing
but where they are: one is held by the project that our people are in, one by a project that none of
them is in. Without that project its rows are nobody's.
"""

import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from celery.app.task import Task
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils.timezone import now

from apps.api.models import ApiToken
from apps.aws import trial
from apps.aws.connect import Credentials
from apps.aws.models import Account, Place
from apps.cloudwatch import looks as log_looks
from apps.codedeploy.models import Deployment
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed, Permit
from apps.issues.acting import KEEPERS
from apps.issues.models import FormerDeed, Tracker
from apps.mirror.linked import lineage
from apps.mirror.models import Link, Mirrored, Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.mirror.visibility import VISIBILITY
from apps.people.models import KnownSession, SignInLink, hash_of
from apps.projects.follow import follow
from apps.projects.generations import begin_another
from apps.projects.models import Holding, Invitation, Project
from apps.sites import trial as site_trial
from apps.sites.connect import Given
from apps.sites.connect import connect as connect_site
from apps.wiki import writing
from apps.wizard.models import Bootstrap
from tests.factories import hold, make_project, make_user
from tests.flight import ACCOUNT, REGION, Flight, FlownProvider, Unmodelled
from tests.issues.making import Keeper, make_issue, make_site, make_tracker
from tests.test_register import RESOURCES, ROOT, invoke_functions, sweep

PEOPLE = ("anonymous", "stranger", "viewer", "contributor", "owner", "administrator")
OURS, THEIRS = ACCOUNT, "444455556666"
NOWHERE = 999_999_999
NO_SLUG = "nothing-is-called-so"
INVITED, SIGNED_IN_BY = "an-invitation-that-opens", "a-link-that-opens"


@dataclass
class World:
    """What is there. `args` holds, by what a route is of, the arguments of its address:

    "ours" what our people may see, "theirs" what they may not, "none" what is not.
    """

    cookies: dict[str, str] = field(default_factory=dict)
    people: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, dict[str, Mirrored]] = field(default_factory=dict)
    args: dict[str, dict[str, tuple[Any, ...]]] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    # Trackers at sites besides the accounts: they lie in scopes of their own.
    sites: dict[str, Tracker] = field(default_factory=dict)
    # What the cache holds of a connection test that goes on: no transaction brings it back.
    trial: dict[str, Any] = field(default_factory=dict)

    def browser(self, person: str) -> Client:
        """Somebody's browser, signed in and with nothing else kept."""
        client: Any = Client(raise_request_exception=False)
        client.world = self
        if person in self.cookies:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[person]
        return client

    def foreign(self, kind: str) -> list[Mirrored]:
        """Every row of a kind in the account that our people have nothing in."""
        rows = REGISTER.get(kind).model._default_manager
        return list(rows.filter(scope=self.scopes["theirs"]))


class Renamed:
    """A flight's answers as of an account with another number."""

    def __init__(self, flight: Flight) -> None:
        for operation, play in list(flight._plays.items()):
            flight.on(operation, partial(self._answer, play, flight.account))

    def _answer(self, play: Any, account: str, params: Any) -> Any:
        said = play(json.loads(json.dumps(params, default=str).replace(account, ACCOUNT)))
        if isinstance(said, Unmodelled):
            return Unmodelled(self._of(said.answer, account))
        return self._of(said, account)

    def _of(self, said: Any, account: str) -> Any:
        return json.loads(json.dumps(said).replace(ACCOUNT, account))


def make_world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Sweep two accounts, and let people and projects be there."""
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setattr("apps.aws.calls.time.sleep", lambda _seconds: None)
    world = World()
    for name, number in (("ours", OURS), ("theirs", THEIRS)):
        scope = _swept(number, monkeypatch)
        world.scopes[name] = scope
        for resource in RESOURCES:
            row = resource.model._default_manager.filter(scope=scope, gone_at=None).first()
            assert isinstance(row, Mirrored), f"the flights have no {resource.kind}"
            world.rows.setdefault(resource.kind, {})[name] = row
    _people(world)
    _projects(world)
    _issues(world, monkeypatch)
    _addresses(world)
    return world


def _swept(number: str, monkeypatch: pytest.MonkeyPatch) -> Scope:
    flight = Flight(account=number)
    for label in sorted({resource.app_label for resource in RESOURCES}):
        flight.load(ROOT / "tests" / label / "flights" / "full")
    if number != ACCOUNT:
        Renamed(flight)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
    scope = Scope.objects.create(
        provider="aws",
        place=f"{number}/{REGION}",
        account=number,
        region=REGION,
        first_swept_at=now(),
    )
    invoke_functions()
    # The flights' pipelines run functions of the flights' account.
    for link in Link.objects.filter(from_kind="codepipeline.action", from_id=0, relation="runs"):
        arn = link.to_arn.replace(ACCOUNT, number)
        Link.objects.get_or_create(
            from_kind=link.from_kind,
            from_id=0,
            relation="runs",
            to_kind=link.to_kind,
            to_arn=arn,
        )
    sweep(scope)
    return scope


def _people(world: World) -> None:
    for name in PEOPLE[1:]:
        staff = name == "administrator"
        world.people[name] = make_user(name, staff=staff, reads_everything=False)
    for name in ("newcomer", "their-owner"):
        world.people[name] = make_user(name, reads_everything=False)


def _projects(world: World) -> None:
    people = world.people
    members = {name: people[name] for name in ("viewer", "contributor", "owner")}
    world.projects["ours"] = make_project("Checkout", **members)
    world.projects["theirs"] = make_project("Quartermaster", owner=people["their-owner"])
    for name, project in world.projects.items():
        for resource in RESOURCES:
            if resource.held:
                rows = resource.model._default_manager.filter(scope=world.scopes[name])
                Holding.objects.bulk_create(
                    Holding(
                        project=project,
                        kind=resource.kind,
                        row_id=row.pk,
                        scope=row.scope,
                        how=Holding.How.LINKED,
                    )
                    for row in rows
                )
        for title in ("Read me", "Runbook"):
            said = {"title": title, "text": f"# {title}\n\nOf {project}.", "said": ""}
            page = writing.make(project, people["administrator"], said)
        writing.write(page, people["administrator"], {**said, "said": "Better."}, 1)
        world.args.setdefault("page", {})[name] = (project.slug, page.slug)
        world.args.setdefault("revision", {})[name] = (project.slug, page.slug, 1)
    begin_another()
    follow()


def _issues(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracker and an issue for each project, and a deed of which nobody knows how it ended."""
    monkeypatch.setitem(KEEPERS.by_provider, "jira", Keeper())
    for name, by in (("ours", "owner"), ("theirs", "their-owner")):
        project = world.projects[name]
        site = make_site(host=f"{project.slug}.atlassian.net")
        tracker = world.sites[name] = make_tracker("SHOP" if name == "ours" else "QM", site)
        hold(project, tracker)
        issue = make_issue(tracker, title=f"Basket of {project}")
        deed = Deed.objects.create(
            act="issues.comment",
            kind="issues.issue",
            row_id=issue.pk,
            name=str(issue),
            scope=issue.scope,
            who=world.people[by],
            project=project,
            alone=False,
            said={"text": f"Said of {project}."},
            outcome=Deed.Outcome.UNKNOWN,
            reason="No answer came.",
            begun_at=now(),
            ended_at=now(),
        )
        former = FormerDeed.objects.create(deed=deed)
        for sort, row in (("tracker", tracker), ("issue", issue), ("former deed", former)):
            world.args.setdefault(sort, {"none": (NOWHERE,)})[name] = (row.pk,)


def _addresses(world: World) -> None:
    """What stands in the addresses of each sort of route."""
    for kind, rows in world.rows.items():
        _seen_as_said(world, kind)
        world.args[kind] = {name: (row.pk,) for name, row in rows.items()} | {"none": (NOWHERE,)}
    # AWS's ids are nobody else's; those of a flight that is played twice are.
    row: Any = world.rows["codepipeline.execution"]["theirs"]
    row.key = f"0000{row.key[4:]}"
    row.save(update_fields=["key"])
    executions = world.rows["codepipeline.execution"]
    pipelines = world.rows["codepipeline.pipeline"].items()
    world.args["stage of a pipeline"] = {
        name: (row.pk, row.definition[0]["name"])  # type: ignore[attr-defined]
        for name, row in pipelines
    } | {"none": (NOWHERE, "Production")}
    world.args["execution by its id"] = {name: (row.key,) for name, row in executions.items()}
    world.args["execution by its id"]["none"] = ("00000000-dead-4000-8000-000000000000",)
    other: Any = world.rows["codecommit.commit"]["theirs"]
    other.commit_id = f"0000{other.commit_id[4:]}"
    other.save(update_fields=["commit_id"])
    commits = world.rows["codecommit.commit"]
    world.args["commit by its id"] = {name: (one.commit_id,) for name, one in commits.items()}
    world.args["commit by its id"]["none"] = ("0" * 40,)
    for name, kind in (
        ("linked with", "codebuild.build"),
        ("metrics of", "awslambda.function"),
        ("journey of", "codecommit.pullrequest"),
    ):
        world.args[name] = {at: (kind, *args) for at, args in world.args[kind].items()}
    world.args["deployment out of S3"] = {
        name: (next(one.pk for one in Deployment.objects.filter(scope=scope) if one.in_s3),)
        for name, scope in world.scopes.items()
    } | {"none": (NOWHERE,)}
    groups = world.args["cloudwatch.loggroup"]
    world.args["tail of"] = {at: (log_looks.TAIL, *args) for at, args in groups.items()}
    world.args["kind"] = {"ours": ("codebuild.build",), "none": ("no.such",)}
    # Nothing is proposed here; an administrator who asks for it is told so.
    world.args["proposal"] = {"ours": (NOWHERE,)}
    world.args["no provider"] = {"ours": ("nobody",)}
    world.args["project"] = {name: (one.slug,) for name, one in world.projects.items()}
    world.args["tile"] = {name: (one.slug, "team") for name, one in world.projects.items()}
    newcomer = world.people["newcomer"]
    world.args["member"] = {
        name: (one.slug, one.memberships.order_by("pk").first().user_id)
        for name, one in world.projects.items()
    }
    world.args["invitation"] = {
        name: (one.slug, _invitation(one, world.people["administrator"], name).pk)
        for name, one in world.projects.items()
    }
    for sort in ("project", "tile", "page", "revision", "member", "invitation"):
        world.args[sort]["none"] = (NO_SLUG, *world.args[sort]["theirs"][1:])
    world.args["invited"] = {"ours": (INVITED,), "none": ("no-such-invitation",)}
    _doors(world, newcomer)
    _deeds(world)


def _deeds(world: World) -> None:
    """What was let be done to a pipeline of each project, and a project that each is making."""
    world.args["kind of file"] = {"ours": ("csv",), "none": ("xml",)}
    for account in Account.objects.exclude(account_id=""):
        Permit.objects.create(account=account, acts=list(ACTS.by_name), everyone=True)
    for name, by in (("ours", "owner"), ("theirs", "their-owner")):
        row: Any = world.rows["codepipeline.pipeline"][name]
        who, project = world.people[by], world.projects[name]
        deed = Deed.objects.create(
            act="codepipeline.release",
            kind="codepipeline.pipeline",
            row_id=row.pk,
            name=f"{row} of {project}",
            scope=row.scope,
            project=project,
            project_name=project.name,
            who=who,
            who_name=who.username,
            outcome=Deed.Outcome.UNKNOWN,
            reason=f"No answer came to {project}.",
            begun_at=now(),
        )
        made = Bootstrap.objects.create(
            blueprint="ec2-static-page", title=f"Page of {project}", who=who, project=project
        )
        for sort, args in (
            ("deed outside", (deed.pk,)),
            ("act on a pipeline", ("codepipeline.release", row.pk)),
            ("pipeline that is acted on", ("codepipeline.pipeline", row.pk)),
            ("project in the making", (made.pk,)),
            ("step of a project in the making", (made.pk, "source")),
        ):
            none = tuple(NOWHERE if isinstance(one, int) else one for one in args)
            world.args.setdefault(sort, {"none": none})[name] = args


def _seen_as_said(world: World, kind: str) -> None:
    """The row of ours is one that our project has: what only goes with others may be another."""
    paths = [
        f"{path}__in"
        for path, above in lineage(REGISTER.get(kind))
        if REGISTER.get(above).in_projects
    ]
    assert paths, f"no project can ever have a {kind}"
    seen = VISIBILITY.rule.rows(world.people["viewer"], REGISTER.get(kind).model)
    rows = REGISTER.get(kind).model._default_manager.filter(seen, scope=world.scopes["ours"])
    found = rows.filter(gone_at=None).order_by("pk").first()
    assert isinstance(found, Mirrored), f"no {kind} of ours is in our project"
    world.rows[kind]["ours"] = found


def _invitation(project: Project, by: Any, name: str) -> Invitation:
    token = INVITED if name == "ours" else f"{name}-{INVITED}"
    return Invitation.objects.create(
        project=project,
        role="viewer",
        token_hash=hash_of(token),
        created_by=by,
        expires_at=now().replace(year=now().year + 1),
    )


def _doors(world: World, newcomer: Any) -> None:
    """What belongs to a person, and what only administrators have."""
    viewer, administrator = world.people["viewer"], world.people["administrator"]
    SignInLink.objects.create(
        token_hash=hash_of(SIGNED_IN_BY),
        user=newcomer,
        expires_at=now().replace(year=now().year + 1),
    )
    world.args["sign-in link"] = {"ours": (SIGNED_IN_BY,), "none": ("no-such-link",)}
    world.args["person"] = {"ours": (newcomer.pk,), "none": (NOWHERE,)}
    world.args["deed"] = {"ours": (newcomer.pk, "deactivate"), "none": (NOWHERE, "deactivate")}
    elsewhere = KnownSession.objects.create(user=viewer, session_key="of-another-browser")
    theirs = KnownSession.objects.create(user=newcomer, session_key="of-a-newcomer")
    world.args["the viewer's session"] = {
        "ours": (elsewhere.pk,),
        "theirs": (theirs.pk,),
        "none": (NOWHERE,),
    }
    tokens = {"ours": ApiToken(name="wallboard", user=viewer)}
    tokens["theirs"] = ApiToken(name="theirs", user=newcomer)
    for token in tokens.values():
        token.renew()
        token.save()
    world.args["the viewer's token"] = {at: (one.pk,) for at, one in tokens.items()}
    world.args["the viewer's token"]["none"] = (NOWHERE,)
    account = Account.objects.create(
        name="Production", account_id=OURS, method=Account.Method.AMBIENT, managed=False
    )
    place = Place.objects.create(account=account, region=REGION, scope=world.scopes["ours"])
    draft = trial.Draft(
        name="Staging",
        regions=[REGION],
        credentials=Credentials(method=Account.Method.AMBIENT),
    )
    token = trial.begin(draft, user_id=administrator.pk)
    world.args["account"] = {"ours": (account.pk,), "none": (NOWHERE,)}
    world.args["place"] = {"ours": (place.pk,), "none": (NOWHERE,)}
    world.args["template"] = {"ours": (place.pk, "yaml"), "none": (NOWHERE, "yaml")}
    world.trial = cache.get_many([f"aws:trial:{token}", f"aws:trial:{token}:report"])
    assert len(world.trial) == 2, "a test that has just begun is kept"
    world.args["test"] = {"ours": (token,), "none": ("no-such-test",)}
    _sites(world, administrator)
    for name in PEOPLE[1:]:
        client = Client()
        client.force_login(world.people[name])
        world.cookies[name] = client.cookies[settings.SESSION_COOKIE_NAME].value


# What the connected site was given to get in by.
SITE_SECRETS = ("token-of-the-site", "client-secret-of-the-site")


def _sites(world: World, administrator: Any) -> None:
    """A connected Jira, and a test of another."""
    given = Given(
        method="cloud",
        base_url="https://example.atlassian.net",
        secret=SITE_SECRETS[0],
        client_id="client-of-the-site",
        client_secret=SITE_SECRETS[1],
    )
    site = connect_site(provider="jira", name="Jira", given=given)
    world.args["site"] = {"ours": (site.pk,), "none": (NOWHERE,)}
    world.args["kind of site"] = {"ours": ("jira",), "none": ("nothing",)}
    world.args["webhook"] = {"ours": ("jira", site.pk), "none": ("jira", NOWHERE)}
    draft = site_trial.Draft(name="Another", provider="jira", given=given)
    token = site_trial.begin(draft, user_id=administrator.pk)
    kept = cache.get_many([f"sites:trial:{token}", f"sites:trial:{token}:report"])
    assert len(kept) == 2, "a test that has just begun is kept"
    world.trial |= kept
    world.args["test of a site"] = {"ours": (token,), "none": ("no-such-test",)}


def unlike(text: str, path: str) -> str:
    """An answer without what is another each time: tokens of forms, its address, when it signed."""
    text = re.sub(r'(csrfmiddlewaretoken" value=")[^"]*', r"\1", text)
    text = re.sub(r'(X-CSRFToken":\s*")[^"]*', r"\1", text)
    # What a cursor holds stays: only the second in which it was signed, and so its signature, go.
    text = re.sub(r"(:|%3A)[0-9A-Za-z]{6}(:|%3A)[\w-]{43}(?![\w-])", "", text)
    return text.replace(path, "…").replace(quote(path), "…").replace(quote(path, safe=""), "…")
