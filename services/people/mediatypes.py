"""Which kinds of file may be attached, and whether the bytes are what they are said to be.

The bytes decide, never a file name. Packed files are looked into within limits: their directory first.
"""

import html
import io
import re
import zipfile
import zlib
from collections.abc import Callable

from events import errors

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
ENTRIES, UNPACKED, TEXT_LIMIT = 2_000, 200_000_000, 20_000_000
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MAGIC = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
    b"GIF8",
    b"MZ",
    b"\x7fELF",
)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def recognise(content: bytes, mediatype: str) -> str:
    """Check that the content is of the type, and give the text to be read in it ('' for pictures and PDF).

    Raises Invalid, with the remedy.
    """
    if mediatype not in _READERS:
        raise errors.Invalid(
            f"this kind of file cannot be attached; allowed are {', '.join(_READERS)}", field="mediatype"
        )
    try:
        return _READERS[mediatype](content)
    except _BROKEN:
        raise _not_of_its_kind(mediatype) from None


def header(content: bytes, mediatype: str) -> str:
    """The `Content-Type` to serve the content with: of texts the encoding is told too."""
    if mediatype != "text/plain":
        return mediatype
    return f"text/plain; charset={_encoding(content)}"


def _encoding(content: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise errors.Invalid("the text is neither UTF-8 nor GB18030: save it as UTF-8", field="content")


def _text(content: bytes) -> str:
    text = "" if content.startswith(_MAGIC) else content.decode(_encoding(content)).removeprefix("\ufeff")
    if not text or _CONTROL.search(text):
        raise _not_of_its_kind("text/plain")
    return text


def _beginning_with(magic: bytes, mediatype: str) -> Callable[[bytes], str]:
    def read(content: bytes) -> str:
        if not content.startswith(magic):
            raise _not_of_its_kind(mediatype)
        return ""

    return read


def _docx(content: bytes) -> str:
    with _packed(content) as package:
        names = package.namelist()
        if "word/document.xml" not in names or "[Content_Types].xml" not in names:
            raise _not_of_its_kind(DOCX)
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise errors.Invalid("the document holds macros: save it without them", field="content")
        parts = [name for name in names if re.fullmatch(r"word/(header\d*|document|footer\d*)\.xml", name)]
        return _words(package, sorted(parts, reverse=True), "w:p")


def _odt(content: bytes) -> str:
    with _packed(content) as package:
        if package.namelist()[:1] != ["mimetype"] or _part(package, "mimetype") != ODT:
            raise _not_of_its_kind(ODT)
        return _words(
            package, [n for n in ("styles.xml", "content.xml") if n in package.namelist()], "text:p"
        )


def _packed(content: bytes) -> zipfile.ZipFile:
    package = zipfile.ZipFile(io.BytesIO(content))
    entries = package.infolist()
    if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED:
        raise errors.Invalid("the document unpacks to too much: save it as PDF", field="content")
    return package


def _words(package: zipfile.ZipFile, parts: list[str], paragraph: str) -> str:
    return "\n".join(_plain(_part(package, part), paragraph) for part in parts)


def _part(package: zipfile.ZipFile, name: str) -> str:
    with package.open(name) as file:
        raw = file.read(TEXT_LIMIT + 1)
    if len(raw) > TEXT_LIMIT:
        raise errors.Invalid("the document unpacks to too much: save it as PDF", field="content")
    return raw.decode("utf-8")


def _plain(xml: str, paragraph: str) -> str:
    """Text without markup. No XML parser: nothing in it is resolved or expanded."""
    lines = re.sub(rf"</{paragraph}>|<(w:br|w:tab|text:line-break|text:tab)\b[^<>]*>", "\n", xml)
    return html.unescape(re.sub(r"<[^<>]*>", "", lines))


def _not_of_its_kind(mediatype: str) -> errors.Invalid:
    return errors.Invalid(f"the file is no readable {mediatype}: choose its right kind", field="content")


_READERS: dict[str, Callable[[bytes], str]] = {
    "text/plain": _text,
    "application/pdf": _beginning_with(b"%PDF-", "application/pdf"),
    "image/png": _beginning_with(b"\x89PNG\r\n\x1a\n", "image/png"),
    "image/jpeg": _beginning_with(b"\xff\xd8\xff", "image/jpeg"),
    DOCX: _docx,
    ODT: _odt,
}
