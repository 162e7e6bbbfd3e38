"""Which approvals wait, and which of them a reader may decide: the one question of both."""

from collections.abc import Sequence
from typing import Any

from apps.codepipeline.models import Action
from apps.deeds.acts import ACTS
from apps.deeds.rights import where_it_may_be_done
from apps.mirror.models import Scope
from apps.mirror.state import UNFINISHED, State

PIPELINE = "codepipeline.pipeline"
# What is done about one: where either may be done, it waits for whoever may.
APPROVE, REJECT = DECISIONS = "codepipeline.approve", "codepipeline.reject"


def waiting(user: Any) -> Any:
    """Return the approvals that wait, of pipelines that this user may know of."""
    return _asking(Action.objects.visible_to(user)).filter(
        execution__state__in=UNFINISHED, execution__pipeline__gone_at=None
    )


def _asking(actions: Any) -> Any:
    # Places that nobody reads tell nothing new; an index knows what waits in each of the others.
    places = Scope.objects.filter(enabled=True, parked=False).order_by()
    return actions.filter(scope__in=places.values("pk"), state=State.WAITING, gone_at=None)


def to_decide(user: Any, decisions: Sequence[str] = DECISIONS) -> Any:
    """Return those that this user may decide: by their role, and by what is allowed there.

    decisions  names of the acts any of which they are to be able to do.
    """
    acts = [ACTS.by_name[name] for name in decisions]
    return waiting(user).filter(
        where_it_may_be_done(user, acts, kind=PIPELINE, column="execution__pipeline")
    )


def how_many_wait_for(user: Any) -> int:
    """Return how many approvals wait for this user; in one query where none does, else in three.

    Every page asks: whose approvals they are takes far longer to find out than that none waits.
    """
    if not user.is_authenticated:
        return 0
    if not _asking(Action.objects).exists():
        return 0
    return int(to_decide(user).count())
