"""The second factor: codes of an authenticator app, and what is kept of it."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as allauth_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.cache import cache
from django.db.models import Exists, OuterRef

from apps.mirror.sealing import seal, unseal

from .limits import CODE, slowed
from .models import hash_of

# A code is right for its half minute and those beside it (MFA_TOTP_TOLERANCE).
CODE_SECONDS = 120


class SealingAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth ships no types
    """Keeps secrets encrypted, with the keys of all encrypted columns."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": (
            "This code is not right, or was used before. Wait for the next one, and see that the "
            "phone's clock is right."
        ),
    }

    def encrypt(self, text: str) -> str:
        """Encrypt with the newest of FIELD_KEYS."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt with whichever key fits."""
        return unseal(encrypted_text)


class _Slowed(forms.Form):
    """A form with a code: too many wrong ones have to wait, and none is taken twice."""

    user: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = self.label
        field.widget.attrs = {
            "autocomplete": "one-time-code",
            "spellcheck": "false",
            "autocapitalize": "off",
            "autofocus": True,
        }

    label = "Code of the app, or a recovery code"

    def clean_code(self) -> str:
        """Return the code, spaces left out, if it is right and new."""
        with slowed(context.request, CODE, f"user {self.user.pk}") as one:
            code: str = super().clean_code()  # type: ignore[misc]
            mark = f"people:code:{self.user.pk}:{hash_of(''.join(code.split()))}"
            if not cache.add(mark, 1, timeout=CODE_SECONDS):
                raise SealingAdapter().validation_error("incorrect_code")
            one.right()
        return code


class AuthenticateForm(_Slowed, allauth_forms.AuthenticateForm):  # type: ignore[misc]
    """Asked for at sign-in."""


class ReauthenticateForm(_Slowed, allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    """Asked for again before something that matters."""


class ActivateForm(_Slowed, ActivateTOTPForm):  # type: ignore[misc]
    """The first code, which proves that the app has the secret."""

    label = "Code that the app shows"


def has_second_factor() -> Exists:
    """A condition on users: whether they are asked for a code."""
    return Exists(Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP))


def reset(user: Any) -> bool:
    """Take a person's second factor and recovery codes away; False where there was none."""
    deleted, _ = Authenticator.objects.filter(user=user).delete()
    return bool(deleted)
