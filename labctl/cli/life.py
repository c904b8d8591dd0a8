"""Asks a lab's API for a product's life."""

import msgspec

from labctl.cli.api import request
from labctl.cli.session import Session
from scenarios.lab.products import path_of
from service.traces.life import Life


def ask_life(session: Session, product: str) -> Life:
    """What traces tell of a product's writes, and where it is now.

    Args:
        product: Its id.

    Raises:
        LabError: whatever `labctl.cli.api.request` raises.
        msgspec.ValidationError: the answer is something else.
    """
    return msgspec.convert(request(session, "GET", f"{path_of(product)}/life"), Life)
