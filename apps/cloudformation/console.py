"""Addresses of CloudFormation's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def stack_url(region: str, stack_id: str, tab: str = "stackinfo") -> str:
    """A stack's page; `tab` is stackinfo, events, resources, outputs, changesets or template."""
    return console(
        region,
        f"cloudformation/home?region={part(region)}#/stacks/{tab}?stackId={part(stack_id)}",
    )


def change_set_url(region: str, stack_id: str, change_set_id: str) -> str:
    """A change set's page."""
    return console(
        region,
        f"cloudformation/home?region={part(region)}#/stacks/changesets/changes"
        f"?stackId={part(stack_id)}&changeSetId={part(change_set_id)}",
    )
