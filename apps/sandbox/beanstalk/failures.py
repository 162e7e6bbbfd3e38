"""How deployments fail: what a command wrote on the instance, by the name of the failure."""

from __future__ import annotations

#: What stands behind "Output:" in the event of the instance that failed, by platform.
OUTPUTS = {
    "pip": (
        "Engine execution has encountered an error. (TRUNCATED)...\n"
        "ERROR: Could not find a version that satisfies the requirement pandas==2.9.1 "
        "(from versions: 2.0.3, 2.1.4, 2.2.2)\n"
        "ERROR: No matching distribution found for pandas==2.9.1\n"
        "pip install -r requirements.txt failed with exit status 1"
    ),
    "npm": (
        "Engine execution has encountered an error. (TRUNCATED)...\n"
        "npm ERR! code ERESOLVE\n"
        'npm ERR! ERESOLVE could not resolve: peer react@"^17" from react-dates@21.8.0\n'
        "npm --production install failed with exit status 1"
    ),
    "migrate": (
        "Engine execution has encountered an error. (TRUNCATED)...\n"
        'django.db.utils.ProgrammingError: column "discount" of relation "orders" already exists\n'
        "container_command 01_migrate in .ebextensions/db.config failed. "
        "For more detail, check /var/log/eb-activity.log using console or EB CLI."
    ),
}
#: The instances start it and it never answers: nothing fails on them but the time.
TIMEOUT = "timeout"


def of_platform(platform: str) -> str:
    """The failure that a platform's deployments know best."""
    return "npm" if "Node.js" in platform else "pip"


def texts(failure: str, instances: list[str]) -> list[tuple[str, str]]:
    """(severity, message) of the events in which a deployment on these instances fails, in order.

    The first says why; those that follow say what comes of it.
    """
    every = ", ".join(instances)
    if failure == TIMEOUT:
        return [
            (
                "ERROR",
                "The following instances have not responded in the allowed command timeout time "
                f"(they might still finish eventually on their own): [{every}].",
            ),
            ("ERROR", "Failed to deploy application."),
        ]
    output = OUTPUTS.get(failure, OUTPUTS["pip"])
    failed = [
        (
            "ERROR",
            f"[Instance: {instance}] Command failed on instance. Return code: 1 Output: {output}",
        )
        for instance in instances
    ]
    return [
        *failed,
        (
            "INFO",
            "Command execution completed on all instances. "
            f"Summary: [Successful: 0, Failed: {len(instances)}].",
        ),
        (
            "ERROR",
            f"Unsuccessful command execution on instance id(s) '{','.join(instances)}'. "
            "Aborting the operation.",
        ),
        ("ERROR", "Failed to deploy application."),
    ]


ABORTED = (
    "During an aborted deployment, some instances may have deployed the new application version. "
    "To ensure all instances are running the same version, re-deploy the appropriate application "
    "version."
)
