"""The pieces of pages that picture alarms and log groups; see apps.live.fragment."""

from functools import partial
from typing import Any

from apps.live.fragment import FRAGMENTS, Fragment, Load

from . import load

_of_alarm = partial(FRAGMENTS.picture, "cloudwatch.alarm")
_of_group = partial(FRAGMENTS.picture, "cloudwatch.loggroup")


def _with_strip(name: str, template: str, loaded: Load) -> Fragment:
    """A picture of an alarm that moves on with time, as its strip does."""

    def version(context: Any) -> str:
        return f"{context['alarm'].version}-{context['until']:%d%H%M}"

    return FRAGMENTS.add(
        Fragment(
            name=name,
            of="cloudwatch.alarm",
            template=f"cloudwatch/{template}",
            load=loaded,
            version=version,
        )
    )


ALARM_ROW = _with_strip("alarm-row", "alarms.html#row", load.alarm_row)
ALARM_LINE = _with_strip("alarm-line", "tiles.html#alarm", load.alarm_row)
ALARM_HEAD = _with_strip("alarm-head", "alarm.html#head", load.alarm_head)
ALARM_FACTS = _of_alarm("alarm-facts", "alarm.html#facts", load.alarm_facts)
ALARM_HISTORY = _of_alarm("alarm-history", "alarm.html#history", load.alarm_history)
GROUP_ROW = _of_group("loggroup-row", "log_groups.html#row", load.group_row)
GROUP_HEAD = _of_group("loggroup-head", "log_group.html#head", load.group_head)
