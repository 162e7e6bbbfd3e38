"""What IAM calls an operation, where it does not go by the name of boto3's client; no Django."""

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
PREFIXES = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}


def action_of(operation: str) -> str:
    """Return the IAM action of "service:Operation"."""
    service, _, name = operation.partition(":")
    return f"{PREFIXES.get(service, service)}:{name}"
