"""What people enter to connect GitHub, and what a test of the connection finds; no Django.

https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens
https://docs.github.com/en/apps/using-github-apps/installing-your-own-github-app
"""

import re
from collections.abc import Iterator

from apps.sites.answers import Access
from apps.sites.failures import classify
from apps.sites.kinds import Chosen, Field, Finding, Hook, Method, SiteKind, Whose
from apps.sites.reach import Reach
from apps.sites.wires import SessionWire

from .hooks import EVENTS, type_of
from .listing import Known, Listed, items, listed, path
from .words import APP, GET_REPOSITORY, HEADERS, TOKEN, next_page, read

OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})")
NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
ADDRESS = "https://api.github.com"
ADDRESS_HELP = (
    "https://api.github.com, or https://github.example.com/api/v3 of GitHub Enterprise Server"
)
# Repositories that a test looks at one by one.
TRIED = 20


def owner(text: str) -> str:
    """Return a user's or organisation's name as it is kept; ValueError with a sentence."""
    name = text.strip().removeprefix("https://github.com/").strip("/@ ")
    if not OWNER.fullmatch(name):
        raise ValueError(f"“{name[:60]}” is no name of a user or organisation at GitHub.")
    return name


def repository(text: str) -> str:
    """Return "owner/name" as it is kept, also of an address; ValueError with a sentence."""
    name = re.sub(r"^https?://[^/]+/", "", text.strip()).removesuffix(".git").strip("/ ")
    first, _, second = name.partition("/")
    if not OWNER.fullmatch(first) or not NAME.fullmatch(second):
        raise ValueError(f"“{name[:120]}” is not “owner/name”, as GitHub writes repositories.")
    return name


def wire(access: Access) -> SessionWire:
    """Return what brings calls to GitHub; see `apps.github.wire`."""
    # Every process would import PyGithub with its start, which takes longer than to import Django.
    from . import wire as opening

    return opening.wire(access)


def identify(reach: Reach) -> Whose:
    """Ask GitHub who we are: a user by their token, or what an app's installation may read."""
    if reach.method != APP:
        answer = reach.get("github:UsersGetAuthenticated", "/user")
        version = answer.headers.get("x-github-enterprise-version", "")
        who = str(answer.body.get("login") or "")
        return Whose(identity=who, version=version and f"Enterprise {version}")
    answer = reach.get(
        "github:AppsListReposAccessibleToInstallation", "/installation/repositories", per_page=1
    )
    version = answer.headers.get("x-github-enterprise-version", "")
    first = next(iter(items(answer)), {})
    whose = str(first.get("full_name") or "").partition("/")[0] or "no repository"
    return Whose(identity=f"installation at {whose}", version=version and f"Enterprise {version}")


def findings(reach: Reach) -> Iterator[Finding]:
    """Say what can be read: the repositories, and of one of them what else is read."""
    try:
        found = [one for one in listed(reach, Known()) if one.told is not None]
    except Exception as error:  # noqa: BLE001 - told as a finding
        yield _failed("Repositories", error, "owners")
        return
    have = {str(one.key).lower() for one in found}
    wanted = [str(one) for one in reach.selection.get("repositories") or ()]
    for name in [one for one in wanted if one.lower() not in have][:TRIED]:
        try:
            # One that was renamed is told by the name it has now.
            told = reach.get(GET_REPOSITORY, path(name)).body
        except Exception as error:  # noqa: BLE001 - told as a finding
            yield _failed(f"Repository {name}", error, "repositories")
        else:
            now = f"is called {told.get('full_name')} by now"
            yield Finding(what=f"Repository {name}", ok=True, told=now)
    for name in reach.selection.get("owners") or ():
        count = sum(one.key.lower().startswith(f"{name}/".lower()) for one in found)
        yield Finding(
            what=f"Owner {name}",
            ok=count > 0,
            told=f"{count} repositor{'y' if count == 1 else 'ies'}",
            cure="" if count else "The token sees none there: it may not belong to this owner.",
            field="" if count else "owners",
        )
    yield Finding(what="Repositories", ok=bool(found), told=f"{len(found)} can be read")
    if found:
        yield from _rights(reach, found[0])


def _rights(reach: Reach, one: Listed) -> Iterator[Finding]:
    """Try each thing that is read of a repository on one of them."""
    branch = str((one.told or {}).get("default_branch") or "HEAD")
    tries: list[tuple[str, str, str]] = [
        ("Branches and commits", "github:ReposListBranches", "/branches"),
        ("Pull requests", "github:PullsList", "/pulls"),
        ("Checks", "github:ChecksListForRef", f"/commits/{branch}/check-runs"),
        ("Statuses", "github:ReposGetCombinedStatusForRef", f"/commits/{branch}/status"),
        ("Issues", "github:IssuesListForRepo", "/issues"),
    ]
    for what, operation, rest in tries:
        try:
            # 409 and 422: nobody pushed to it yet; 410: it keeps no issues.
            unless = frozenset({409, 410, 422})
            reach.get_unless(unless, operation, path(one.key, rest), per_page=1)
        except Exception as error:  # noqa: BLE001 - told as a finding
            yield _failed(f"{what} of {one.key}", error, "secret")
        else:
            yield Finding(what=what, ok=True, told=f"can be read in {one.key}")


def _failed(what: str, error: Exception, field: str) -> Finding:
    failure = classify(error)
    return Finding(
        what=what, ok=False, told=failure.message or failure.code, cure=failure.cure, field=field
    )


_TOKEN = Field(
    name="secret",
    label="Token",
    help="A fine-grained or classic personal access token; it is stored encrypted.",
    secret=True,
)
_APP_FIELDS = (
    Field(name="app_id", label="App id", help="As the app's page at GitHub says it."),
    Field(
        name="installation_id",
        label="Installation id",
        help="The number at the end of the installation's address.",
    ),
    Field(
        name="secret",
        label="Private key",
        help="The whole .pem file that GitHub gave you; it is stored encrypted.",
        secret=True,
        long=True,
    ),
)
GITHUB = SiteKind(
    name="github",
    label="GitHub",
    methods=(
        Method(
            name=TOKEN,
            label="Token",
            choose="A person's token: quickest to set up, and ends with the person.",
            fields=(_TOKEN,),
            address=ADDRESS,
            address_help=ADDRESS_HELP,
        ),
        Method(
            name=APP,
            label="GitHub App",
            choose="An app that an organisation installed: belongs to nobody, and has a larger "
            "quota.",
            fields=_APP_FIELDS,
            address=ADDRESS,
            address_help=ADDRESS_HELP,
        ),
    ),
    chosen=(
        Chosen(
            name="owners",
            label="Owners",
            help="Users and organisations of which every repository is read, one a line.",
            check=owner,
        ),
        Chosen(
            name="repositories",
            label="Repositories",
            help="More of them as owner/name, one a line. Where neither is given, everything is "
            "read that the token or app was given.",
            check=repository,
        ),
    ),
    wire=wire,
    identify=identify,
    asks="github:UsersGetAuthenticated",
    findings=findings,
    read=read,
    next_page=next_page,
    headers=HEADERS,
    hook=Hook(
        signature="X-Hub-Signature-256",
        type_of=type_of,
        events=EVENTS,
        where="Settings → Webhooks of the repository, organisation or app",
    ),
    rights=(
        "Fine-grained tokens and apps: Metadata, Contents, Pull requests, Checks, Commit statuses "
        "and Issues, each to read",
        "Classic tokens: repo, and read:org to list an organisation",
    ),
    writes=(
        "Fine-grained tokens and apps: Issues, to write; where projects have their results told, "
        "Commit statuses and Deployments, to write; where projects from templates begin at GitHub, "
        "Contents, to write",
        "Classic tokens: repo has them",
    ),
)
