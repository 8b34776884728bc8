"""What may stand in an address: logs, positions, streams."""

from typing import Annotated, TypeAlias

from fastapi import Path, Query

from events.values import LOG, POSITION_LIMIT

LogName: TypeAlias = Annotated[str, Path(pattern=rf"^{LOG}$")]
StreamName: TypeAlias = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
PositionNumber: TypeAlias = Annotated[int, Path(ge=1, le=POSITION_LIMIT)]
Token: TypeAlias = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{43}$")]
ReportNumber: TypeAlias = Annotated[int, Path(ge=1, le=POSITION_LIMIT)]
FigureName: TypeAlias = Annotated[str, Path(pattern=r"^[a-z0-9_.-]{1,60}$")]
LogQuery: TypeAlias = Annotated[str, Query(alias="log", pattern=rf"^{LOG}$")]
