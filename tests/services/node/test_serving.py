"""Where a node listens, and what is said when it cannot."""

import socket

import pytest

from events import errors
from services.node import serving
from services.runtime.settings import Address


def test_a_port_that_somebody_has_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(errors.Unavailable, match="is taken; choose another"):
            serving.listen(Address("127.0.0.1", other.getsockname()[1]))


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_none_of_this_machine_is_not_called_taken(host: str) -> None:
    with pytest.raises(errors.Unavailable, match="cannot be used: ") as refused:
        serving.listen(Address(host, 8500))
    assert "taken" not in refused.value.message
