"""What went off since a change was brought out."""

from datetime import timedelta

import pytest

from apps.cloudwatch.models import AlarmHistory
from apps.delivery import journey as journeys
from tests.delivery.making import make_line, make_pipeline, run
from tests.factories import hold, make_project, make_user
from tests.projects.making import make_alarm
from tests.source.making import sha

pytestmark = pytest.mark.django_db


def test_alarms_since_are_those_of_the_same_project():
    make_line(1)
    pipeline = make_pipeline()
    execution = run(pipeline, 1)
    mine, others = make_alarm("slow"), make_alarm("of-another")
    hold(make_project("Shop"), pipeline, mine)
    hold(make_project("Other"), others)
    for alarm in (mine, others):
        for minutes in (-60, 60):
            at = execution.started_at + timedelta(minutes=minutes)
            AlarmHistory.objects.create(
                scope=alarm.scope,
                key=f"{alarm.key}{minutes}",
                alarm=alarm,
                alarm_name=alarm.key,
                at=at,
                item_type="StateUpdate",
                status="ALARM",
                reason="Threshold crossed",
            )
    found = journeys.of_commit(make_user("reader"), sha(1))
    assert found is not None
    [told] = found.alarms
    assert told.alarm == mine
    assert told.at == execution.started_at + timedelta(minutes=60)
