"""CloudWatch's operations on metrics."""

from __future__ import annotations

from typing import Any

from apps.sandbox.cloudwatch.metrics import KEPT, Datum, Metric, MetricStore
from apps.sandbox.cloudwatch.operations import invalid_token, moment
from apps.sandbox.cloudwatch.reading import ExpressionError, Queries
from apps.sandbox.operations import Answer, AwsError, Call, Params, operation, paginate

#: What one GetMetricData call takes and gives.
MOST_QUERIES, MOST_POINTS = 500, 100_800
PAGE = 500


@operation("cloudwatch", "GetMetricData")
def get_metric_data(call: Call, params: Params) -> Answer:
    """Points of up to 500 queries, newest first unless ScanBy says otherwise.

    A page ends before the query with which it would hold more than 100,800 points.
    """
    asked = params["MetricDataQueries"]
    if len(asked) > MOST_QUERIES:
        raise AwsError(
            "ValidationError",
            f"The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}.",
        )
    start, end = moment(params["StartTime"], 0), moment(params["EndTime"], 0)
    if start >= end:
        raise AwsError(
            "ValidationError", "The parameter StartTime must be less than the parameter EndTime."
        )
    shown = [query for query in asked if query.get("ReturnData", True)]
    first = _first(params.get("NextToken"), len(shown))
    ascending = params.get("ScanBy") == "TimestampAscending"
    store = call.place.of(MetricStore)
    queries = Queries(store, asked, start, end)
    room = min(params.get("MaxDatapoints", MOST_POINTS), MOST_POINTS)
    results: list[Answer] = []
    for query in shown[first:]:
        points = _points(queries, query["Id"])
        room -= len(points)
        cut = call.page_limit is not None and len(results) >= call.page_limit
        if results and (room < 0 or cut):
            break
        moments = sorted(points, reverse=not ascending)
        results.append(
            {
                "Id": query["Id"],
                "Label": query.get("Label") or _label(query),
                "Timestamps": moments,
                "Values": [points[one] for one in moments],
                "StatusCode": "Complete",
            }
        )
    following = first + len(results)
    return {
        "MetricDataResults": results,
        "Messages": [],
        "NextToken": f"q/{following}" if following < len(shown) else None,
    }


def _points(queries: Queries, name: str) -> dict[float, float]:
    try:
        return queries.points(name)
    except ExpressionError as error:
        raise AwsError("ValidationError", str(error)) from None


def _label(query: dict[str, Any]) -> str:
    if "Expression" in query:
        return str(query["Id"])
    return str(query["MetricStat"]["Metric"].get("MetricName", query["Id"]))


def _first(token: str | None, count: int) -> int:
    if token is None:
        return 0
    number = token.removeprefix("q/")
    if not token.startswith("q/") or not number.isdecimal() or int(number) >= count:
        raise invalid_token()
    return int(number)


@operation("cloudwatch", "ListMetrics")
def list_metrics(call: Call, params: Params) -> Answer:
    """Names of metrics, 500 a page."""
    wanted = []
    for metric in dict.fromkeys(call.place.of(MetricStore).known()):
        told = dict(metric.dimensions)
        if params.get("Namespace") not in (None, metric.namespace):
            continue
        if params.get("MetricName") not in (None, metric.name):
            continue
        filters = params.get("Dimensions") or ()
        if all(
            one["Name"] in told and one.get("Value") in (None, told[one["Name"]]) for one in filters
        ):
            wanted.append(metric)
    page, token = paginate(
        call,
        wanted,
        lambda metric: f"{metric.namespace}/{metric.name}/{metric.dimensions}",
        size=PAGE,
        token=params.get("NextToken"),
        error=invalid_token,
    )
    return {
        "Metrics": [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            }
            for metric in page
        ],
        "NextToken": token,
    }


@operation("cloudwatch", "PutMetricData")
def put_metric_data(call: Call, params: Params) -> Answer:
    """Keep data; each gives a value, values with counts, or a set of statistics."""
    store = call.place.of(MetricStore)
    namespace = params["Namespace"]
    if namespace.startswith("AWS/"):
        raise AwsError(
            "InvalidParameterValue", "The parameter Namespace must not start with 'AWS/'."
        )
    for told in params.get("MetricData", ()):
        metric = Metric.of({**told, "Namespace": namespace})
        data = store.put.setdefault(metric, [])
        data.append(_datum(told, call.world.now()))
        data.sort(key=lambda datum: datum.at)
        del data[:-KEPT]
    return {}


def _datum(told: dict[str, Any], now: float) -> Datum:
    at, unit = moment(told.get("Timestamp"), now), told.get("Unit", "None")
    if "StatisticValues" in told:
        given = told["StatisticValues"]
        return Datum(
            at, given["Sum"], given["Minimum"], given["Maximum"], given["SampleCount"], unit
        )
    values = told.get("Values") or ([told["Value"]] if "Value" in told else [])
    if not values:
        raise AwsError("MissingParameter", "At least one of the values must be specified.")
    counts = told.get("Counts") or [1.0] * len(values)
    total = sum(value * count for value, count in zip(values, counts, strict=False))
    return Datum(at, total, min(values), max(values), sum(counts), unit)
