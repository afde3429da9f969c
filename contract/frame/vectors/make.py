"""Writes vectors.json: frames and answers, and what they say.

Written from docs/smartmodule-abi.md alone, and on purpose not with the Rust crate: each checks the other.
Usage: python3 make.py > vectors.json
"""

import json
import struct


def varint(value):
    rest = ((value << 1) ^ (value >> 63)) & 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def nullable(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(timestamp_delta, offset_delta, key, value, headers):
    body = b"\0" + varint(timestamp_delta) + varint(offset_delta) + nullable(key) + nullable(value)
    body += varint(len(headers))
    for name, content in headers:
        body += varint(len(name.encode())) + name.encode() + nullable(content)
    return varint(len(body)) + body


def text(data):
    return None if data is None else data.hex()


KINDS = {"records": 0, "look_back": 1, "aggregate": 2, "join": 3}


def frame(name, kind, base_offset, base_timestamp, records, stamped=False, accumulator=b""):
    head = struct.pack(
        "<BBBBIqqII", 1, KINDS[kind], 1 if stamped else 0, 0, len(records), base_offset, base_timestamp,
        len(accumulator), 0,
    )
    body = b"".join(record(*each) for each in records)
    said = [
        {
            "offset": -1 if base_offset < 0 else base_offset + offset,
            "timestamp": base_timestamp if stamped else base_timestamp + timestamp,
            "key": text(key),
            "value": text(value),
            "headers": [[header, text(content)] for header, content in headers],
        }
        for timestamp, offset, key, value, headers in records
    ]
    return {
        "name": name, "kind": kind, "baseOffset": base_offset, "baseTimestamp": base_timestamp, "stamped": stamped,
        "accumulator": accumulator.hex(), "records": said, "hex": (head + accumulator + body).hex(),
    }


def answer(name, count, base_timestamp, selection=None, records=None, failed=(), accumulator=None):
    if selection is not None:
        bits = bytearray((count + 7) // 8)
        for index in selection:
            bits[index // 8] |= 1 << index % 8
        body, number, kind = bytes(bits), count, 0
    else:
        body = b"".join(
            varint(source) + record(timestamp - base_timestamp, 0, key, value, headers)
            for source, timestamp, key, value, headers in records
        )
        number, kind = len(records), 1
    head = struct.pack(
        "<BBBBIII", 1, kind, 0 if accumulator is None else 1, 0, number, len(failed), len(accumulator or b""),
    )
    failures = b"".join(varint(index) + varint(len(why.encode())) + why.encode() for index, why in failed)
    said = None if records is None else [
        {
            "source": source, "timestamp": timestamp, "key": text(key), "value": text(value),
            "headers": [[header, text(content)] for header, content in headers],
        }
        for source, timestamp, key, value, headers in records
    ]
    return {
        "name": name, "count": count, "baseTimestamp": base_timestamp, "selection": selection, "records": said,
        "failed": [[index, why] for index, why in failed], "accumulator": text(accumulator),
        "hex": (head + body + failures + (accumulator or b"")).hex(),
    }


NOW = 1_764_000_000_000
SOME = [
    (0, 0, b"k", b"value", []),
    (5, 1, None, b"", [("h", b"v"), ("h", None), ("größe", b"\xff\0")]),
    (-3, 4, b"", None, []),
]
LONG = [(1 << 40, 1 << 31, b"x" * 63, b"y" * 64, [])]

vectors = {
    "frames": [
        frame("no records", "records", 0, NOW, []),
        frame("three records with gaps between offsets", "records", 1000, NOW, SOME),
        frame("no offsets yet", "records", -1, NOW, SOME),
        frame("stamped by the server", "records", 7, NOW, SOME, stamped=True),
        frame("large deltas and lengths of two bytes", "records", 1 << 40, NOW, LONG),
        frame("older records", "look_back", 3, NOW, SOME[:1]),
        frame("the first of an aggregate", "aggregate", 0, NOW, SOME[:1]),
        frame("an accumulator", "aggregate", 0, NOW, SOME[:2], accumulator=b"so far"),
        frame("a pair", "join", 0, NOW, SOME[:2]),
    ],
    "answers": [
        answer("none of none", 0, NOW, selection=[]),
        answer("some of ten", 10, NOW, selection=[0, 3, 9]),
        answer("all of eight", 8, NOW, selection=list(range(8))),
        answer("one failed", 3, NOW, selection=[0], failed=[(2, "not a number: ü")]),
        answer("no records", 3, NOW, records=[]),
        answer(
            "a map", 2, NOW,
            records=[(0, NOW, b"k", b"VALUE", []), (1, NOW + 5, None, b"", [("h", b"v"), ("h", None)])],
        ),
        answer("two of one, none of the next", 3, NOW, records=[(0, NOW, None, b"a", []), (0, NOW - 1, None, b"b", [])]),
        answer("records and failures", 3, NOW, records=[(1, NOW, None, b"b", [])], failed=[(0, "bad"), (2, "")]),
        answer("an aggregate", 1, NOW, records=[(0, NOW, None, b"6", [])], accumulator=b"6"),
        answer("an empty accumulator", 0, NOW, records=[], accumulator=b""),
    ],
    "refusedFrames": [
        {"name": "nothing", "hex": ""},
        {"name": "version 2", "hex": "02" + "00" * 31},
        {"name": "a kind that is none", "hex": "0104" + "00" * 30},
        {"name": "an unknown flag", "hex": "010002" + "00" * 29},
        {"name": "fewer records than it says", "hex": "01000000" + "01000000" + "00" * 24},
        {"name": "bytes after the last record", "hex": "01000000" + "01000000" + "00" * 24 + "0c000000010100" + "00"},
    ],
    "refusedAnswers": [
        {"name": "nothing", "count": 3, "hex": ""},
        {"name": "version 2", "count": 0, "hex": "02" + "00" * 15},
        {"name": "a selection of another number", "count": 3, "hex": "01000000" + "02000000" + "00" * 8 + "03"},
        {"name": "a bit beyond the last record", "count": 3, "hex": "01000000" + "03000000" + "00" * 8 + "0f"},
        {"name": "a source that is none", "count": 3, "hex": "01010000" + "01000000" + "00" * 8 + "06" + "0c000000010100"},
        {"name": "sources that go back", "count": 3,
         "hex": "01010000" + "02000000" + "00" * 8 + "04" + "0c000000010100" + "02" + "0c000000010100"},
        {"name": "one failed twice", "count": 3, "hex": "01000000" + "03000000" + "02000000" + "00000000" + "00" + "0200" + "0200"},
        {"name": "an accumulator that is not there", "count": 0, "hex": "01010100" + "00" * 8 + "01000000"},
        {"name": "bytes after the end", "count": 0, "hex": "01000000" + "00" * 12 + "00"},
    ],
}
print(json.dumps(vectors, indent=1, ensure_ascii=False))
