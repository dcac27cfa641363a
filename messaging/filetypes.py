"""What a file really is, told by its bytes: a name or a header may say anything.

Only what is listed here is let in. Nothing on the list runs in a browser: no HTML, no SVG.
"""

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file that is let in, and a picture's size where it is known."""

    mime: str
    suffix: str
    width: int | None = None
    height: int | None = None

    @property
    def family(self) -> str:
        """`image`, `video`, `audio`, `application` or `text`."""
        return self.mime.partition("/")[0]


_AUDIO_BRANDS = {b"M4A ", b"M4B "}
_OFFICE = (
    (b"word/", "vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    (b"xl/", "vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    (b"ppt/", "vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
)
_NOT_IN_TEXT = bytes(set(range(32)) - set(b"\t\n\r\f")) + b"\x7f"
_LOOKED_AT = 64 * 1024
_NAME_LENGTH = 120
_MP3 = (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_AAC = (b"\xff\xf1", b"\xff\xf9")


def recognise(content: bytes) -> FileType | None:
    """What this is, or None when it is nothing that we let in."""
    for reader in (_image, _sound_or_film, _document, _plain_text):
        if (found := reader(content)) is not None:
            return found
    return None


def file_name(claimed: str | None) -> str | None:
    """A name fit to be shown and offered: no path, no control characters, not endless."""
    if claimed is None:
        return None
    last = claimed.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable() and letter not in '"<>|:*?')
    return shown.strip(". ")[-_NAME_LENGTH:] or None


def _image(content: bytes) -> FileType | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:  # noqa: PLR2004 - up to IHDR's size
        width, height = struct.unpack(">II", content[16:24])
        return _sized("image/png", "png", width, height)
    if content.startswith(b"\xff\xd8\xff"):
        return _sized("image/jpeg", "jpg", *_jpeg_size(content))
    if content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 10:  # noqa: PLR2004 - up to its size
        return _sized("image/gif", "gif", *struct.unpack("<HH", content[6:10]))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _sized("image/webp", "webp", *_webp_size(content))
    return None


def _sound_or_film(content: bytes) -> FileType | None:
    if content.startswith(b"OggS"):
        return FileType("audio/ogg", "ogg")
    if content.startswith(b"#!AMR"):
        return FileType("audio/amr", "amr")
    if content[4:8] == b"ftyp":
        if content[8:12] in _AUDIO_BRANDS:
            return FileType("audio/mp4", "m4a")
        if content[8:11] == b"3gp":
            return FileType("video/3gpp", "3gp")
        return FileType("video/mp4", "mp4")
    if content.startswith((b"ID3", *_MP3)):
        return FileType("audio/mpeg", "mp3")
    if content.startswith(_AAC):
        return FileType("audio/aac", "aac")
    return None


def _document(content: bytes) -> FileType | None:
    if content.startswith(b"%PDF-"):
        return FileType("application/pdf", "pdf")
    if content.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in content[:_LOOKED_AT]:
        for folder, kind, suffix in _OFFICE:
            if folder in content:
                return FileType(f"application/{kind}", suffix)
    return None


def _plain_text(content: bytes) -> FileType | None:
    """Words without markup; they are only ever offered as a download."""
    if not content or len(content.translate(None, _NOT_IN_TEXT)) < len(content):
        return None
    if content.lstrip()[:1] == b"<":
        return None
    try:
        content.decode()
    except UnicodeDecodeError:
        return None
    return FileType("text/plain", "txt")


def _sized(mime: str, suffix: str, width: int | None, height: int | None) -> FileType:
    return FileType(mime, suffix, width or None, height or None)


def _jpeg_size(content: bytes) -> tuple[int | None, int | None]:
    """From the first frame header; segments before it are skipped by their length."""
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:  # noqa: PLR2004 - a marker's first byte
        marker = content[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - SOF0 to SOF15
            height, width = struct.unpack(">HH", content[position + 5 : position + 9])
            return width, height
        (length,) = struct.unpack(">H", content[position + 2 : position + 4])
        position += 2 + length
    return None, None


def _webp_size(content: bytes) -> tuple[int | None, int | None]:
    kind, data = content[12:16], content[20:30]
    if len(data) < 10:  # noqa: PLR2004 - what the headers below need
        return None, None
    if kind == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None, None
