"""Journey 2: experts from 500153 for 510300: one blocked, one declined, one serves and is rated."""

from datetime import timedelta

from events.event import Key
from services.runtime import clock
from tests.journeys.api.people import Journey, Officer

TODAY = clock.today(clock.now)
STARTS, ENDS = str(TODAY - timedelta(days=10)), str(TODAY + timedelta(days=30))


def test_two_experts_are_offered_one_serves_and_is_rated(journey: Journey) -> None:
    clerk, leader = journey.bureau("500153")
    host, chief = journey.bureau("510300")

    # Zigong publishes what it needs
    need = host.do(
        "talent/publish-need", field="agriculture", title="血橙种植指导", persons=2, service_days=20,
        starts=STARTS, ends=ENDS, place={"division": "510300"}, to=["500153"],
    )  # fmt: skip

    # Rongchang's pool; one leading expert has no clearance and cannot be offered
    experts = [share(clerk, "血橙栽培"), share(clerk, "病虫害防治")]
    blocked = share(clerk, "果业规划", needs_clearance=True)
    pool = journey.get("sichuan", "talent/expert", field="agriculture")["items"]
    assert {journey.stream(step) for step in (*experts, blocked)} <= {each["stream"] for each in pool}
    offer = {
        "host": "510300", "field": "agriculture", "purpose": "advice", "service_days": 20, "starts": STARTS,
        "ends": ENDS, "agreed": STARTS, "need_log": "510300", "need": journey.stream(need),
    }  # fmt: skip
    refused = clerk.send("talent/offer", **offer, experts=[journey.stream(blocked)])
    assert refused.status_code == 409

    # two who agreed are offered; the leader approves
    streams = [journey.stream(step) for step in experts]
    log, first = leader.release(clerk.lay("talent/offer", **offer, experts=streams))
    one, two = journey.stream((log, first)), journey.stream((log, first + 2))

    # Zigong accepts one and declines one with a reason, which is in Rongchang's inbox
    chief.release(host.lay("talent/accept", log=log, stream=one))
    chief.release(host.lay("talent/decline-offer", log=log, stream=two, reason={"code": "capacity"}))
    arrived = clerk.inbox()["arrived"]
    assert [a["kind"] for a in arrived if a["stream"] == two] == ["declined"]
    clerk.do("talent/withdraw-offer", stream=two, reason={"code": "no-longer-needed"})

    # days are logged by Rongchang and confirmed by Zigong
    clerk.do("talent/start", stream=one, day=STARTS)
    days = [
        clerk.do("talent/log-day", stream=one, day=str(TODAY - timedelta(days=back)), half="full")
        for back in (9, 8)
    ]
    again = clerk.send("talent/log-day", stream=one, day=str(TODAY - timedelta(days=9)), half="am")
    assert again.status_code == 409  # no two services in the same half-day
    host.do("talent/confirm-days", log=log, stream=one, positions=[position for _, position in days])

    # it ends early, and is rated; the mark is for the two bureaus alone
    clerk.do("talent/end-early", stream=one, day=str(TODAY), reason={"code": "personal"})
    rated = host.do_form("talent/rate", {"log": log, "stream": one, "mark.written": "满意"})
    mark = journey.get("chongqing", f"records/{rated[0]}/{rated[1]}")
    assert "满意" not in mark["value"]

    # Rongchang's leader: who served in Zigong, down to the signed record
    board = journey.get("chongqing", "talent/dispatch", host="510300")["items"]
    (served,) = [each for each in board if each["stream"] == one]
    assert (served["stage"], served["served"], served["confirmed"]) == ("ended-early", 4, 4)
    proof = journey.get("observer", f"records/{days[0][0]}/{days[0][1]}")["proof"]
    assert proof["size"] >= days[0][1]


def share(clerk: Officer, speciality: str, *, needs_clearance: bool = False) -> Key:
    return clerk.do(
        "talent/share-expert", speciality=speciality, fields=["agriculture"], tier="pool",
        needs_clearance=needs_clearance, agreed=True,
    )  # fmt: skip
