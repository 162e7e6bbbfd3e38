"""What tells two proposed projects of one name apart."""

import pytest

from apps.adoption.keep import renew
from apps.adoption.models import Proposal
from tests.adoption import rows as made
from tests.factories import make_scope

pytestmark = pytest.mark.django_db


def test_an_account_is_called_by_its_name_where_it_has_one():
    for account, label in (("111122223333", "Tools"), ("444455556666", "Live")):
        scope = make_scope(account, label=label)
        made.pipeline("shop", made.source(f"acme/{account}"), scope=scope)
    renew()
    plain, told = sorted(one.name for one in Proposal.objects.all())
    assert plain == "Shop"
    assert told in ("Shop (Tools eu-west-1)", "Shop (Live eu-west-1)")
