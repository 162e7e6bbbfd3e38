"""How many calls a site takes: read off its answers, shared, with a share kept for people."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.core.cache import cache
from django.utils.timezone import now

from apps.sites.answers import Answer
from apps.sites.failures import QuotaSpentError
from apps.sites.quota import PATIENCE, SharedQuota, forget_quota, quota_of, standing_of

LIST = "github:ListRepositories"


@pytest.fixture(autouse=True)
def _nothing_is_known() -> None:
    cache.clear()


def counted(remaining: int, *, limit: int = 5000, reset: object = None, **headers: str) -> Answer:
    at = (now() + timedelta(minutes=30)) if reset is None else reset
    said = str(int(at.timestamp())) if isinstance(at, datetime) else str(at)
    return Answer(
        200,
        {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(remaining),
            "x-ratelimit-reset": said,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def test_while_there_is_enough_nobody_waits():
    SharedQuota(1).told(LIST, counted(4000), limited=False)
    assert SharedQuota(1).before(LIST) == 0.0
    assert quota_of(1).remaining == 4000


def test_a_tenth_is_kept_for_people():
    SharedQuota(1).told(LIST, counted(500), limited=False)
    with pytest.raises(QuotaSpentError, match="500 that are kept for people") as spent:
        SharedQuota(1).before(LIST)
    assert spent.value.resets_at > now()
    assert SharedQuota(1, urgent=True).before(LIST) == 0.0
    SharedQuota(1).told(LIST, counted(0), limited=True)
    with pytest.raises(QuotaSpentError, match="5,000 calls"):
        SharedQuota(1, urgent=True).before(LIST)
    # Another site has a count of its own.
    assert SharedQuota(2).before(LIST) == 0.0


def test_the_count_begins_anew_when_the_site_said():
    SharedQuota(1).told(LIST, counted(0, reset=now() - timedelta(seconds=1)), limited=True)
    assert SharedQuota(1).before(LIST) in (0.0, pytest.approx(60, abs=60))


def test_each_resource_has_its_own_count():
    search = counted(0, limit=30, x_ratelimit_resource="search")
    SharedQuota(1).told("github:SearchIssues", search, limited=False)
    with pytest.raises(QuotaSpentError):
        SharedQuota(1).before("github:SearchIssues")
    assert SharedQuota(1).before(LIST) == 0.0


def test_who_is_told_to_wait_does_and_so_does_everybody_else():
    limited = Answer(429, {"retry-after": "3"}, {"message": "slow down"})
    SharedQuota(1).told(LIST, limited, limited=True)
    assert 2.0 < SharedQuota(1).before("github:GetCommit") <= 3.0
    long = Answer(403, {"retry-after": "1800"}, {"message": "secondary rate limit"})
    SharedQuota(1).told(LIST, long, limited=True)
    with pytest.raises(QuotaSpentError, match=r"left alone until .* secondary rate limit") as spent:
        SharedQuota(1, urgent=True).before(LIST)
    assert spent.value.code == "Paused"


def test_a_limit_without_a_time_is_a_minute():
    SharedQuota(1).told(LIST, Answer(403, {}, {"message": "abuse detection"}), limited=True)
    with pytest.raises(QuotaSpentError) as spent:
        SharedQuota(1).before(LIST)
    assert timedelta(seconds=PATIENCE) < spent.value.resets_at - now() <= timedelta(seconds=60)


def test_a_time_may_be_written_as_a_date():
    at = format_datetime(now() + timedelta(seconds=10))
    SharedQuota(1).told(LIST, Answer(429, {"retry-after": at}), limited=True)
    assert 5.0 < SharedQuota(1).before(LIST) <= 10.0


def test_other_credentials_have_another_count():
    SharedQuota(1).told(LIST, counted(0), limited=True)
    forget_quota(1)
    assert SharedQuota(1).before(LIST) == 0.0


@pytest.mark.parametrize("reset", ["", "soon", "-1", "99999999999999999999", "2026-13-01T00:00Z"])
def test_nonsense_is_no_count(reset):
    assert standing_of(counted(1, reset=reset)) is None
    SharedQuota(1).told(LIST, counted(0, reset=reset), limited=False)
    assert SharedQuota(1).before(LIST) == 0.0


def test_jira_writes_its_times_otherwise():
    answer = counted(7, reset="2026-11-28T23:00:00Z")
    assert standing_of(answer).resets_at == datetime(2026, 11, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize("wait", ["soon", "-5", "nan", ""])
def test_nonsense_in_a_wait_keeps_nobody_waiting_for_long(wait):
    SharedQuota(1).told(LIST, Answer(429, {"retry-after": wait}), limited=True)
    until, _ = cache.get("sites:pause:1")
    assert 0 < until - now().timestamp() <= 60
