"""A picture with a palette of its own colours: what a browser shoots, at a third of its size."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256


def with_palette(png: bytes) -> bytes:
    """The same picture with at most 256 colours; rare ones become their nearest frequent one."""
    width, height, pixels = _decoded(png)
    packed = (pixels[..., 0].astype(np.uint32) << 16) | (pixels[..., 1].astype(np.uint32) << 8) | pixels[..., 2]
    colours, where, counts = np.unique(packed, return_inverse=True, return_counts=True)
    kept = np.sort(np.argsort(counts)[::-1][:_COLOURS])
    channels = np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=1).astype(np.int32)
    palette = channels[kept]
    nearest = np.concatenate([
        ((some[:, None, :] - palette[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
        for some in np.array_split(channels, len(channels) // 2000 + 1)
    ])  # fmt: skip
    rows = nearest[where].reshape(height, width).astype(np.uint8)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", palette.astype(np.uint8).tobytes()), (b"IDAT", zlib.compress(lines, 9)),
              (b"IEND", b"")]  # fmt: skip
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _decoded(png: bytes) -> tuple[int, int, np.ndarray]:
    """Width, height and the pixels, red, green and blue, of a picture with 8 bits a channel and no interlacing."""
    at, data, header = len(_SIGNATURE), b"", b""
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        if name == b"IHDR":
            header = png[at + 8 : at + 8 + length]
        elif name == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", header)
    if depth != 8 or kind not in (2, 6) or interlaced:
        raise ValueError(f"a picture of another kind: {depth} bits, colour type {kind}")
    step = 3 if kind == 2 else 4
    lines = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * step)
    above = np.zeros(width * step, np.uint8)
    pixels = np.empty((height, width * step), np.uint8)
    for row, line in enumerate(lines):
        above = pixels[row] = _unfiltered(int(line[0]), line[1:], above, step)
    return width, height, pixels.reshape(height, width, step)[..., :3]


def _unfiltered(how: int, line: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """PNG specification, section 9.2."""
    if how == 0:
        return line
    if how == 1:
        return np.cumsum(line.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
    if how == 2:
        return line + above
    made = line.astype(np.int32).tolist()
    up = above.tolist()
    for at in range(len(made)):
        left = made[at - step] if at >= step else 0
        corner = up[at - step] if at >= step else 0
        if how == 3:
            made[at] = (made[at] + (left + up[at]) // 2) & 255
        else:
            guess = left + up[at] - corner
            near = min((left, up[at], corner), key=lambda one: abs(guess - one))
            made[at] = (made[at] + near) & 255
    return np.array(made, np.uint8)
