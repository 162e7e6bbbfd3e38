"""Elastic Beanstalk's."""

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    beanstalk = clients("elasticbeanstalk", account, region)
    beanstalk.describe_applications()
    beanstalk.describe_application_versions(MaxRecords=1000)
    beanstalk.describe_events(MaxRecords=1000)
    for one in beanstalk.describe_environments(IncludeDeleted=False)["Environments"]:
        if "HealthStatus" in one:
            name = one["EnvironmentName"]
            beanstalk.describe_environment_health(EnvironmentName=name, AttributeNames=["All"])
            beanstalk.describe_instances_health(EnvironmentName=name, AttributeNames=["All"])
            beanstalk.describe_environment_managed_actions(EnvironmentName=name)
            beanstalk.describe_environment_managed_action_history(EnvironmentName=name, MaxItems=10)
