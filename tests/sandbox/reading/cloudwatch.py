"""CloudWatch's, of alarms, metrics and log groups."""

from datetime import UTC, datetime, timedelta

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    watch = clients("cloudwatch", account, region)
    logs = clients("logs", account, region)
    types = ["MetricAlarm", "CompositeAlarm"]
    alarms = watch.describe_alarms(AlarmTypes=types)["MetricAlarms"]
    watch.describe_alarm_history(AlarmTypes=types)
    asked = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions")},
                "Period": 300,
                "Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"],
            },
        }
        for number, alarm in enumerate(alarms)
        if "MetricName" in alarm
    ]
    now = datetime.now(UTC)
    watch.get_metric_data(MetricDataQueries=asked, StartTime=now - timedelta(hours=3), EndTime=now)
    for group in logs.describe_log_groups()["logGroups"][:3]:
        logs.filter_log_events(logGroupName=group["logGroupName"], limit=50)
