"""Who is an administrator: the one rule for pages of accounts, people and everybody's tokens."""

from typing import Any

from .models import Profile, administrators

ADMINISTRATORS = administrators()


def narrow(user: Any, project_id: int) -> None:
    """Let this user object see one project from here on: a token of theirs opens no more."""
    user.narrowed_to = project_id


def narrowed_to(user: Any) -> int | None:
    """The one project that this user object may see, None where it is not narrowed."""
    found: int | None = getattr(user, "narrowed_to", None)
    return found


def sees_everything(user: Any) -> bool:
    """Whether a user reads what is in no project, too: an administrator, or who was allowed to."""
    if narrowed_to(user) is not None:
        return False
    if is_administrator(user):
        return True
    # A request's user is known to its lazy wrapper alone, so the attribute is asked for.
    known: bool | None = getattr(user, "_reads_everything", None)
    if known is None:
        known = Profile.objects.filter(user=user.pk, reads_everything=True).exists()
        # Kept for the request: each list, count and search of a page asks.
        user._reads_everything = known
    return known


def is_administrator(user: Any, *, asleep: bool = False) -> bool:
    """Whether a user may administer; with `asleep`, whether one that is switched off might."""
    if narrowed_to(user) is not None:
        return False
    return bool((user.is_active or asleep) and (user.is_staff or user.is_superuser))
