"""The front door: one HTTP request in, one AWS answer out; our own operations first, moto behind.

request → who (access key) → service and operation → count → faults → policy → own handler, or
moto untouched. Whatever goes wrong, the answer is an error in the protocol's own form, never an
HTML page.
"""

from __future__ import annotations

import contextlib
import logging
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.sandbox import buckets, rolepolicy, trail, wire
from apps.sandbox.control import Control
from apps.sandbox.github.door import GitHubSite
from apps.sandbox.httpd import DroppedConnectionError
from apps.sandbox.jira.door import JiraSite
from apps.sandbox.operations import HANDLERS, TRAITS, AwsError, Call, NotOursError, Params, Traits
from apps.sandbox.policy import Policy, action_of, denial, operations_of, resources_of
from apps.sandbox.principals import ExpiredSessionError, Principal, UnknownKeyError
from apps.sandbox.validation import complaint

if TYPE_CHECKING:
    from apps.sandbox.faults import Faults, Strike
    from apps.sandbox.moto_door import MotoDoor
    from apps.sandbox.rest import Site
    from apps.sandbox.wire import Reply, Request
    from apps.sandbox.world import Place, World

log = logging.getLogger("sandbox")

_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]*)/([^/]+)/aws4_request")
#: Services that IAM calls by another name than the sandbox does.
_SIGNED = {"apigateway": "apigatewayv2", "elasticloadbalancing": "elbv2"}
#: Of a service that declares nothing.
_MOTOS = Traits(own=False)


@dataclass(slots=True)
class _Asked:
    """What the signature and headers of a request say it wants."""

    request: Request
    key: str
    region: str
    service: str
    protocol: str
    request_id: str
    #: Who acts, where one of AWS's services calls another; the access key says it else.
    actor: Principal | None = None


class Gateway:
    """The application that the HTTP server calls, from many threads."""

    def __init__(self, world: World, faults: Faults, policy: Policy | None) -> None:
        self.world, self.faults, self.policy = world, faults, policy
        self.control = Control(world, faults)
        self.sites: tuple[Site, ...] = (GitHubSite(world, faults), JiraSite(world, faults))
        self._moto: MotoDoor | None = None

    def __call__(self, request: Request) -> Reply:
        """Answer one request; raises DroppedConnectionError when a fault wants no answer."""
        if request.path.startswith("/_sandbox"):
            return self.control(request)
        for site in self.sites:
            if request.path.startswith(site.prefix):
                return site(request)
        return self.aws(request)

    def aws(self, request: Request, actor: Principal | None = None) -> Reply:
        """Answer a request to AWS; ``actor`` is who acts where one of its services calls another.

        Such a call is judged as every other, but neither counted nor kept waiting.
        """
        request_id = str(uuid.uuid4())
        signed = _SCOPE.search(request.headers.get("authorization", ""))
        if signed is None:
            error = AwsError(
                "MissingAuthenticationTokenException", "Missing Authentication Token", status=403
            )
            return _labelled(wire.write_error("", "json", error, request_id), request_id)
        key, region, signing_name = signed.groups()
        service = wire.service_of(signing_name, request)
        protocol = wire.protocol_of(service, request.headers)
        asked = _Asked(request, key, region, service, protocol, request_id, actor)
        try:
            reply = self._serve(asked)
        except AwsError as error:
            reply = wire.write_error(service, protocol, error, request_id)
        except DroppedConnectionError:
            raise
        except Exception as error:
            # A bug in the sandbox must look like a bad day at AWS, not like an HTML page.
            log.exception("%s %s", service, request.headers.get("x-amz-target", request.path))
            failure = AwsError("InternalFailure", f"The sandbox failed: {error!r}", status=500)
            reply = wire.write_error(service, protocol, failure, request_id)
        return _labelled(reply, request_id)

    def _serve(self, asked: _Asked) -> Reply:
        service, protocol = asked.service, asked.protocol
        caller = asked.actor or self._caller(asked.key)
        operation = wire.operation_name(service, protocol, asked.request)
        if operation is None:
            raise _unknown_operation(service, asked.request.path)
        if asked.actor is None:
            self.world.count(caller.account, asked.region, service, operation)
        own = HANDLERS.get((service, operation))
        members: Params = {}
        judged = own is not None or self.policy is not None or bool(caller.role)
        if judged and _modelled(service, operation):
            members = wire.read_members(service, operation, protocol, asked.request)
        place = self.world.place(caller.account, asked.region)
        call = Call(self.world, place, service, operation, caller)
        paging = bool(members.get("nextToken") or members.get("NextToken"))
        strike = self.faults.strike(
            service,
            operation,
            place.account,
            place.region,
            paging=paging,
            inside=asked.actor is not None,
        )
        if strike.reply is not None:
            return strike.reply
        self._permit(call, members, strike)
        if strike.refuse_token:
            raise AwsError(_traits(service).bad_page, "The next token is not valid.")
        if own is None:
            return self._fall_through(asked, operation, place.account)
        _validate(service, operation, members)
        call.page_limit = strike.page_limit
        try:
            with self.world.lock:
                answer = own(call, members)
                self.world.scheduler.settle()
                trail.tell(call, asked.request, asked.request_id, members, answer)
        except NotOursError:
            return self._fall_through(asked, operation, place.account)
        return wire.write_answer(service, operation, protocol, answer, asked.request_id)

    def _caller(self, key: str) -> Principal:
        try:
            return self.world.directory.who(key)
        except UnknownKeyError:
            text = "The security token included in the request is invalid."
            raise AwsError("UnrecognizedClientException", text) from None
        except ExpiredSessionError:
            text = "The security token included in the request is expired"
            raise AwsError("ExpiredTokenException", text) from None

    def _permit(self, call: Call, members: Params, strike: Strike) -> None:
        if (call.service, call.operation) == ("sts", "GetCallerIdentity") and not strike.deny:
            return  # AWS lets everybody ask who they are
        own = self._held_to(call.caller)
        if not strike.deny and own is None:
            return
        action = action_of(call.service, call.operation)
        resources = resources_of(call.service, call.account, call.region, members)
        if strike.deny:
            raise denial(call.caller.arn, action, resources[0])
        if own is not None:
            own.check(call.caller.arn, action, resources)

    def _held_to(self, actor: Principal) -> Policy | None:
        """What says what somebody may do: a role's policies, the sandbox's, nothing for root."""
        if actor.role:
            return rolepolicy.of(actor)
        return None if actor.arn.endswith(":root") else self.policy

    def decides(self, actor: Principal, place: Place, action: str, resource: str) -> str:
        """Whether ``actor`` may do ``action``, in the words of IAM's simulator.

        What a fault denies is denied here, too.
        """
        for called in operations_of(action):
            service, _, name = called.partition(":")
            service = _SIGNED.get(service, service)
            if self.faults.denies(service, name, place.account, place.region):
                return "explicitDeny"
        policy = self._held_to(actor)
        return policy.decides(action, resource) if policy is not None else "allowed"

    def _fall_through(self, asked: _Asked, operation: str, account: str) -> Reply:
        """Let moto answer in ``account``; what moto cannot do becomes a modelled error."""
        service = asked.service
        if _traits(service).own or not _modelled(service, operation):
            raise _unknown_operation(service, operation)
        if service == "s3" and operation != "CreateBucket":
            buckets.check_owner(self.world, account, asked.request.path)
        if self._moto is None:
            from apps.sandbox.moto_door import MotoDoor

            self._moto = MotoDoor()
        # moto's queues replace their message list without a lock, and events must not get lost
        # meanwhile. Receiving may wait for 20 s, changes no list, and so stays outside.
        alone = service == "sqs" and operation != "ReceiveMessage"
        with self.world.lock if alone else contextlib.nullcontext():
            reply = self._moto(asked.request, account)
        if reply is None:
            raise _unknown_operation(service, operation)
        return reply


def _traits(service: str) -> Traits:
    return TRAITS.get(service, _MOTOS)


def _validate(service: str, operation: str, members: Params) -> None:
    shape = wire.operation_model(service, operation).input_shape
    wrong = complaint(shape, members) if shape is not None else None
    if wrong is not None:
        raise AwsError(_traits(service).invalid, wrong)


def _modelled(service: str, operation: str) -> bool:
    try:
        wire.operation_model(service, operation)
    except LookupError:
        return False
    return True


def _unknown_operation(service: str, operation: str) -> AwsError:
    return AwsError(
        "UnknownOperationException", f"The sandbox does not know {service}:{operation}", status=400
    )


def _labelled(reply: Reply, request_id: str) -> Reply:
    if not any(name.lower() == "x-amzn-requestid" for name, _ in reply.headers):
        reply.headers.append(("x-amzn-RequestId", request_id))
    return reply
