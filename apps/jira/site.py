"""Jira as a kind of site: how to get in, what of it is read, and what its answers mean.

Nothing here asks by itself; the connection's test (`findings`) asks through a reach.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.mirror.provider import Failure, Health
from apps.sites.answers import Answer
from apps.sites.failures import EXPIRED, classify, said
from apps.sites.kinds import Chosen, Field, Finding, Hook, Method, SiteKind, Whose
from apps.sites.reach import Reach

from .collect import MISSING, REJECTED
from .jql import PROJECT_KEY, condition_of, newest_first
from .panel import WHERE
from .panel import findings as panel_findings
from .searching import CLOUD, api
from .wire import open_wire

# Longer ones do not fit into an address, which a search is.
LONGEST_JQL = 2_000
LONGEST_NAME = 100
READS = "BROWSE_PROJECTS"
WRITES = {
    "CREATE_ISSUES": "create issues",
    "ADD_COMMENTS": "comment",
    "TRANSITION_ISSUES": "change states",
    "ASSIGN_ISSUES": "assign",
}


def read(answer: Answer, _operation: str) -> Failure | None:
    """Notice that Jira took us for nobody: with a wrong token it may answer as to the public.

    https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/
    """
    reason = answer.headers.get("x-seraph-loginreason", "")
    if "AUTHENTICATION_DENIED" in reason:
        return Failure(
            health=Health.CREDENTIALS,
            code="CaptchaNeeded",
            message="Jira asks this user to prove at its sign-in page that it is no program.",
            cure="Sign in to Jira as this user with a browser once; then test the connection.",
        )
    if "AUTHENTICATED_FAILED" in reason:
        return Failure(
            health=Health.CREDENTIALS,
            code="NotSignedIn",
            message=said(answer) or "Jira does not accept the user and token.",
            cure=EXPIRED,
        )
    return None


def next_page(
    path: str, params: Mapping[str, Any], answer: Answer
) -> tuple[str, Mapping[str, Any]] | None:
    """Return how a list goes on: by its token (Cloud), or from the next number."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    token = body.get("nextPageToken")
    if token and body.get("isLast") is not True:
        return path, {**params, "nextPageToken": token}
    begin, total = body.get("startAt"), body.get("total")
    listed = next((body[name] for name in ("issues", "values") if name in body), ())
    if isinstance(begin, int) and isinstance(total, int) and listed:
        following = begin + len(listed)
        if following < total:
            return path, {**params, "startAt": following}
    return None


def identify(reach: Reach) -> Whose:
    """Ask who we are, and what Jira that is."""
    me = reach.get("jira:GetMyself", f"{api(reach)}/myself").body
    me = me if isinstance(me, Mapping) else {}
    name = str(me.get("displayName") or me.get("name") or me.get("accountId") or "")
    known = str(me.get("emailAddress") or me.get("name") or "")
    server = reach.detail("jira:GetServerInfo", f"{api(reach)}/serverInfo")
    told = server.body if server is not None and isinstance(server.body, Mapping) else {}
    version = " ".join(str(told[part]) for part in ("deploymentType", "version") if part in told)
    return Whose(identity=f"{name} ({known})" if known and known != name else name, version=version)


def findings(reach: Reach) -> Iterator[Finding]:
    """Look at each chosen project and query: what may be read, what Jira says against it."""
    for key in reach.selection.get("projects") or ():
        yield _project(reach, str(key))
    for query in reach.selection.get("queries") or ():
        yield _query(reach, str(query["name"]), str(query["jql"]))


def _project(reach: Reach, key: str) -> Finding:
    what = f"Project {key}"
    try:
        answer = reach.get_unless(MISSING, "jira:GetProject", f"{api(reach)}/project/{key}")
    except Exception as error:  # noqa: BLE001 - whatever it is, the report says so
        failure = classify(error)
        return Finding(
            what=what, ok=False, told=failure.message, cure=failure.cure, field="projects"
        )
    if not answer.ok:
        return Finding(
            what=what,
            ok=False,
            told=said(answer) or "Jira knows no such project.",
            cure="Correct the project's key, or let this user browse the project.",
            field="projects",
        )
    name = str(answer.body.get("name") or key)
    may = _permissions(reach, str(answer.body.get("key") or key))
    if may is None:
        return Finding(what=what, ok=True, told=f"{name}: may be read.")
    if not may.get(READS):
        return Finding(
            what=what,
            ok=False,
            told=f"{name}: its issues may not be read.",
            cure="Give this user the permission Browse Projects there.",
            field="projects",
        )
    able = [words for right, words in WRITES.items() if may.get(right)]
    lacking = [words for right, words in WRITES.items() if not may.get(right)]
    told = f"{name}: issues may be read."
    if able:
        told += f" Where writing is allowed, it may {_list(able)}."
    if lacking:
        told += f" It may not {_list(lacking)}."
    return Finding(what=what, ok=True, told=told)


def _permissions(reach: Reach, key: str) -> dict[str, bool] | None:
    answer = reach.detail(
        "jira:GetMyPermissions",
        f"{api(reach)}/mypermissions",
        projectKey=key,
        permissions=",".join([READS, *WRITES]),
    )
    if answer is None or not isinstance(answer.body, Mapping):
        return None
    told = answer.body.get("permissions")
    return {
        str(name): bool(one.get("havePermission"))
        for name, one in (told.items() if isinstance(told, Mapping) else ())
        if isinstance(one, Mapping)
    }


def _query(reach: Reach, name: str, jql: str) -> Finding:
    what = f"Query {name}"
    path = f"{api(reach)}/search{'/jql' if reach.method == CLOUD else ''}"
    try:
        answer = reach.get_unless(
            REJECTED,
            "jira:SearchIssues",
            path,
            jql=newest_first(condition_of(name, jql)),
            maxResults=1,
            fields="key",
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the report says so
        failure = classify(error)
        return Finding(
            what=what, ok=False, told=failure.message, cure=failure.cure, field="queries"
        )
    if not answer.ok:
        return Finding(
            what=what,
            ok=False,
            told=f"Jira rejects this JQL: {said(answer)}",
            cure="Correct the query; Jira's own search helps to write it.",
            field="queries",
        )
    found = bool(answer.body.get("issues"))
    return Finding(
        what=what, ok=True, told="Finds issues." if found else "Is accepted; finds nothing now."
    )


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _checked_project(text: str) -> str:
    key = text.strip().upper()
    if not PROJECT_KEY.fullmatch(key):
        raise ValueError(f"{text[:60]} is no project's key. It looks like SHOP.")
    return key


def _checked_query(text: str) -> str:
    jql = " ".join(text.split())
    if not jql:
        raise ValueError("A query needs its JQL behind the = sign.")
    if len(jql) > LONGEST_JQL:
        raise ValueError(f"This JQL has {len(jql)} characters; {LONGEST_JQL} fit.")
    return jql


def _checked_name(text: str) -> str:
    """A query stands beside the projects, whose keys are names, too."""
    if PROJECT_KEY.fullmatch(text):
        raise ValueError(f"{text} looks like a project's key. Write the query's name otherwise.")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"A query's name has {LONGEST_NAME} characters at most.")
    return text


def type_of(_headers: Mapping[str, str], payload: Mapping[str, Any]) -> str:
    """Return what happened, in Jira's words: "jira:issue_updated"."""
    return str(payload.get("webhookEvent") or "")


TOKEN = Field(
    name="secret",
    label="API token",
    help="Made at id.atlassian.com under Security → API tokens. It expires after a year at most.",
    secret=True,
)
PERSONAL = Field(
    name="secret",
    label="Personal access token",
    help="Made in Jira under your profile → Personal Access Tokens.",
    secret=True,
)

JIRA = SiteKind(
    name="jira",
    label="Jira",
    methods=(
        Method(
            name=CLOUD,
            label="Jira Cloud",
            choose="Your Jira's address ends in atlassian.net.",
            fields=(
                Field(
                    name="user",
                    label="User",
                    help="The e-mail address that the token's user signs in with.",
                ),
                TOKEN,
                Field(
                    name="client_id",
                    label="OAuth client id",
                    help="Only for the deployments panel of issues, where results are told: made "
                    f"at {WHERE}, with the permission Deployments. Without it, issues get links. "
                    "Emptied, it is removed with its secret.",
                    optional=True,
                ),
                Field(
                    name="client_secret",
                    label="OAuth client secret",
                    help="Belongs to the client id.",
                    secret=True,
                    optional=True,
                    of="client_id",
                ),
            ),
            address_help="https://example.atlassian.net",
        ),
        Method(
            name="pat",
            label="Jira Data Center",
            choose="Your company runs Jira by itself.",
            fields=(PERSONAL,),
            address_help="https://jira.example.com, with its path where it has one (…/jira)",
        ),
    ),
    chosen=(
        Chosen(
            name="projects",
            label="Projects",
            help="Their keys, one a line: SHOP. Their issues are read, and keys of theirs in "
            "commits and pull requests are known.",
            check=_checked_project,
        ),
        Chosen(
            name="queries",
            label="Queries",
            help="One a line: a name, =, and JQL. Overdue = duedate < now() AND resolution = EMPTY",
            check=_checked_query,
            named="jql",
            check_name=_checked_name,
        ),
    ),
    wire=open_wire,
    identify=identify,
    asks="jira:GetMyself",
    findings=findings,
    besides=panel_findings,
    read=read,
    next_page=next_page,
    hook=Hook(
        signature="X-Hub-Signature",
        type_of=type_of,
        events=("Issue: created, updated, deleted", "Comment: created, updated, deleted"),
        where="Jira → Settings → System → WebHooks",
    ),
    rights=(
        "A user that may browse the projects whose issues are to be seen here, and no others: "
        "whoever sees a project of the dashboard sees the issues that it links.",
        "Its token without scopes, or with read:jira-work and read:jira-user.",
    ),
    writes=(
        "To create issues, comment, change states and assign: the permissions of the project for "
        "that, and write:jira-work where the token has scopes.",
        "To feed the deployments panel of issues in Jira Cloud: OAuth credentials with the "
        "permission Deployments. They belong to no user.",
    ),
)
