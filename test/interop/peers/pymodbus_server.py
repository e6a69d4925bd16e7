"""A Modbus server on pymodbus: pymodbus_server.py tcp PORT UNIT, or
pymodbus_server.py rtu|ascii DEVICE UNIT (115200 baud, 8N1).

Has 2 000 cells of every table. Prints `ready` when it listens. Commands come on standard input, one a line, and are answered
with one line each:
  put TABLE TYPE ORDER ADDRESS VALUE         the library encodes; answers `ok`
  get TABLE TYPE ORDER ADDRESS [REGISTERS]   the library decodes; answers the value
  refuse CODE TIMES                          so many answers are replaced by the exception
TABLE: coil, discrete, input, holding. Strings are JSON; bytes are hexadecimal digits.
"""

import asyncio
import json
import logging
import os
import struct
import sys

from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.framer.ascii_framer import ModbusAsciiFramer
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.payload import BinaryPayloadBuilder, BinaryPayloadDecoder
from pymodbus.pdu import ExceptionResponse
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer

# It reports every client that goes.
logging.disable(logging.ERROR)

CELLS = 2000
FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
# The library's names, and its parser for the text of the command.
NUMBERS = {
    "int16": ("16bit_int", int, 1),
    "uint16": ("16bit_uint", int, 1),
    "int32": ("32bit_int", int, 2),
    "uint32": ("32bit_uint", int, 2),
    "int64": ("64bit_int", int, 4),
    "uint64": ("64bit_uint", int, 4),
    "float32": ("32bit_float", float, 2),
    "float64": ("64bit_float", float, 4),
}
ORDERS = {
    "ABCD": {"byteorder": Endian.Big, "wordorder": Endian.Big},
    "CDAB": {"byteorder": Endian.Big, "wordorder": Endian.Little},
    "BADC": {"byteorder": Endian.Little, "wordorder": Endian.Big},
    "DCBA": {"byteorder": Endian.Little, "wordorder": Endian.Little},
}

tables = {table: ModbusSequentialDataBlock(0, [0] * CELLS) for table in FUNCTIONS}
store = ModbusSlaveContext(
    co=tables["coil"], di=tables["discrete"], hr=tables["holding"], ir=tables["input"], zero_mode=True
)
refusal = {"code": 0, "times": 0}


def registers_of(kind: str, order: str, text: str) -> list:
    if kind in NUMBERS:
        name, parse, _ = NUMBERS[kind]
        builder = BinaryPayloadBuilder(**ORDERS[order])
        getattr(builder, f"add_{name}")(parse(text))
        return builder.to_registers()
    if kind in ("int8", "uint8"):
        return list(struct.unpack(">H" if order == "ABCD" else "<H", struct.pack(">xb" if kind == "int8" else ">xB", int(text))))
    raw = json.loads(text).encode() if kind == "string" else bytes.fromhex(text)
    raw += b"\0" * (len(raw) % 2)
    return list(struct.unpack(f"{'>' if order == 'ABCD' else '<'}{len(raw) // 2}H", raw))


def text_of(kind: str, order: str, address: int, table: str, count: int) -> str:
    if kind in NUMBERS:
        name, _, size = NUMBERS[kind]
        registers = store.getValues(FUNCTIONS[table], address, size)
        return repr(getattr(BinaryPayloadDecoder.fromRegisters(registers, **ORDERS[order]), f"decode_{name}")())
    registers = store.getValues(FUNCTIONS[table], address, count)
    raw = struct.pack(f"{'>' if order == 'ABCD' else '<'}{count}H", *registers)
    if kind in ("int8", "uint8"):
        return str(struct.unpack(">xb" if kind == "int8" else ">xB", raw)[0])
    return json.dumps(raw.rstrip(b"\0").decode()) if kind == "string" else raw.hex()


def obey(line: str) -> str:
    verb, *words = line.strip().split(" ", 5)
    if verb == "refuse":
        refusal.update(code=int(words[0]), times=int(words[1]))
        return "ok"
    table, kind, order, address = words[0], words[1], words[2], int(words[3])
    rest = words[4] if len(words) > 4 else ""
    if verb == "put":
        cells = [rest == "true"] if kind == "boolean" else registers_of(kind, order, rest)
        store.setValues(FUNCTIONS[table], address, cells)
        return "ok"
    if kind == "boolean":
        return json.dumps(bool(store.getValues(FUNCTIONS[table], address, 1)[0]))
    return text_of(kind, order, address, table, int(rest or 1))


def refuse(response):
    if refusal["times"] > 0:
        refusal["times"] -= 1
        refused = ExceptionResponse(response.function_code & 0x7F, refusal["code"])
        refused.transaction_id, refused.unit_id = response.transaction_id, response.unit_id
        return refused, False
    return response, False


def read_commands() -> None:
    line = sys.stdin.readline()
    if line == "":
        os._exit(0)
    print(obey(line), flush=True)


async def main(framing: str, place: str, unit: str) -> None:
    context = ModbusServerContext(slaves={int(unit): store}, single=False)
    if framing == "tcp":
        server = ModbusTcpServer(
            context,
            framer=ModbusSocketFramer,
            address=("127.0.0.1", int(place)),
            allow_reuse_address=True,
            response_manipulator=refuse,
        )
        serving = asyncio.create_task(server.serve_forever())
        await server.serving
    else:
        server = ModbusSerialServer(
            context,
            framer=ModbusRtuFramer if framing == "rtu" else ModbusAsciiFramer,
            port=place,
            baudrate=115200,
            parity="N",
            response_manipulator=refuse,
        )
        await server.start()
        serving = asyncio.create_task(server.serve_forever())
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), read_commands)
    print("ready", flush=True)
    await serving


asyncio.run(main(*sys.argv[1:]))
