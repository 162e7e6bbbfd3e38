"""What pipelines' ECS and Lambda actions do: deploy an image to a service, invoke a function."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apps.sandbox.codepipeline.providers import chance_of, place_of, provider
from apps.sandbox.compute import containers, rolling
from apps.sandbox.compute.containers import ContainerStore, Rollout, Service
from apps.sandbox.compute.functions import Function, FunctionStore
from apps.sandbox.logs import Line, LogStore, Stream
from apps.sandbox.world import hex_from, uuid_from

if TYPE_CHECKING:
    from apps.sandbox.codepipeline.model import ActionRun, Execution
    from apps.sandbox.codepipeline.providers import Ends

#: Virtual seconds that an invoked function takes.
_RUNS = (2.0, 9.0)
_NO_RESULT = (
    "The AWS Lambda function {name} failed to return a result. Check the function to verify that "
    "it has permission to call the PutJobSuccessResult action and that it made a call to "
    "PutJobSuccessResult."
)


@provider("ECS")
def _deploy(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    place = place_of(execution, run)
    cluster, name = run.resolved.get("ClusterName", ""), run.resolved.get("ServiceName", "")
    service = place.of(ContainerStore).service(cluster, name)
    if service is None:
        return False
    commit = next(iter(execution.revisions.values()), None)
    tag = commit.sha[:8] if commit is not None else hex_from(chance_of(execution, run), 8)
    old = place.of(ContainerStore).definition(service.definition)
    registry = f"{place.account}.dkr.ecr.{place.region}.amazonaws.com"
    image = f"{registry}/{service.name}:{tag}"
    names = [one["name"] for one in old.declaration["containerDefinitions"]] if old else []
    definition = containers.with_images(place, service.definition, dict.fromkeys(names[:1], image))
    run.external_id = uuid_from(chance_of(execution, run))
    run.external_url = (
        f"https://{place.region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}/services/{name}"
        f"/deployments?region={place.region}"
    )

    def ended(rollout: Rollout) -> None:
        if rollout.state == "COMPLETED":
            ends.succeed(execution, run, "Deployment succeeded")
        elif rollout.state == "FAILED":
            ends.fail(
                execution, run, "JobFailed", f"Deployment {rollout.id} failed: {rollout.reason}"
            )
        else:
            text = f"Deployment {rollout.id} was replaced by a newer deployment of the service."
            ends.fail(execution, run, "JobFailed", text)

    rolling.deploy(service, definition, _outcome(service), ended)
    return True


def _outcome(service: Service) -> rolling.Outcome:
    service.deployed_count += 1
    if service.trouble is None:
        return rolling.Outcome()
    every, kind = service.trouble
    return rolling.Outcome(kind if service.deployed_count % every == 0 else "well")


@provider("Lambda")
def _invoke(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    place, name = place_of(execution, run), run.resolved.get("FunctionName", "")
    function = place.of(FunctionStore).functions.get(name)
    if function is None:
        return False
    chance = chance_of(execution, run)
    function.invoked_count += 1
    fails = function.fails_with is not None or bool(
        function.fails_every and function.invoked_count % function.fails_every == 0
    )
    seconds = chance.uniform(*_RUNS)
    run.external_id = uuid_from(chance)
    run.external_url = (
        f"https://{place.region}.console.aws.amazon.com/lambda/home?region={place.region}"
        f"#/functions/{name}"
    )

    def done() -> None:
        write_log(function, run.external_id or "", seconds, fails=fails)
        if fails:
            ends.fail(execution, run, "JobFailed", _NO_RESULT.format(name=name))
        else:
            ends.succeed(execution, run)

    run.timers.append(place.world.scheduler.after(seconds, done))
    return True


#: As ``fails_with``: the function is still at work when its time is over.
TIMED_OUT = ("Sandbox.Timedout", "")


def write_log(function: Function, request: str, seconds: float, *, fails: bool) -> None:
    """What Lambda and the function write of one invocation."""
    place = function.place
    group = place.of(LogStore).ensure_group(f"/aws/lambda/{function.name}")
    now = int(place.world.now() * 1000)
    name = f"{function.configuration['LastModified'][:10].replace('-', '/')}/[$LATEST]"
    name += hex_from(place.world.chance(function.arn, "stream"), 32)
    stream = group.streams.setdefault(name, Stream(name, now))
    timeout = int(function.configuration["Timeout"])
    timed_out = fails and function.fails_with == TIMED_OUT
    took = timeout * 1000.0 if timed_out else seconds * 1000
    lines = [f"START RequestId: {request} Version: $LATEST"]
    if timed_out:
        stamp = f"{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        lines.append("[INFO] waiting for media.example.com to answer")
        lines.append(f"{stamp} {request} Task timed out after {timeout}.00 seconds")
    elif fails:
        lines += _error(function, request, now)
    status = "\tStatus: timeout" if timed_out else ""
    lines += [
        f"END RequestId: {request}",
        f"REPORT RequestId: {request}\tDuration: {took:.2f} ms\tBilled Duration: "
        f"{int(took) + 1} ms\tMemory Size: {function.configuration['MemorySize']} MB\t"
        f"Max Memory Used: 88 MB{status}",
    ]
    stream.stored += [Line(now + number, f"{line}\n") for number, line in enumerate(lines)]
    del stream.stored[:-2000]


def _error(function: Function, request: str, now: int) -> list[str]:
    """What a function writes of an exception: an unhandled one with its traceback, else a line."""
    if function.fails_with is not None:
        kind, message = function.fails_with
        return [
            f"[ERROR] {kind}: {message}\nTraceback (most recent call last):\n"
            f'  File "/var/task/{function.name}.py", line 41, in handler\n    check(event)'
        ]
    stamp = f"{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    said = "smoke test: GET https://media.example.com/resize?width=320 answered 503"
    return [f"[ERROR]\t{stamp}\t{request}\t{said}"]
