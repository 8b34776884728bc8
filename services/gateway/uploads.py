"""Posted forms with what was uploaded: texts and files become attachments before the command is made."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from events import errors, values
from services.gateway import forms
from services.gateway.forms import Field, Filled
from services.gateway.site import Site

CONFIRMED = "public_only"
"""The box that says: only public material."""
_LOST, WITHOUT = ".again", ".without"
"""Beside a control: its file was chosen and could not be stored; it is given up."""
_BY_ENDING = {
    ".txt": "text/plain",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".odt": "application/vnd.oasis.opendocument.text",
}
ACCEPTED = ",".join(_BY_ENDING)
MEDIATYPES = tuple(dict.fromkeys(_BY_ENDING.values()))
LONGEST = 200_000
"""Characters of a text that is written in a form."""


@dataclass
class Posted:
    """A form as it was sent: texts by name, and files by name."""

    filled: Filled = field(default_factory=dict)
    files: Mapping[str, UploadFile] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The first value of a name; '' for none."""
        return (self.filled.get(name) or [""])[0]


async def read(request: Request) -> AsyncIterator[Posted]:
    """The form in a request, its files open while the request lasts. Raises Invalid."""
    try:
        form = await request.form(max_files=50, max_fields=2_000, max_part_size=LONGEST * 4)
    except HTTPException:
        raise errors.Invalid("body: is no form that can be read", field="body") from None
    try:
        yield _posted(form)
    finally:
        await form.close()


def _posted(form: FormData) -> Posted:
    filled: Filled = {}
    files = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name] = value
        else:
            filled.setdefault(name, []).append(_text(name, value))
    return Posted(filled, files)


Form: TypeAlias = Annotated[Posted, Depends(read)]


def _text(name: str, value: str) -> str:
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise errors.Invalid("a field holds characters that are no text", field=name[:60])
    return value


def store(site: Site, bureau: str, controls: tuple[Field, ...], posted: Posted) -> None:
    """Keep every text and file of the form as an attachment of the bureau, and name it in the form.

    A file that cannot be kept is gone with the request: the form remembers that one was chosen, and is
    refused until it is chosen again or given up. Raises Invalid for all that is wrong, each field named.
    """
    wrong: list[errors.Invalid] = []
    for control in list(forms.files(controls, {**posted.filled, **{name: [""] for name in posted.files}})):
        try:
            _store(site, bureau, control, posted)
        except errors.Invalid as error:
            own = (error.field or "").startswith(control.name)
            wrong.append(errors.Invalid(error.message, field=error.field if own else control.name))
            if _is_chosen(control, posted):
                posted.filled[control.name + _LOST] = ["on"]
    if wrong:
        raise errors.Invalid(wrong[0].message, field=wrong[0].field, also=wrong[1:])


def _store(site: Site, bureau: str, control: Field, posted: Posted) -> None:
    """Raises Invalid."""
    found = _content(control, posted)
    if found is None:
        if is_lost(control, posted.filled) and not posted.one(control.name + WITHOUT):
            raise errors.Invalid("the file was not stored: choose it again, or say that none is attached")
        return
    if not posted.one(CONFIRMED):
        field = f"{control.name}.{CONFIRMED}"
        raise errors.Invalid("say that it holds public material only, before it is stored", field=field)
    _name(control, posted.filled, site.attachments.put(bureau, found[0], found[1], ()))


def is_lost(control: Field, filled: Filled) -> bool:
    """Whether a file was chosen for a control earlier and could not be stored."""
    return bool(filled.get(control.name + _LOST))


def _is_chosen(control: Field, posted: Posted) -> bool:
    file = posted.files.get(f"{control.name}.file")
    return file is not None and bool(file.filename)


def _content(control: Field, posted: Posted) -> tuple[bytes, str] | None:
    """What was written or uploaded for a control, and its media type."""
    text = posted.one(f"{control.name}.written").strip()
    if text:
        return text.replace("\r\n", "\n").encode(), "text/plain"
    file = posted.files.get(f"{control.name}.file")
    if file is None or not file.filename or not file.size:
        return None
    return file.file.read(), _BY_ENDING.get(
        PurePosixPath(file.filename).suffix.lower(), "application/octet-stream"
    )


def _name(control: Field, filled: Filled, kept: values.Attachment) -> None:
    for name, value in kept:
        filled[f"{control.name}.{name}"] = [str(value)]
    for part in (".written", _LOST, WITHOUT):
        filled.pop(control.name + part, None)
