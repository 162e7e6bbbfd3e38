"""What administrators do about people, and what each of it means to whom it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db import transaction

from . import second_factor
from .models import Profile, SignInLink, profile_of
from .readers import rights_changed
from .rights import ADMINISTRATORS
from .sessions import end_sessions

LAST = (
    "This is the last administrator: without one nobody could let people in or connect accounts. "
    "Make somebody else one first."
)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a deed."""

    text: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do: its button, what it means, and whether that is asked first."""

    name: str
    label: str
    icon: str
    means: str
    do: Callable[[Any], Told]
    hurts: bool = False


def is_last_administrator(user: Any) -> bool:
    """Whether nobody else could administer."""
    administrators = get_user_model().objects.filter(ADMINISTRATORS, is_active=True)
    return (
        administrators.filter(pk=user.pk).exists()
        and not administrators.exclude(pk=user.pk).exists()
    )


def _without(user: Any, **values: Any) -> bool:
    """Set these unless nobody would be left to administer; False where that is so.

    All administrators' rows are locked: of two who leave at the same moment one stays.
    """
    users = get_user_model().objects
    with transaction.atomic():
        list(users.select_for_update().filter(ADMINISTRATORS, is_active=True).order_by("pk"))
        if is_last_administrator(user):
            return False
        users.filter(pk=user.pk).update(**values)
    rights_changed(user)
    return True


def deactivate(user: Any) -> Told:
    """Switch an account off: sessions end, links and tokens open nothing."""
    if not _without(user, is_active=False):
        return Told(LAST, refused=True)
    SignInLink.objects.filter(user=user, used_at=None).delete()
    end_sessions(user)
    return Told("Switched off, and signed out everywhere.")


def activate(user: Any) -> Told:
    """Switch an account on again."""
    get_user_model().objects.filter(pk=user.pk).update(is_active=True)
    return Told("Switched on. A sign-in link lets them in where they have no password.")


def make_administrator(user: Any) -> Told:
    """Give the rights of an administrator."""
    get_user_model().objects.filter(pk=user.pk).update(is_staff=True)
    rights_changed(user)
    return Told("Is an administrator now.")


def unmake_administrator(user: Any) -> Told:
    """Take them away."""
    if not _without(user, is_staff=False, is_superuser=False):
        return Told(LAST, refused=True)
    return Told("Is no administrator any more.")


def _reads(everything: bool) -> Callable[[Any], Told]:
    def do(user: Any) -> Told:
        Profile.objects.update_or_create(user=user, defaults={"reads_everything": everything})
        rights_changed(user)
        return Told("Reads everything now." if everything else "Reads what projects give now.")

    return do


def reset_second_factor(user: Any) -> Told:
    """Take app and recovery codes away, and end what was signed in with them."""
    second_factor.reset(user)
    SignInLink.objects.filter(user=user, used_at=None).delete()
    end_sessions(user)
    return Told("The second factor is gone; a new one can be set up after signing in.")


def confirm_email(user: Any) -> Told:
    """Vouch for an address that its owner wrote."""
    Profile.objects.filter(user=user).update(email_unconfirmed=False)
    return Told("The address is confirmed.")


def disconnect(user: Any) -> Told:
    """Forget which person of the provider this is."""
    SocialAccount.objects.filter(user=user).delete()
    return Told("The connection is gone; the address decides at the next sign-in.")


def nothing(_user: Any) -> Told:
    """A link is shown by the page itself: nothing is done before."""
    return Told("")


LINK = Deed("link", "Make a sign-in link", "link", "It signs in once, within a day.", nothing)
ON = Deed("activate", "Switch on", "user-check", "They can sign in again.", activate)
OFF = Deed(
    "deactivate",
    "Switch off",
    "user-x",
    "They are signed out everywhere at once and cannot come in again; their API tokens stop "
    "working. Nothing of what they did is deleted, and they can be switched on again.",
    deactivate,
    hurts=True,
)
PROMOTE = Deed(
    "administrator",
    "Make administrator",
    "shield",
    "They can connect and remove AWS accounts, make and remove people, and see everything.",
    make_administrator,
    hurts=True,
)
DEMOTE = Deed(
    "no-administrator",
    "Take administrator away",
    "shield-off",
    "They keep their account, and see what projects show them.",
    unmake_administrator,
    hurts=True,
)
READ = Deed(
    "reads-everything",
    "Let read everything",
    "eye",
    "They read every resource of every connected account, without being in a project.",
    _reads(True),
)
UNREAD = Deed(
    "reads-projects",
    "Let read projects only",
    "eye-off",
    "They read what their projects show them.",
    _reads(False),
)
RESET = Deed(
    "reset-second-factor",
    "Reset second factor",
    "smartphone",
    "The app and the recovery codes of this person stop working, and they are signed out "
    "everywhere. Be sure that it is them who asks: from then on the password or a link alone lets "
    "in, until they set up an app again.",
    reset_second_factor,
    hurts=True,
)
CONFIRM = Deed(
    "confirm-address",
    "Confirm address",
    "mail-check",
    "Whoever the team's provider says has this address is let in as this person.",
    confirm_email,
    hurts=True,
)
DISCONNECT = Deed(
    "disconnect",
    "Take connection away",
    "unplug",
    "The next person to whom the team's provider gives this account's address is connected with "
    "it.",
    disconnect,
    hurts=True,
)


def possible(user: Any, *, administrator: bool) -> dict[str, Deed]:
    """What can be done about a person as they are now; needs the annotations of a list row."""
    profile = profile_of(user)
    found = [
        *([LINK] if user.is_active else []),
        DEMOTE if administrator else PROMOTE,
        *([] if administrator else [UNREAD if profile.reads_everything else READ]),
        *([RESET] if user.second_factor else []),
        *([CONFIRM] if profile.email_unconfirmed and user.email else []),
        *([DISCONNECT] if user.connected else []),
        OFF if user.is_active else ON,
    ]
    return {deed.name: deed for deed in found}
