"""An OPC UA server that is not node-opcua: asyncua_server.py PORT STATE_DIRECTORY NAMESPACE_URI...

Every namespace has the same variables; `Where` holds its URI. Commands come on standard input, one a line: `set NAME NUMBER`,
`historize NAME`.
Prints `ready` when it listens.
"""

import asyncio
import logging
import sys
from pathlib import Path

from asyncua import Server, ua
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


async def main(port: int, state: Path, uris: list[str]) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    await server.set_application_uri(URI)
    await protect(server, state)
    nodes = {}
    for uri in uris:
        index = await server.register_namespace(uri)
        folder = await server.nodes.objects.add_object(index, uri)
        for name, (value, kind) in {**VALUES, "Where": (uri, ua.VariantType.String)}.items():
            node = await folder.add_variable(ua.NodeId(name, index), name, value, varianttype=kind)
            await node.set_writable()
            nodes.setdefault(name, node)
        await folder.add_variable(ua.NodeId("Locked", index), "Locked", 5)
    async with server:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            command, name, *numbers = line.split()
            if command == "historize":
                await server.historize_node_data_change(nodes[name], period=None, count=10_000)
                await nodes[name].set_attr_bit(ua.AttributeIds.UserAccessLevel, ua.AccessLevel.HistoryRead)
            else:
                await nodes[name].write_value(float(numbers[0]), VALUES[name][1])


logging.disable(logging.CRITICAL)
asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
