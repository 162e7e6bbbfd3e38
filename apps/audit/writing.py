"""Writes down what somebody did, in the transaction that does it."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from .models import Outcome, Record
from .verbs import Verb

log = logging.getLogger(__name__)

# What is called so is kept nowhere in words, whoever passes it by mistake.
SECRET = re.compile(r"secret|passw|token|credential|private.?key|recovery|authoriz", re.IGNORECASE)
LONGEST_REASON = 2000


class SecretError(ValueError):
    """Something that is called like a secret was to be kept."""


def record(  # noqa: PLR0913 - what may be said of it
    verb: Verb,
    *,
    who: Any = None,
    name: str = "",
    what: str = "",
    subject: tuple[str, int] | None = None,
    subject_name: str = "",
    outcome: Outcome = Outcome.DONE,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> Record:
    """Keep one thing that was done, and say it in the log once it is certain.

    who      a user, None for the house itself; `name` is what they are called now.
    subject  (kind, id) of what it was done to.
    detail   of JSON's own kinds. Raises SecretError where anything in it is called like a secret.
    What was refused, or failed, is recorded outside the transaction that was undone.
    """
    told = dict(detail or {})
    _refuse_secrets(told)
    kind, pk = subject or ("", None)
    kept = Record.objects.create(
        who=who,
        who_name=_cut("who_name", name),
        verb=verb.name,
        what=_cut("what", what),
        subject_kind=kind,
        subject_id=pk,
        subject_name=_cut("subject_name", subject_name),
        outcome=outcome,
        reason=reason[:LONGEST_REASON],
        detail=told,
    )
    said = {
        "verb": verb.name,
        "by": None if who is None else who.pk,
        "subject": f"{kind}:{pk}" if kind else "",
        "outcome": str(outcome),
        "record": kept.pk,
    }
    transaction.on_commit(lambda: log.info("audit.recorded", extra=said))
    return kept


def _cut(column: str, text: str) -> str:
    longest: Any = getattr(Record._meta.get_field(column), "max_length", None)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _refuse_secrets(told: Any) -> None:
    if isinstance(told, Mapping):
        for key, value in told.items():
            if SECRET.search(str(key)):
                raise SecretError(f"{key} is no detail to keep")
            _refuse_secrets(value)
    elif isinstance(told, list | tuple):
        for value in told:
            _refuse_secrets(value)
