"""What GitHub means by its refusals and headers, and what cures each; no Django.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
"""

import re
from collections.abc import Mapping
from typing import Any

from apps.mirror.provider import Failure, Health
from apps.sites.answers import Answer
from apps.sites.failures import is_limited, said, told_by_answer

APP, TOKEN = "app", "token"
HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    # GitHub refuses whoever does not say what it is.
    "User-Agent": "codestar-dash",
}
NEW_TOKEN = "github:AppsCreateInstallationAccessToken"  # noqa: S105 - an operation
GET_REPOSITORY = "github:ReposGet"
BAD_KEY = Failure(
    health=Health.CREDENTIALS,
    code="PrivateKey",
    message="The app's private key cannot be read: it is no PEM text of an RSA key.",
    cure="Paste the whole file that GitHub gave you for the app, from “-----BEGIN” to the last "
    "line, or generate another one on the app's page.",
    operation=NEW_TOKEN,
)
BAD_IDS = Failure(
    health=Health.CREDENTIALS,
    code="AppIds",
    message="An app's installation is named by the app's id and by the installation's, a number.",
    cure="Enter the app's id as its page says it, and the number at the end of the installation's "
    "address at GitHub.",
    operation=NEW_TOKEN,
)

# Operation -> (permission of fine-grained tokens and apps, scope of classic tokens).
_METADATA, _CONTENTS = ("Metadata: read", "repo"), ("Contents: read", "repo")
_PULLS, _ISSUES = ("Pull requests: read", "repo"), ("Issues: read", "repo")
_WRITES, _COMMITS = ("Issues: write", "repo"), ("Contents: write", "repo")
NEEDS: Mapping[str, tuple[str, str]] = {
    "UsersGetByUsername": _METADATA,
    "ReposListForOrg": ("Metadata: read", "read:org and repo"),
    "ReposListForUser": _METADATA,
    "ReposListForAuthenticatedUser": _METADATA,
    "AppsListReposAccessibleToInstallation": _METADATA,
    "ReposGet": _METADATA,
    "ReposListBranches": _CONTENTS,
    "ReposListCommits": _CONTENTS,
    "ReposGetCommit": _CONTENTS,
    "ReposGetBranch": _CONTENTS,
    "GitGetTree": _CONTENTS,
    "ReposCompareCommitsWithBasehead": _CONTENTS,
    "ReposListCommentsForCommit": _CONTENTS,
    "PullsList": _PULLS,
    "PullsGet": _PULLS,
    "PullsListReviews": _PULLS,
    "PullsListReviewComments": _PULLS,
    "PullsListFiles": _PULLS,
    "ChecksListForRef": ("Checks: read", "repo"),
    "ReposGetCombinedStatusForRef": ("Commit statuses: read", "repo"),
    "IssuesListForRepo": _ISSUES,
    "IssuesGet": _ISSUES,
    "IssuesListComments": ("Issues: read and Pull requests: read", "repo"),
    "IssuesListAssignees": _ISSUES,
    "IssuesCreate": _WRITES,
    "IssuesCreateComment": _WRITES,
    "IssuesUpdate": _WRITES,
    "ReposCreateOrUpdateFileContents": _COMMITS,
    "GitCreateBlob": _COMMITS,
    "GitCreateTree": _COMMITS,
    "GitCreateCommit": _COMMITS,
    "GitCreateRef": _COMMITS,
    "GitUpdateRef": _COMMITS,
    "CreateCommitStatus": ("Commit statuses: write", "repo:status"),
    "ListDeployments": ("Deployments: read", "repo_deployment"),
    "CreateDeployment": ("Deployments: write", "repo_deployment"),
    "CreateDeploymentStatus": ("Deployments: write", "repo_deployment"),
}
SSO_ADDRESS = re.compile(r"url=(https?://[^\s;,]{1,500})")


def read(answer: Answer, operation: str) -> Failure | None:
    """Say what an answer means besides its status; None where that says it all."""
    sso = answer.headers.get("x-github-sso", "")
    if answer.ok:
        return _partial(sso) if sso.startswith("partial-results") else None
    if is_limited(answer):
        return None
    message = said(answer) or f"HTTP {answer.status}"
    match answer.status:
        case 401:
            return _credentials(message)
        case 403:
            return _forbidden(answer, message, sso, operation)
        case 404 if operation == GET_REPOSITORY:
            return _unseen(answer, message, operation)
        case 451:
            return Failure(
                health=Health.DENIED,
                code="Blocked",
                message=message,
                cure="GitHub blocks this repository for legal reasons. Its owner is told why by "
                "GitHub; what was read before is kept.",
            )
    return None


def _credentials(message: str) -> Failure:
    return Failure(
        health=Health.CREDENTIALS,
        code="BadCredentials",
        message=message,
        cure="GitHub does not know this token: it is wrong, has expired or was revoked. Make a new "
        "one at GitHub (Settings, Developer settings) and enter it on the connection's page; of an "
        "app, see whether it is still installed.",
    )


def refused_app(answer: Answer) -> Failure:
    """Say why GitHub gives an app no token for an installation.

    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """
    message = said(answer) or f"HTTP {answer.status}"
    cures = {
        401: ("AppKey", "The private key is not one of this app's (any more), or this machine's "
              "clock is wrong: generate a key on the app's page and enter it with the app's id."),
        403: ("AppSuspended", "The app's installation was suspended: whoever administers the "
              "organisation can unsuspend it at GitHub, under Installed GitHub Apps."),
        404: ("AppRevoked", "The app was deleted or is not installed there any more: install it "
              "again, and enter the new installation's id."),
    }  # fmt: skip
    found = cures.get(answer.status)
    if found is None or is_limited(answer):
        return told_by_answer(answer)
    code, cure = found
    return Failure(
        health=Health.CREDENTIALS, code=code, message=message, cure=cure, operation=NEW_TOKEN
    )


def _forbidden(answer: Answer, message: str, sso: str, operation: str) -> Failure:
    lower = message.lower()
    if sso.startswith("required"):
        address = SSO_ADDRESS.search(sso)
        where = f": {address[1]}" if address else "."
        code, cure = "SingleSignOn", (
            "The organisation wants single sign-on: authorise this token for it at GitHub" + where
        )  # fmt: skip
    elif "ip allow list" in lower:
        code, cure = "IpAllowList", (
            "The organisation lets in known addresses only: have an owner of it add the address "
            "of this machine to its IP allow list."
        )  # fmt: skip
    elif "suspended" in lower:
        return Failure(
            health=Health.CREDENTIALS,
            code="Suspended",
            message=message,
            cure="GitHub suspended this user or installation: whoever administers it there can "
            "tell why and end that.",
        )
    elif "forbids access via" in lower or "restrict" in lower:
        code, cure = "TokenPolicy", (
            "The organisation does not let in such tokens (any more): have an owner of it approve "
            "this one, or use a kind of token that it allows."
        )  # fmt: skip
    else:
        code, cure = "MissingPermission", _missing(answer, operation)
    return Failure(health=Health.DENIED, code=code, message=message, cure=cure)


def _missing(answer: Answer, operation: str) -> str:
    """Name what the token lacks for a call, as GitHub's own headers do, or else its documents."""
    call = operation.partition(":")[2]
    permission, scope = NEEDS.get(call, ("", ""))
    has = answer.headers.get("x-oauth-scopes")
    if has is not None:
        wanted = answer.headers.get("x-accepted-oauth-scopes") or scope
        return (
            f"{call} needs the scope {wanted or 'repo'}; this token has "
            f"{has.strip() or 'none'}. Give it the scope at GitHub (Settings, Developer settings, "
            "Tokens), or use another token."
        )
    told = answer.headers.get("x-accepted-github-permissions")
    wanted = _permissions(told) if told else permission
    return (
        f"{call} needs the permission {wanted or 'that its documentation names'} for this "
        "repository: add it to the token or app at GitHub. Of an app, its installation must accept "
        "the change."
    )


def _permissions(told: str) -> str:
    """Return "contents=read,metadata=read; issues=read" as people say it."""
    ways = [way for way in told.split(";") if way.strip()]
    return " or ".join(
        " and ".join(
            part.strip().replace("_", " ").replace("=", ": ") for part in way.split(",") if part
        )
        for way in ways
    )[:300]


def _unseen(answer: Answer, message: str, operation: str) -> Failure:
    """A private repository is not told from one that does not exist."""
    has = answer.headers.get("x-oauth-scopes")
    more = f" {_missing(answer, operation)}" if has is not None and "repo" not in has else ""
    return Failure(
        health=Health.DENIED,
        code="NotVisible",
        message=message,
        cure="There is no such repository, or this token may not see it: GitHub does not say which."
        f" Correct its name on the connection's page, or give the token access to it.{more}",
    )


def _partial(sso: str) -> Failure:
    ids = sso.partition("organizations=")[2].strip()[:200]
    return Failure(
        health=Health.DENIED,
        code="SingleSignOn",
        message=f"GitHub left out what belongs to organisations with single sign-on ({ids}).",
        cure="Authorise the token for them at GitHub (Configure SSO beside the token), or choose "
        "owners on the connection's page, so that they need not be listed.",
    )


def next_page(
    path: str, params: Mapping[str, Any], answer: Answer
) -> tuple[str, Mapping[str, Any]] | None:
    """Return the next page of a list, as GitHub's Link header names it.

    https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
    """
    del path, params
    for part in answer.headers.get("link", "").split(","):
        address, _, more = part.partition(";")
        if 'rel="next"' in more:
            return address.strip().strip("<>"), {}
    return None
