"""Values in Modbus registers, encoded by Python alone (struct, int.to_bytes, datetime) and by pymodbus' payload builder.

Prints one JSON array a line: [who, keys of the point, registers as hexadecimal digits, value]. 64-bit integers are text with `n`.
"""

import datetime
import json
import random
import struct
import sys

RANDOM = random.Random(20261129)
EACH = 8
# By the places of the registers: which of the value's registers, most significant first, goes over the wire first.
ORDERS = {
    "big-endian": lambda words: words,
    "little-endian": lambda words: words[::-1],
    "big-endian-swapped": lambda words: [word for at in range(0, len(words), 2) for word in (words[at + 1], words[at])],
    "little-endian-swapped": lambda words: [word for at in range(len(words) - 2, -1, -2) for word in (words[at], words[at + 1])],
}


def tell(who, keys, wire, value):
    print(json.dumps([who, keys, wire.hex(), value]))


def arranged(raw, word_order, byte_order):
    words = [raw[at : at + 2] for at in range(0, len(raw), 2)]
    return b"".join(word if byte_order == "big-endian" else word[::-1] for word in ORDERS[word_order](words))


def in_every_order(keys, raw, value):
    for word_order in ORDERS:
        if word_order.endswith("swapped") and len(raw) % 4 != 0:
            continue
        for byte_order in ("big-endian", "little-endian"):
            orders = {"wordOrder": word_order, "byteOrder": byte_order}
            tell("struct", {**keys, **orders}, arranged(raw, word_order, byte_order), value)


def integers():
    for bits in (16, 32, 48, 64):
        for signed in (False, True):
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
            for value in [low, high, *(RANDOM.randint(low, high) for _ in range(EACH))]:
                raw = value.to_bytes(bits // 8, "big", signed=signed)
                in_every_order({"type": f"{'' if signed else 'u'}int{bits}"}, raw, f"{value}n" if bits == 64 else value)


def floats():
    for name, code in (("float32", ">f"), ("float64", ">d")):
        for _ in range(EACH):
            value = RANDOM.uniform(-1, 1) * 10 ** RANDOM.randint(-20, 20)
            raw = struct.pack(code, value)
            in_every_order({"type": name}, raw, struct.unpack(code, raw)[0])
    for _ in range(EACH * 8):
        raw = struct.pack(">e", RANDOM.uniform(-1, 1) * 10 ** RANDOM.randint(-6, 4))
        in_every_order({"type": "float16"}, raw, struct.unpack(">e", raw)[0])


def decimals():
    for bits in (16, 32, 48, 64):
        digits = bits // 4
        for value in [0, 10**digits - 1, *(RANDOM.randrange(10**digits) for _ in range(EACH))]:
            shown = f"{value}n" if bits == 64 else value
            in_every_order({"type": f"uint{bits}", "encoding": "bcd"}, bytes.fromhex(str(value).zfill(digits)), shown)
            groups = [value // 10000**at % 10000 for at in range(bits // 16 - 1, -1, -1)]
            raw = struct.pack(f">{len(groups)}H", *groups)
            in_every_order({"type": f"uint{bits}", "encoding": "modulo-10000"}, raw, shown)


def date_times():
    for _ in range(EACH * 4):
        seconds = RANDOM.randint(946684800, 4102444799)
        when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        iso = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        clock = {"type": "dateTime"}
        in_every_order({**clock, "encoding": "epoch-seconds"}, struct.pack(">I", seconds), iso)
        in_every_order({**clock, "encoding": "epoch-seconds", "length": 4}, struct.pack(">Q", seconds), iso)
        in_every_order({**clock, "encoding": "epoch-milliseconds"}, struct.pack(">Q", seconds * 1000), iso)
        bcd = bytes.fromhex(when.strftime("%y%m%d%H%M%S"))
        tell("struct", {**clock, "encoding": "bcd", "format": "YYMM DDhh mmss"}, bcd, iso)
        parts = (when.year, when.month, when.day, when.hour, when.minute, when.second)
        tell("struct", {**clock, "format": "YYYY MM DD hh mm ss"}, struct.pack(">6H", *parts), iso)
        # IEC 60870-5-4, CP56Time2a: milliseconds first, day of the week above the day of the month.
        day = when.isoweekday() << 5 | when.day
        cp56 = struct.pack("<HBBBBBB", when.second * 1000, when.minute, when.hour, day, when.month, when.year - 2000, 0)
        little = {"wordOrder": "little-endian", "byteOrder": "little-endian"}
        tell("struct", {**clock, "encoding": "cp56time2a", **little}, cp56, iso)


def payload_builder():
    from pymodbus.constants import Endian
    from pymodbus.payload import BinaryPayloadBuilder

    ends = {"big-endian": Endian.Big, "little-endian": Endian.Little}
    for word_order in ends:
        for byte_order in ends:
            for name, add, value in [
                ("float16", "add_16bit_float", 1.5),
                ("float32", "add_32bit_float", 0.15625),
                ("float64", "add_64bit_float", 123.456),
                ("int64", "add_64bit_int", -81985529216486895),
                ("uint32", "add_32bit_uint", 305419896),
            ]:
                builder = BinaryPayloadBuilder(byteorder=ends[byte_order], wordorder=ends[word_order])
                getattr(builder, add)(value)
                keys = {"type": name, "wordOrder": word_order, "byteOrder": byte_order}
                registers = builder.to_registers()
                shown = f"{value}n" if name == "int64" else value
                tell("pymodbus", keys, struct.pack(f">{len(registers)}H", *registers), shown)


for make in (integers, floats, decimals, date_times):
    make()
if sys.argv[1:] == ["pymodbus"]:
    payload_builder()
