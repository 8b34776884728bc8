"""The read models there are, in a list a reader can see."""

from projections import activity, cooperation, inbox, meetings, talent, tasks, timeline
from projections.model import ReadModel

MODELS: tuple[ReadModel, ...] = (
    timeline.MODEL, inbox.MODEL, activity.MODEL, cooperation.MODEL, meetings.MODEL, tasks.MODEL,
    talent.MODEL,
)  # fmt: skip
BY_NAME = {model.name: model for model in MODELS}
