"""What deployments fail of: the event, the script, and what stands in its log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a target, or a whole deployment, fails.

    ``event`` is the lifecycle event that fails; ``code`` and ``error`` override what AWS says of
    the deployment. ``alarm`` is the name of the alarm that stops it ("" for the group's first).
    ``share`` of the instances fail. Texts may name ``{instance}``, ``{deployment}``, ``{group}``.
    """

    event: str = ""
    script: str = ""
    diagnostic: str = "ScriptFailed"
    message: str = ""
    log: tuple[str, ...] = ()
    code: str = "HEALTH_CONSTRAINTS"
    error: str = ""
    alarm: str | None = None
    share: float = 1.0


HEALTH_CONSTRAINTS = (
    "The overall deployment failed because too many individual instances failed deployment, too "
    "few healthy instances are available for deployment, or some instances in your deployment "
    "group are experiencing problems."
)
_EXITED = "Script at specified location: {script} run as user {user} failed with exit code {code}"


def _exited(script: str, code: int = 1, user: str = "root") -> str:
    return _EXITED.format(script=script, user=user, code=code)


START_CRASHES = Cause(
    "ApplicationStart",
    "scripts/start_server.sh",
    message=_exited("scripts/start_server.sh"),
    log=(
        "[stdout]Starting checkout-web with Node.js v22.11.0",
        "[stderr]/srv/checkout-web/node_modules/pg-pool/index.js:45",
        "[stderr]    throw err;",
        "[stderr]    ^",
        "[stderr]Error: connect ECONNREFUSED 10.0.12.31:5432",
        "[stderr]    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)",
        "[stderr]    at TCPConnectWrap.callbackTrampoline (node:internal/async_hooks:130:17) {",
        "[stderr]  errno: -111,",
        "[stderr]  code: 'ECONNREFUSED',",
        "[stderr]  syscall: 'connect'",
        "[stderr]}",
        "[stdout]checkout-web did not come up within 20 s",
    ),
)
JAVA_CRASHES = Cause(
    "ApplicationStart",
    "deploy/start.sh",
    message=_exited("deploy/start.sh", user="app"),
    log=(
        "[stdout]  .   ____          _            __ _ _",
        "[stdout] :: Spring Boot ::                (v3.3.5)",
        '[stderr]Exception in thread "main" java.lang.IllegalStateException: '
        "Required property 'tax.rates.url' is not set",
        "[stderr]\tat com.example.shop.Tax.<init>(Tax.java:41)",
        "[stderr]\tat com.example.shop.Application.main(Application.java:23)",
        "[stdout]checkout-api.service: Main process exited, code=exited, status=1/FAILURE",
    ),
)
HEALTH_CHECK = Cause(
    "ValidateService",
    "deploy/validate.sh",
    message=_exited("deploy/validate.sh", 22, "app"),
    log=(
        "[stdout]Waiting for http://localhost:8080/orders/health",
        "[stdout]attempt 1 of 5: HTTP 502",
        "[stdout]attempt 5 of 5: HTTP 502",
        "[stderr]curl: (22) The requested URL returned error: 502",
    ),
)
ACCESS_DENIED = Cause(
    "DownloadBundle",
    diagnostic="UnknownError",
    message=(
        "Access Denied: the instance profile may not s3:GetObject on arn:aws:s3:::{bucket}/{key}"
    ),
)
NO_APPSPEC = Cause(
    "BeforeInstall",
    diagnostic="UnknownError",
    message=(
        "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory "
        'at revision-relative path "appspec.yml". The revision was unpacked to directory '
        '"/opt/codedeploy-agent/deployment-root/{group}/{deployment}/deployment-archive", and the '
        "AppSpec file was expected but not found at path "
        '"/opt/codedeploy-agent/deployment-root/{group}/{deployment}/deployment-archive/'
        'appspec.yml". Consult the AWS CodeDeploy Appspec documentation for more information at '
        "http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html"
    ),
)
AGENT_SILENT = Cause(
    "ApplicationStop",
    diagnostic="UnknownError",
    message=(
        "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent "
        "logs on your host and make sure the agent is running and can connect to the CodeDeploy "
        "server."
    ),
)
DISK_FULL = Cause(
    "AfterInstall",
    "scripts/unpack.sh",
    message=_exited("scripts/unpack.sh", 2),
    log=(
        "[stdout]Unpacking the price index",
        "[stderr]tar: /var/lib/prices/index.bin: Cannot write: No space left on device",
        "[stderr]tar: Exiting with failure status due to previous errors",
    ),
)
ALARM = Cause(alarm="")
HOOK_FAILS = Cause(
    "BeforeAllowTraffic",
    "fraud-model-smoke",
    diagnostic="UnknownError",
    message=(
        "The lifecycle hook function fraud-model-smoke reported Failed: expected a score below "
        "0.20 for the known good order, got 0.91"
    ),
    code="HOOK_EXECUTION_FAILURE",
    error="One or more of the lifecycle event validation functions failed.",
)
UNSTABLE = Cause(
    "Install",
    diagnostic="UnknownError",
    message=(
        "The ECS service cannot be updated due to an unexpected exception: the replacement task "
        "set did not stabilize. Task stopped: Essential container in task exited (exit code 137, "
        "OutOfMemoryError: container killed due to memory usage)"
    ),
    code="ECS_UPDATE_ERROR",
    error="The deployment timed out while waiting for the replacement task set to become healthy.",
)
