"""Files of strangers are known by their bytes; a name is only a name."""

import struct

import pytest

from messaging.filetypes import file_name, recognise
from tests.messaging.pictures import JPEG, PNG

GIF = b"GIF89a" + struct.pack("<HH", 3, 4) + b"\0" * 8

WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + b"\0" * 4 + b"\x1f\x03\0" + b"\x57\x02\0"

DOCX = b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml" + b"\0" * 50 + b"word/document.xml"


@pytest.mark.parametrize(
    ("content", "mime", "size"),
    [
        (PNG, "image/png", (640, 480)),
        (JPEG, "image/jpeg", (800, 600)),
        (GIF, "image/gif", (3, 4)),
        (WEBP, "image/webp", (800, 600)),
        (b"%PDF-1.7", "application/pdf", (None, None)),
        (b"OggS\0", "audio/ogg", (None, None)),
        (b"\0\0\0\x18ftypmp42", "video/mp4", (None, None)),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4", (None, None)),
        (b"\0\0\0\x18ftyp3gp4", "video/3gpp", (None, None)),
        (b"#!AMR\n", "audio/amr", (None, None)),
        (b"ID3\x03", "audio/mpeg", (None, None)),
        ("Здравствуйте".encode(), "text/plain", (None, None)),
    ],
)
def test_files_are_known_by_their_bytes(content, mime, size):
    kind = recognise(content)
    assert kind is not None
    assert (kind.mime, (kind.width, kind.height)) == (mime, size)


def test_an_office_document_is_more_than_an_archive():
    kind = recognise(DOCX)
    assert kind is not None
    assert kind.suffix == "docx"
    assert recognise(b"PK\x03\x04" + b"\0" * 60) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\n <!DOCTYPE html><script>alert(1)</script>",
        b"MZ\x90\0",
        b"\x7fELF",
        b"#!/bin/sh\x1b[2J",
        b"\xff\xfe<\0h\0t\0m\0l\0",
        b"\0" * 64,
    ],
)
def test_what_could_run_is_not_let_in(content):
    assert recognise(content) is None


@pytest.mark.parametrize("length", range(2, 40))
def test_a_picture_that_breaks_off_breaks_nothing(length):
    for content in (PNG, JPEG, GIF, WEBP):
        recognise(content[:length])


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\bill.pdf", "bill.pdf"),
        ('a"b\r\nSet-Cookie: x.pdf', "abSet-Cookie x.pdf"),
        ("", None),
        ("...", None),
        (None, None),
        ("ж" * 500 + ".pdf", "ж" * 116 + ".pdf"),
    ],
)
def test_a_claimed_name_is_only_a_name(claimed, kept):
    assert file_name(claimed) == kept
