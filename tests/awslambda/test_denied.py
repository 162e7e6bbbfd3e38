"""What Health says where a call of Lambda's is denied, from the beginning or later on."""

import pytest
from celery.app.task import Task
from django.core.cache import cache

from apps.mirror.causes import causes_of
from apps.mirror.health import kind_health
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from tests.flight import ACCOUNT, REGION, Fault, Flight, FlownProvider
from tests.simulated import kinds_of, tried

DENIED = Fault("AccessDeniedException", "User: x is not authorized to perform: {} on y", status=403)


def lacking(scope: Scope) -> list[str]:
    troubled = [item for item in kind_health([scope]) if item.troubled]
    return [action for cause in causes_of(troubled) for action in cause.lacking]


@pytest.fixture
def aws(db: None, full: Flight, monkeypatch: pytest.MonkeyPatch) -> Flight:
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(full))
    return full


@pytest.mark.parametrize("operation", ["ListAliases", "ListVersionsByFunction"])
def test_what_is_denied_from_the_beginning_is_lacking(aws: Flight, operation: str):
    aws.on(f"lambda:{operation}", DENIED)
    scope = tried(ACCOUNT, REGION, *kinds_of("awslambda"))
    assert lacking(scope) == [f"lambda:{operation}"]


@pytest.mark.parametrize("operation", ["ListAliases", "ListVersionsByFunction"])
def test_what_is_denied_later_is_lacking_although_no_function_moved(aws: Flight, operation: str):
    tried(ACCOUNT, REGION, *kinds_of("awslambda"))
    aws.on(f"lambda:{operation}", DENIED)
    scope = tried(ACCOUNT, REGION, *kinds_of("awslambda"))
    assert lacking(scope) == [f"lambda:{operation}"]
