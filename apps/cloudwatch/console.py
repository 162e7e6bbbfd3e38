"""Addresses of CloudWatch's pages in AWS's console; pure functions."""

from typing import Any

from apps.aws.console import console, part


def alarm_url(region: str, name: str) -> str:
    """An alarm's page."""
    return _page(region, f"alarmsV2:alarm/{part(name)}")


def log_group_url(region: str, name: str) -> str:
    """A log group's page; the console quotes a name twice and writes "$" for "%"."""
    quoted = part(part(name)).replace("%", "$")
    return _page(region, f"logsV2:log-groups/log-group/{quoted}")


def metric_url(region: str, metric: Any) -> str:
    """The page of all metrics with the dimensions of this one to search for."""
    words = [metric.namespace, metric.metric_name, *metric.dimensions.values()]
    return _page(region, f"metricsV2:graph=~();query={part(' '.join(words))}")


def _page(region: str, fragment: str) -> str:
    return console(region, f"cloudwatch/home?region={part(region)}#{fragment}")
