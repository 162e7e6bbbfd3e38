"""What people do to connections of AWS accounts, in words, as it is recorded."""

from typing import Any

from apps.audit.verbs import VERBS, Verb
from apps.audit.writing import record
from apps.people.authors import author

from .models import Account

# What records of accounts are about; the projects' page of what was done shows them.
SUBJECT = "account"

CONNECTED = VERBS.add(Verb("account.connected", "connected the account: {what}", icon="plug"))
CHANGED = VERBS.add(Verb("account.changed", "changed of the account: {what}", icon="pencil"))
RENAMED = VERBS.add(Verb("account.renamed", "renamed the account to {what}", icon="pencil"))
LISTENS = VERBS.add(Verb("account.queue_set", "had events be taken from {what}", icon="radio"))
PAUSED = VERBS.add(Verb("account.paused", "stopped sweeping the account", icon="circle-pause"))
RESUMED = VERBS.add(Verb("account.resumed", "let the account be swept again", icon="circle-play"))
REMOVED = VERBS.add(
    Verb("account.removed", "removed the account with all that was read", icon="trash-2")
)


def tell(account: Account, verb: Verb, by: Any, what: str = "") -> None:
    """Record what `by` did to a connection; call it in the transaction that does it."""
    record(
        verb,
        **author(by),
        what=what,
        subject=(SUBJECT, account.pk),
        subject_name=account.name,
        detail={"account": account.account_id, "method": account.method},
    )
