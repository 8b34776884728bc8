"""The read models there are, in a list a reader can see."""

from projections import activity, inbox, timeline
from projections.model import ReadModel

MODELS: tuple[ReadModel, ...] = (timeline.MODEL, inbox.MODEL, activity.MODEL)
BY_NAME = {model.name: model for model in MODELS}
