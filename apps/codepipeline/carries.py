"""Tells which commit what an action started carries: that of the action's execution."""

from collections.abc import Mapping, Sequence

from apps.live.templatetags.live_tags import first_line, plain
from apps.mirror.carried import TAKES, Carried

from .models import Action


def _takes(ids: Sequence[int]) -> Mapping[int, Carried]:
    columns = ("pk", "execution__revision_id", "execution__summary")
    rows = Action.objects.filter(pk__in=ids).values_list(*columns)
    return {pk: Carried(commit, first_line(plain(said))) for pk, commit, said in rows if commit}


TAKES["codepipeline.action"] = _takes
