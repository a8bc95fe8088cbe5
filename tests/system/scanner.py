"""Scans the ports of a machine and talks to the open ones: ``scanner.py ADDRESS``; prints the answers."""

import json
import socket
import struct
import sys

_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)
WORDS = {
    "nothing": b"",
    "a browser": b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.9\r\n",
    "TLS": bytes.fromhex("16030100c4010000c00303") + bytes(190),
    "noise": bytes(range(256)) * 8,
    "a greeting": _GREETING,
    "a peer without a mechanism": _GREETING.replace(b"CURVE", b"NULL\0") + b"\x04\x05READY",
    "a peer with a password": _GREETING.replace(b"CURVE", b"PLAIN") + b"\x04\x05HELLO",
    "a hello that is none": _GREETING + b"\x04\xc8\x05HELLO" + bytes(194),
    "a message before the hello": _GREETING + b"\x00\x05hello",
    "a gigabyte": _GREETING + b"\x06" + struct.pack(">Q", 1 << 30) + bytes(100_000),
}


def is_open(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def answer(address: str, port: int, words: bytes) -> str:
    """Return in hexadecimal what comes back until the other end closes, or says no more for half a second."""
    said = b""
    with socket.create_connection((address, port), timeout=2) as peer:
        peer.settimeout(0.5)
        try:
            peer.sendall(words)
            while more := peer.recv(4096):
                said += more
        except OSError:
            pass
    return said.hex()


if __name__ == "__main__":
    address = sys.argv[1]
    ports = [port for port in range(1, 65536) if is_open(address, port)]
    print(json.dumps({port: [answer(address, port, words) for words in WORDS.values()] for port in ports}))
