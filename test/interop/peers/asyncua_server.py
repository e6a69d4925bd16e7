"""An OPC UA server that is not node-opcua: asyncua_server.py PORT STATE_DIRECTORY NAMESPACE_URI...

Every namespace has the same variables; `Where` holds its URI. Commands come on standard input, one a line: `set NAME NUMBER`,
`historize NAME`, `raise NUMBER` (an event with that part number).
Prints `ready` and the id of its event type when it listens.
"""

import asyncio
import logging
import sys
from pathlib import Path

from asyncua import Server, ua, uamethod
from asyncua.common.structures104 import new_enum, new_struct, new_struct_field
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

URI = "urn:test:asyncua"
VALUES = {
    "Speed": (1.5, ua.VariantType.Double),
    "Count": (7, ua.VariantType.Int32),
    "MinInt64": (-(2**63), ua.VariantType.Int64),
    "MaxUInt64": (2**64 - 1, ua.VariantType.UInt64),
    "Running": (True, ua.VariantType.Boolean),
    "Name": ("Prëss", ua.VariantType.String),
    "Blob": (b"\x00\x01\xff", ua.VariantType.ByteString),
    "NotANumber": (float("nan"), ua.VariantType.Float),
}


async def protect(server: Server, state: Path) -> None:
    key, certificate = state / "server-key.pem", state / "server.der"
    await setup_self_signed_certificate(
        key, certificate, URI, "localhost", [ExtendedKeyUsageOID.SERVER_AUTH], {"commonName": "asyncua", "organizationName": "test"}
    )
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))
    server.set_security_policy(
        [
            ua.SecurityPolicyType.NoSecurity,
            ua.SecurityPolicyType.Basic256Sha256_Sign,
            ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
        ]
    )


@uamethod
def start(parent, program, batch):
    return 9007199254740993, f"{batch}-{program}"


@uamethod
def fit(parent, part):
    return part.Name, part.Serial


async def add_machine(server: Server, index: int, folder) -> dict:
    """Structures, enumerations, arrays, a method and an event type, in the first namespace only."""
    await new_enum(server, index, "Mode", ["Stopped", "Running", "Fault"])
    part = await new_struct(
        server,
        index,
        "PartData",
        [
            new_struct_field("Serial", ua.VariantType.Int64),
            new_struct_field("Name", ua.VariantType.String),
            new_struct_field("Load", ua.VariantType.Double),
            new_struct_field("Weights", ua.VariantType.Float, array=True),
        ],
    )
    await server.load_data_type_definitions()
    value = ua.PartData(Serial=2**53 + 1, Name="bolt", Load=1.5, Weights=[0.5, 0.25])
    variable = await folder.add_variable(ua.NodeId("Part", index), "Part", value, datatype=part[0].nodeid)
    await variable.set_writable()
    mode = await folder.add_variable(ua.NodeId("Mode", index), "Mode", ua.Mode.Running, datatype=ua.enums_datatypes[ua.Mode])
    await mode.set_writable()
    array = await folder.add_variable(ua.NodeId("List", index), "List", [1.0, 2.0, 3.0])
    await array.set_writable()
    kinds = [ua.VariantType.UInt16, ua.VariantType.String]
    await folder.add_method(ua.NodeId("Start", index), "Start", start, kinds, [ua.VariantType.Int64, ua.VariantType.String])
    # A type whose number is that of a built-in one.
    argument = ua.Argument(Name="part", DataType=part[0].nodeid, ValueRank=-1)
    await folder.add_method(ua.NodeId("Fit", index), "Fit", fit, [argument], [ua.VariantType.String, ua.VariantType.Int64])
    event_type = await server.create_custom_event_type(
        index, "PartDone", ua.ObjectIds.BaseEventType, [("PartNumber", ua.VariantType.UInt32)]
    )
    return {"type": event_type, "generator": await server.get_event_generator(event_type, folder)}


async def main(port: int, state: Path, uris: list[str]) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    await server.set_application_uri(URI)
    await protect(server, state)
    nodes = {}
    machine = None
    for uri in uris:
        index = await server.register_namespace(uri)
        folder = await server.nodes.objects.add_object(ua.NodeId("Folder", index), ua.QualifiedName(uri, index))
        for name, (value, kind) in {**VALUES, "Where": (uri, ua.VariantType.String)}.items():
            node = await folder.add_variable(ua.NodeId(name, index), name, value, varianttype=kind)
            await node.set_writable()
            nodes.setdefault(name, node)
        await folder.add_variable(ua.NodeId("Locked", index), "Locked", 5)
        machine = machine or await add_machine(server, index, folder)
    async with server:
        print(f"ready i={machine['type'].nodeid.Identifier}", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            command, name, *numbers = line.split()
            if command == "historize":
                await server.historize_node_data_change(nodes[name], period=None, count=10_000)
                await nodes[name].set_attr_bit(ua.AttributeIds.UserAccessLevel, ua.AccessLevel.HistoryRead)
            elif command == "raise":
                machine["generator"].event.PartNumber = int(name)
                await machine["generator"].trigger(message=f"part {name} done")
            else:
                await nodes[name].write_value(float(numbers[0]), VALUES[name][1])


logging.disable(logging.CRITICAL)
asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
