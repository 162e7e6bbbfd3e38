"""CloudFormation's."""

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    cloudformation = clients("cloudformation", account, region)
    cloudformation.list_stacks()
    for name in [stack["StackId"] for stack in cloudformation.describe_stacks()["Stacks"]]:
        cloudformation.describe_stacks(StackName=name)
        cloudformation.describe_stack_events(StackName=name)
        cloudformation.list_stack_resources(StackName=name)
        cloudformation.get_template(StackName=name)
        cloudformation.describe_stack_resource_drifts(StackName=name, MaxResults=100)
        for one in cloudformation.list_change_sets(StackName=name)["Summaries"]:
            cloudformation.describe_change_set(ChangeSetName=one["ChangeSetId"])
