"""Which attachments a record names, and whom its stream has to do with."""

from events.history import Corrected
from events.meetings import MeetingCorrected, MeetingMinutesIssued
from events.values import Reason, Why
from services.bureau import sharing
from tests.services.bureau.examples import attachment


def test_a_correction_names_the_attachments_of_its_new_payload_and_of_its_reason() -> None:
    minutes, note = attachment("minutes"), attachment("note")
    new = MeetingMinutesIssued(minutes=minutes, decisions=3)
    corrected: Corrected = MeetingCorrected(
        corrects=4, reason=Why(code=Reason.TYPING, note=note), fact=new.type,
        payload=new.model_dump(mode="json", exclude_none=True),
    )  # fmt: skip
    assert set(sharing.attachments(corrected)) == {minutes.digest, note.digest}
