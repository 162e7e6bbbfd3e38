"""CodeBuild's, and of the logs of builds."""

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    builds = clients("codebuild", account, region)
    if names := builds.list_projects()["projects"]:
        builds.batch_get_projects(names=names)
    ids = builds.list_builds()["ids"][:12]
    logs = clients("logs", account, region)
    for build in builds.batch_get_builds(ids=ids)["builds"] if ids else ():
        where = build.get("logs", {})
        if where.get("streamName"):
            logs.get_log_events(
                logGroupName=where["groupName"],
                logStreamName=where["streamName"],
                startFromHead=True,
                limit=500,
            )
    every = builds.list_builds()["ids"]
    told = builds.batch_get_builds(ids=every)["builds"] if every else []
    if arns := [arn for build in told for arn in build["reportArns"]]:
        for report in builds.batch_get_reports(reportArns=arns)["reports"]:
            if report["status"] == "FAILED":
                builds.describe_test_cases(
                    reportArn=report["arn"], filter={"status": "FAILED"}, maxResults=50
                )
