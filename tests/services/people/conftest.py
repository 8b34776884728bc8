"""A database with the people's tables, and papers to attach."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.people import schema
from services.people.attachments import Store
from services.people.mediatypes import ODT
from services.runtime import files
from services.runtime.database import Connection, Database, connect, migrate
from tests.support.databases import Server


@pytest.fixture
def people_database(postgres: Server, new_database: Callable[..., str]) -> str:
    template = postgres.template("people", lambda dsn: migrate(dsn, schema.migrations()))
    return new_database(template)


@pytest.fixture
def conn(people_database: str) -> Iterator[Connection]:
    with connect(people_database) as connection:
        yield connection


@pytest.fixture
def pool(people_database: str) -> Iterator[Database]:
    database = Database(people_database, size=2).open()
    yield database
    database.close()


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    files.make_folder(tmp_path / "vault")
    return tmp_path / "vault"


@pytest.fixture
def store(vault: Path) -> Store:
    return Store("chuanyu", vault)


def zipped(*parts: tuple[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts:
            package.writestr(name, content)
    return out.getvalue()


def docx(*paragraphs: str, header: str = "") -> bytes:
    def xml(*texts: str) -> str:
        return "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in texts)

    return zipped(
        ("[Content_Types].xml", "<Types/>"),
        ("word/document.xml", f"<w:document><w:body>{xml(*paragraphs)}</w:body></w:document>"),
        ("word/header1.xml", f"<w:hdr>{xml(header)}</w:hdr>"),
    )


def odt(*paragraphs: str) -> bytes:
    body = "".join(f"<text:p>{text}</text:p>" for text in paragraphs)
    return zipped(("mimetype", ODT), ("content.xml", f"<office:text>{body}</office:text>"))
