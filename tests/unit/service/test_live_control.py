import pytest

from service.live.control import parse_fault
from service.live.errors import InvalidFault


def test_a_fault_that_is_not_known_gets_the_list_of_those_that_are() -> None:
    with pytest.raises(InvalidFault, match=r"foo.*the faults are redis:flushall, worker:suspend, .*, flush$"):
        parse_fault(b'{"fault": "foo"}')


def test_another_mistake_gets_no_list() -> None:
    with pytest.raises(InvalidFault, match="rate") as caught:
        parse_fault(b'{"fault": "flush", "rate": 2}')
    assert "the faults are" not in str(caught.value)
