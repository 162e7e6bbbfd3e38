"""Who sees issues of Jira: who sees a project that holds their tracker, or a query for them."""

import pytest

from apps.issues.models import Issue, Tracker
from apps.mirror.resource import REGISTER
from apps.projects.follow import follow
from apps.projects.generations import MEMO, begin_another
from apps.projects.models import Holding
from tests.factories import make_project, make_user
from tests.jira.test_sweep import sweep

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("held", "seen"),
    [
        ("SHOP", {"SHOP-9", "SHOP-12", "SHOP-14"}),
        ("Overdue", {"SHOP-12", "OPS-3"}),
        ("Nobody's", set()),
    ],
)
def test_issues_go_with_what_holds_them(site, flown, held, seen):
    user = make_user("checkout-developer", reads_everything=False)
    sweep(site.scope)
    assert not Issue.objects.visible_to(user).exists()
    tracker = Tracker.objects.get(key=held)
    project = make_project("Checkout", viewer=user)
    Holding.objects.create(
        project=project,
        scope=site.scope,
        kind=REGISTER.kind_of(tracker),
        row_id=tracker.pk,
    )
    begin_another()
    MEMO.forget()
    follow()
    assert set(Issue.objects.visible_to(user).values_list("key", flat=True)) == seen
