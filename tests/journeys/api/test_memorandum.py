"""Journey 1: a memorandum between 500000 and 510000, returned once, amended, signed by both, in force."""

from datetime import timedelta
from typing import Any

from services.runtime import clock, workdays
from tests.journeys.api.people import Journey

TODAY = clock.today(clock.now)
FIRST = "合作备忘录(示例)\n\n一、人才选派。\n二、联合活动。\n"
SECOND = "合作备忘录(示例)\n\n一、人才选派,每年不超过二十人次。\n二、联合活动。\n"
NEED = {
    "field": "agriculture", "title": "柑橘种植指导", "persons": 2, "service_days": 5,
    "starts": str(TODAY), "ends": str(TODAY + timedelta(days=30)), "place": {"division": "510000"},
}  # fmt: skip


def form(text: str, **more: str) -> dict[str, object]:
    return {
        "kind": "memorandum", "title": "人才合作备忘录", "subjects": ["talent", "activity"],
        "parties": ["510000"], "text.written": text, **more,
    }  # fmt: skip


def test_a_memorandum_is_returned_amended_signed_and_in_force(journey: Journey) -> None:
    clerk, leader = journey.bureau("500000")
    other, chief = journey.bureau("510000")

    # before: asking for an expert is refused, naming the missing memorandum
    refused = other.send("talent/publish-need", **NEED, to=["500000"])
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:yinqiao:problem:missing-memorandum"
    assert "500000" in refused.json()["detail"]

    # Chongqing's clerk writes it, the leader sends it for signing
    draft = clerk.lay_form("cooperation/propose", form(FIRST))
    assert clerk.decide(draft).status_code == 403  # whoever proposed cannot approve
    sent = leader.release(draft)
    stream = journey.stream(sent)
    asked = {"log": "500000", "stream": stream}
    first_text = memorandum(journey, "sichuan", stream)["fields"]["text"]

    # Sichuan's inbox: to sign, ten working days
    (item,) = [i for i in other.inbox()["waiting_for"] if i["stream"] == stream]
    assert item["due"] == str(workdays.add(TODAY, 10))
    assert item["role"] == "leader"

    # its clerk returns it with a reason; Chongqing sees it and amends
    other.do("cooperation/return-text", **asked, reason={"code": "unclear"})
    assert [a["kind"] for a in clerk.inbox()["arrived"] if a["stream"] == stream] == ["returned"]
    amended = form(SECOND, stream=stream)
    for name in ("kind", "title"):
        del amended[name]
    leader.release(clerk.lay_form("cooperation/amend", amended))

    # both see the versions marked
    for officer in (clerk, other):
        page = officer.see(f"/cooperation/memorandum/500000/{stream}/texts")
        assert "每年不超过二十人次" in page
        assert "<ins" in page

    # a signature on the old text is refused: the text has changed
    stale = other.send("cooperation/sign", **asked, text=first_text)
    assert stale.status_code == 409
    text = memorandum(journey, "sichuan", stream)["fields"]["text"]
    assert text != first_text

    # the leader signs the new one, with the paper's date, number and scan
    paper = {
        "paper.date": str(TODAY),
        "paper.number": "川老干函〔2026〕1号",
        "paper.scan.written": "扫描件(示例)",
    }
    signed = other.lay_form("cooperation/sign", {**asked, "text": text, **paper})
    assert other.decide(signed).status_code == 403
    chief.release(signed)

    # in force, everywhere
    clerk.do("cooperation/enter-into-force", stream=stream, paper={"date": str(TODAY)})
    for node in ("sichuan", "guests", "observer"):
        assert memorandum(journey, node, stream)["stage"] == "in-force"
    # and the expert may be asked for
    other.do("talent/publish-need", **NEED, to=["500000"])


def memorandum(journey: Journey, node: str, stream: str) -> dict[str, Any]:
    found: dict[str, Any] = journey.get(node, f"cooperation/memorandum/500000/{stream}")
    return found
