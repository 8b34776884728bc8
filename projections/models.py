"""The read models there are, in a list a reader can see."""

from projections import activity
from projections.model import ReadModel

MODELS: tuple[ReadModel, ...] = (activity.MODEL,)
BY_NAME = {model.name: model for model in MODELS}
