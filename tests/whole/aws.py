"""Clients of simulated accounts, as a person with the AWS CLI would use them."""

from typing import Any

import boto3
from botocore.config import Config


def client(url: str, service: str, account: str = "111122223333", region: str = "eu-west-1") -> Any:
    """A boto3 client of that endpoint; the sandbox takes the account's number for a key."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
    )
