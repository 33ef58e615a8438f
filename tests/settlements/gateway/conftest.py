"""The gateway's own tests run against real processes."""

from tests.settlements.gateway.servers import _gateway, _receiver, _sandbox, _shared_sandbox  # noqa: F401
