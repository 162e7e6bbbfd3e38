"""Which stack an environment is made of; no Django."""

from collections.abc import Iterator

from apps.mirror.ties import Tie, place_of


def ties_of(arn: str, environment_id: str) -> Iterator[Tie]:
    """Yield the stack that Elastic Beanstalk makes: it holds the groups and balancers it runs on.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-cfg-applicationloadbalancer.html
    """
    if environment_id:
        partition, region, account = place_of(arn)
        stack = f"stack/awseb-{environment_id}-stack/*"
        yield Tie(
            "runs on",
            "cloudformation.stack",
            f"arn:{partition}:cloudformation:{region}:{account}:{stack}",
        )
