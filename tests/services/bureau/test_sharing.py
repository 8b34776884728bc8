"""Which attachments a record names, and whom its stream has to do with."""

from pydantic import JsonValue

from events.history import Corrected
from events.meetings import MeetingCorrected, MeetingMinutesIssued
from events.values import Reason, Why
from services.bureau import records, sharing
from tests.services.bureau.examples import attachment


def test_a_correction_names_the_attachments_of_its_new_payload_and_of_its_reason() -> None:
    minutes, note = attachment("minutes"), attachment("note")
    new = MeetingMinutesIssued(minutes=minutes, decisions=3)
    corrected: Corrected = MeetingCorrected(
        corrects=4, reason=Why(code=Reason.TYPING, note=note), fact=new.type,
        payload=new.model_dump(mode="json", exclude_none=True),
    )  # fmt: skip
    assert set(sharing.attachments(corrected)) == {minutes.digest, note.digest}


def test_a_correction_that_waits_for_the_leader_names_its_attachments() -> None:
    scan = attachment("扫描件")
    payload: dict[str, JsonValue] = {"title": "备忘录", "paper": {"scan": scan.model_dump(mode="json")}}
    correct = records.Correct(
        aggregate="memorandum", stream="0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9", position=1,
        reason=Why(code=Reason.TYPING), payload=payload,
    )  # fmt: skip
    assert sharing.attachments(correct) == [scan.digest]
