"""The calls that the dashboard makes of each service; `read(clients, account, region)` makes them.

`clients(service, account, region)` is a boto3 client of the sandbox.
"""

from collections.abc import Callable
from typing import Any

Clients = Callable[[str, str, str], Any]
