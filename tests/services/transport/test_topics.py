"""Names of topics are those of the contract."""

import pytest

from events import errors
from services.transport import topics


def test_names_are_those_of_the_contract() -> None:
    assert topics.of_log("chuanyu", "500116") == "yinqiao.chuanyu.500116"
    assert topics.of_log("chuanyu", "500116-2") == "yinqiao.chuanyu.500116-2"
    assert topics.of_receipts("chuanyu", "sichuan") == "yinqiao.chuanyu.receipts.sichuan"
    assert topics.named("chuanyu", "500116-2") == topics.of_log("chuanyu", "500116-2")
    assert topics.named("chuanyu", topics.receipts("sichuan")) == topics.of_receipts("chuanyu", "sichuan")


@pytest.mark.parametrize("log", ["", "../etc", "50.0116", "500116\n", "500116-", "receipts.x", "五"])
def test_what_is_no_name_is_refused(log: str) -> None:
    with pytest.raises(errors.Invalid, match="topic's name"):
        topics.of_log("chuanyu", log)
