"""Opens an account in a region as a reach, with the throttle that its workers share."""

from collections.abc import Callable

from django.conf import settings

from apps.mirror.provider import Failure
from apps.mirror.throttle import SharedThrottle

from .calls import Reach, as_it_is
from .models import Account
from .regions import partition_of
from .session import door

# Rates that AWS publishes (calls a second, per account and region); others are learned.
PUBLISHED = {
    "cloudtrail:LookupEvents": 2.0,
    "logs:DescribeLogStreams": 25.0,
    "logs:GetLogEvents": 10.0,
    "logs:FilterLogEvents": 5.0,
    "cloudwatch:GetMetricData": 50.0,
    "cloudwatch:DescribeAlarms": 9.0,
    "cloudwatch:DescribeAlarmHistory": 3.0,
    "cloudwatch:ListMetrics": 25.0,
}


def reach_of(
    account: Account,
    region: str,
    *,
    scope_id: int = 0,
    judge: Callable[[Failure], Failure] = as_it_is,
    urgent: bool = False,
) -> Reach:
    """Open an account in a region.

    `scope_id` shares the throttle of that scope; `judge` has the last word on what failures mean;
    `urgent` where a person waits for the answers.
    """
    opened = door(account, region)
    return Reach(
        account=account.account_id,
        region=region,
        partition=partition_of(region),
        client=opened.client,
        throttle=SharedThrottle(
            str(scope_id or f"account-{account.pk}-{region}"), PUBLISHED, urgent=urgent
        ),
        at_once=settings.CALLS_AT_ONCE,
        judge=judge,
        name=f"{account.account_id}/{region}",
    )
