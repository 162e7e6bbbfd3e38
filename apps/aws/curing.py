"""Says cures so that they can be followed: what `make up` keeps right has no form to correct it."""

from dataclasses import replace

from apps.mirror.provider import Failure, Health

from .models import Account

# Codes of failures in which there is nothing that could be refused.
NOTHING_THERE = frozenset({"NoCredentialsError", "PartialCredentialsError"})
OR_CONNECT = "or connect an account on the page Accounts."
NONE_FOUND = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the environment and start "
    f"again, {OR_CONNECT}"
)
NOT_ACCEPTED = (
    "Renew the credentials of this machine (for a profile with SSO: aws sso login), or correct "
    "AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, and start again, "
    f"{OR_CONNECT}"
)
NO_PROFILE = "ProfileNotFound"
PROFILE_MISSING = (
    "Correct AWS_PROFILE in the environment, or write a profile of that name into the AWS "
    f"configuration of this machine, and start again, {OR_CONNECT}"
)
WRONG_ENDPOINT = (
    "Correct AWS_ENDPOINT_URL in the environment, or leave it out to reach AWS itself, and start "
    "again."
)


def followable(failure: Failure, account: Account) -> Failure:
    """Return a failure whose cure names the environment where an account has its credentials so."""
    if not account.managed or account.method != Account.Method.AMBIENT:
        return failure
    if failure.code in NOTHING_THERE:
        return replace(failure, cure=NONE_FOUND)
    if failure.code == NO_PROFILE:
        return replace(failure, cure=PROFILE_MISSING)
    if failure.health is Health.CREDENTIALS and failure.code != "Overtaken":
        return replace(failure, cure=NOT_ACCEPTED)
    if account.endpoint_url and failure.health in (Health.UNREACHABLE, Health.FAILING):
        return replace(failure, cure=f"{failure.cure} {WRONG_ENDPOINT}".strip())
    return failure
