"""AWS as the mirror sees it: opens a scope, reads its failures."""

from apps.mirror.models import Scope
from apps.mirror.provider import Failure

from .calls import Reach
from .failures import NotIdentifiedError, told_by
from .identity import find_out
from .judging import judge_of
from .models import Place
from .reaching import reach_of


class AwsProvider:
    """Registered as "aws"."""

    name = "aws"

    def open(self, scope: Scope, *, urgent: bool = False) -> Reach:
        """Return a reach into an account and region.

        Credentials are first asked whose they are, where that is not known since they were given:
        rows of two accounts must never mix. Raises NotIdentifiedError and botocore's errors.
        """
        place = Place.objects.select_related("account__base").get(scope=scope)
        account = place.account
        judge = judge_of(account, place.region)
        if account.identified_at is None and (failure := find_out(account)):
            raise NotIdentifiedError(judge(failure))
        return reach_of(
            account,
            place.region,
            scope_id=scope.pk,
            judge=judge,
            urgent=urgent,
        )

    def classify(self, error: BaseException, operation: str = "") -> Failure:
        """See `failures.told_by`."""
        return told_by(error, operation)
