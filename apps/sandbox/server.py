"""The sandbox as an object: ``with SandboxServer(seed=1, speed=0) as sandbox: sandbox.url``.

It runs in threads of this process, one at a time, since moto's backends are global to a process.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Self

from apps.sandbox.faults import Faults
from apps.sandbox.world import World

if TYPE_CHECKING:
    from types import TracebackType

    from apps.sandbox.clock import Scheduler

_RUNNING = threading.Lock()


class SandboxServer:
    """A simulated account that listens on ``host:port``.

    ``speed`` is virtual seconds per real second (0: everything immediate); ``scenario`` is
    ``empty``, ``default``, ``bulk:<n>`` or a function that takes the World; ``policy`` is an IAM
    policy document that every call is held to. ``start`` raises OSError when the port is taken.
    """

    def __init__(  # noqa: PLR0913 - the command line's options
        self,
        *,
        seed: int = 1,
        speed: float = 0.0,
        scenario: Any = "empty",
        host: str = "127.0.0.1",
        port: int = 0,
        policy: dict[str, Any] | None = None,
    ) -> None:
        self.seed, self.speed, self.scenario, self.host, self.policy = (
            seed,
            speed,
            scenario,
            host,
            policy,
        )
        self.port = port
        self.faults = Faults()
        self.world: World

    @property
    def url(self) -> str:
        """The endpoint URL for ``AWS_ENDPOINT_URL`` or boto3's ``endpoint_url``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def clock(self) -> Scheduler:
        """The scheduler: ``hold()``, ``advance(seconds)``, ``release()``, ``now()``."""
        return self.world.scheduler

    def calls(self) -> dict[tuple[str, str, str, str], int]:
        """How often each (account, region, service, operation) was called so far."""
        return dict(self.world.calls)

    def start(self) -> Self:
        """Bind the port, furnish the world, and serve in a thread."""
        from apps.sandbox import httpd, scenario, services
        from apps.sandbox.eventbridge import Bus
        from apps.sandbox.gateway import Gateway
        from apps.sandbox.policy import Policy
        from apps.sandbox.posting import Poster

        policy = Policy(self.policy) if self.policy is not None else None
        if not _RUNNING.acquire(blocking=False):
            raise RuntimeError(
                "another sandbox runs in this process; moto's backends are global to it"
            )
        try:
            self.world = World(seed=self.seed, speed=self.speed)
            self.world.door = Gateway(self.world, self.faults, policy)
            self._http = httpd.bind(self.host, self.port, self.world.door)
        except BaseException:
            _RUNNING.release()
            raise
        try:
            self.port = int(self._http.server_address[1])
            self.world.address = self.url
            services.register_all()
            _reset_moto()
            with self.world.lock:
                scenario.furnish(self.world, self.scenario)
                self.world.bus = Bus(self.seed)
                self.world.poster = Poster()
        except BaseException:
            self._http.server_close()
            _RUNNING.release()
            raise
        if self.speed > 0:
            self.world.scheduler.start()
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="sandbox-http",
            daemon=True,
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving at once; everything simulated is gone."""
        self.faults.close()
        self.world.scheduler.stop()
        if self.world.poster is not None:
            self.world.poster.stop()
        self._http.shutdown()
        self._http.server_close()
        _reset_moto()
        _RUNNING.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _reset_moto() -> None:
    """Forget what moto's backends hold, of those services that are loaded."""
    for name in list(sys.modules):
        if name.startswith("moto.") and name.endswith(".models"):
            for backends in _backends_of(name):
                backends.reset()


#: The backends of moto's modules that are loaded: each has hundreds of names to look through.
_BACKENDS: dict[str, list[Any]] = {}


def _backends_of(name: str) -> list[Any]:
    if name in _BACKENDS:
        return _BACKENDS[name]
    from moto.core.base_backend import BackendDict

    module = sys.modules[name]
    held = {id(one): one for one in vars(module).values() if isinstance(one, BackendDict)}
    found = list(held.values())
    # One that another thread is still importing may get some yet.
    if not getattr(module.__spec__, "_initializing", False):
        _BACKENDS[name] = found
    return found
