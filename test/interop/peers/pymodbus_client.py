"""A Modbus master on pymodbus: pymodbus_client.py tcp PORT, or pymodbus_client.py rtu DEVICE (115200 baud, 8N1).

Prints `ready` when it is connected. Commands come on standard input, one JSON list a line: a name of FUNCTIONS, then its
keywords. The answer is one JSON object a line: `registers`, `bits`, `objects`, `exception`, `done`, or `error` with a text.
"""

import json
import logging
import sys

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.diag_message import ReturnQueryDataRequest
from pymodbus.mei_message import ReadDeviceInformationRequest
from pymodbus.pdu import ExceptionResponse
from pymodbus.register_read_message import ReadWriteMultipleRegistersRequest
from pymodbus.register_write_message import MaskWriteRegisterRequest

logging.disable(logging.CRITICAL)

kind, place = sys.argv[1:3]
if kind == "tcp":
    client = ModbusTcpClient("127.0.0.1", port=int(place), timeout=3, retries=0)
else:
    client = ModbusSerialClient(place, baudrate=115200, parity="N", timeout=3, retries=0)

FUNCTIONS = {
    "coils": client.read_coils,
    "discrete": client.read_discrete_inputs,
    "holding": client.read_holding_registers,
    "input": client.read_input_registers,
    "coil=": client.write_coil,
    "register=": client.write_register,
    "coils=": client.write_coils,
    "registers=": client.write_registers,
    "mask": lambda **keys: client.execute(MaskWriteRegisterRequest(**keys)),
    "both": lambda **keys: client.execute(ReadWriteMultipleRegistersRequest(**keys)),
    "identify": lambda slave, **keys: client.execute(ReadDeviceInformationRequest(unit=slave, **keys)),
    "loop": lambda slave, **keys: client.execute(ReturnQueryDataRequest(unit=slave, **keys)),
}


def told(answer):
    if isinstance(answer, ExceptionResponse):
        return {"exception": answer.exception_code}
    if isinstance(answer, Exception):
        return {"error": str(answer)}
    if getattr(answer, "information", None):
        return {"objects": {key: value.decode() for key, value in answer.information.items()}}
    if getattr(answer, "registers", None):
        return {"registers": answer.registers}
    if getattr(answer, "bits", None):
        return {"bits": answer.bits}
    return {"done": True}


if not client.connect():
    sys.exit(f"{place}: no connection")
print("ready", flush=True)
for line in sys.stdin:
    name, keys = json.loads(line)
    try:
        answer = told(FUNCTIONS[name](**keys))
    except Exception as error:  # told to the test
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
