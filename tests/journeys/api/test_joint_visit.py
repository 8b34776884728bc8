"""Journey 3: a joint visit of three bureaus: one declines, the report is overdue, 62 becomes 26."""

from datetime import timedelta

from projections import activity, model
from services.runtime import clock
from tests.journeys.api.people import Journey

TODAY = clock.today(clock.now)
DAY = str(TODAY - timedelta(days=60))


def test_a_joint_visit_counts_for_those_who_confirmed_and_is_corrected(journey: Journey) -> None:
    clerk, _ = journey.bureau("500117")
    guangan, _ = journey.bureau("511600")
    ziyang, _ = journey.bureau("512000")

    # Hechuan plans, and invites two bureaus
    plan = clerk.do(
        "activity/plan", title="红色基地联合研学", form="study-visit", theme="revolution", starts=DAY,
        ends=DAY,
        place={"division": "511600", "name": "研学基地"},
    )  # fmt: skip
    stream = journey.stream(plan)
    clerk.do("activity/publish", stream=stream, bureaus=["511600", "512000"])
    asked = {"log": "500117", "stream": stream}

    # Guang'an confirms; Ziyang declines with a reason
    guangan.do("activity/confirm", **asked, persons=20)
    ziyang.do("activity/decline", **asked, reason={"code": "time"})
    answers = {a["bureau"]: a["kind"] for a in clerk.inbox()["arrived"] if a["stream"] == stream}
    assert answers["512000"] == "declined"

    # held: 62 people; Ziyang drops out of the count
    held = clerk.do("activity/hold", stream=stream, day=DAY, persons=62)
    assert counted(journey) == {node: {"500117": (1, 62), "511600": (1, 62)} for node in journey.demo.nodes}

    # the report is overdue by itself
    for node in journey.demo.nodes:
        database = journey.demo.nodes[node].database
        with database.connection() as conn, model.reading(conn, activity.MODEL):
            assert [a.stream for a in activity.overdue_reports(conn, "500117", TODAY)] == [stream]

    # the clerk corrects 62 to 26 with a reason: everybody shows 26, the alliance counts one
    clerk.do(
        "record/correct", aggregate="activity", stream=stream, position=held[1], reason={"code": "typing"},
        payload={"persons": 26},
    )  # fmt: skip
    assert counted(journey) == {node: {"500117": (1, 26), "511600": (1, 26)} for node in journey.demo.nodes}
    for node in journey.demo.nodes:
        database = journey.demo.nodes[node].database
        with database.connection() as conn, model.reading(conn, activity.MODEL):
            (alliance,) = activity.counts(conn, activity.Chosen())
        assert (alliance.activities, alliance.persons) == (1, 26)

    # history shows both
    history = journey.get("sichuan", f"activity/activity/500117/{stream}")["history"]
    said = " ".join(each["sentence"] for each in history)
    assert "62人" in said
    assert "更正" in said

    # a stranger to the invitation cannot co-host
    stranger = journey.officer("511500", "clerk").send("activity/confirm", **asked)
    assert stranger.status_code == 403


def counted(journey: Journey) -> dict[str, dict[str, tuple[int, int]]]:
    """Activities and persons by bureau, at every node."""
    found = {}
    for name, node in journey.demo.nodes.items():
        with node.database.connection() as conn, model.reading(conn, activity.MODEL):
            by = activity.counts(conn, activity.Chosen(), "bureau")
        found[name] = {each.key: (each.activities, each.persons) for each in by}
    return found
