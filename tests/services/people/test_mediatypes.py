"""Only papers and pictures come in, and only as what they are."""

import pytest

from events import errors
from services.people import mediatypes
from services.people.mediatypes import DOCX, ODT
from tests.services.people.conftest import docx, odt, zipped

TEXT = "关于组建川渝银发人才专家团的备忘录\n一、双方…\t"
PNG, PDF, JPEG = b"\x89PNG\r\n\x1a\n....", b"%PDF-1.7\n....", b"\xff\xd8\xff\xe0...."
GOOD = {
    "text/plain": TEXT.encode(),
    "application/pdf": PDF,
    "image/png": PNG,
    "image/jpeg": JPEG,
    DOCX: docx("正文"),
    ODT: odt("正文"),
}


@pytest.mark.parametrize("mediatype", GOOD)
def test_each_allowed_kind_comes_in_as_itself_and_as_nothing_else(mediatype: str) -> None:
    mediatypes.recognise(GOOD[mediatype], mediatype)
    for other in GOOD.keys() - {mediatype}:
        with pytest.raises(errors.Invalid, match="right kind"):
            mediatypes.recognise(GOOD[mediatype], other)


@pytest.mark.parametrize(
    "mediatype",
    [
        "text/html",
        "image/svg+xml",
        "application/zip",
        "application/msword",
        "",
        "TEXT/PLAIN",
        "text/plain;x=y",
    ],
)
def test_every_other_kind_is_refused(mediatype: str) -> None:
    with pytest.raises(errors.Invalid, match="cannot be attached"):
        mediatypes.recognise(TEXT.encode(), mediatype)


@pytest.mark.parametrize(
    "content", [b"a\x00b", b"\x1b[2J", b"MZ program", b"\xff\xfe\xff\xff", b"PK\x03\x04"]
)
def test_bytes_that_are_no_text_are_refused_as_text(content: bytes) -> None:
    with pytest.raises(errors.Invalid):
        mediatypes.recognise(content, "text/plain")


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 cut",
        docx("正文")[:-30],
        zipped(("word/document.xml", "x")),
        zipped(("[Content_Types].xml", ""), ("word/document.xml", b"\xff\xff")),
        zipped(("[Content_Types].xml", ""), ("word/document.xml", ""), ("word/vbaProject.bin", "")),
    ],
)
def test_a_broken_or_armed_document_is_refused(content: bytes) -> None:
    with pytest.raises(errors.Invalid):
        mediatypes.recognise(content, DOCX)


def test_a_document_that_unpacks_without_end_is_refused() -> None:
    bomb = zipped(("[Content_Types].xml", ""), ("word/document.xml", b" " * (mediatypes.TEXT_LIMIT + 1)))
    crowd = zipped(*((f"{n}.xml", "") for n in range(mediatypes.ENTRIES + 1)))
    assert len(bomb) < 100_000
    for content in (bomb, crowd):
        with pytest.raises(errors.Invalid, match="unpacks to too much"):
            mediatypes.recognise(content, DOCX)


def test_the_directory_tells_what_unpacks_to_too_much_before_anything_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mediatypes, "UNPACKED", 10_000)
    picture = ("word/media/image1.png", b"\x00" * 10_001)
    with pytest.raises(errors.Invalid, match="unpacks to too much"):
        mediatypes.recognise(zipped(("[Content_Types].xml", ""), ("word/document.xml", ""), picture), DOCX)


def test_the_text_of_documents_is_read_head_lines_first() -> None:
    read = mediatypes.recognise(docx("第一段", "A &amp; B", header="页眉"), DOCX)
    assert read.split() == ["页眉", "第一段", "A", "&", "B"]
    assert mediatypes.recognise(odt("甲", "乙"), ODT).split() == ["甲", "乙"]


def test_texts_of_old_editors_are_read_and_served_with_their_encoding() -> None:
    assert mediatypes.recognise(TEXT.encode("gb18030"), "text/plain") == TEXT
    assert mediatypes.header(TEXT.encode("gb18030"), "text/plain") == "text/plain; charset=gb18030"
    assert mediatypes.header(TEXT.encode("utf-8-sig"), "text/plain") == "text/plain; charset=utf-8"
    assert mediatypes.header(PDF, "application/pdf") == "application/pdf"
