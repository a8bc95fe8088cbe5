"""Tries to get in without a key that is allowed; prints how many answers it got."""

import os
import sys

import msgspec
import zmq

from platecast.config import CONTROL_PORT_OFFSET
from platecast.wire import PROTOCOL_VERSION, Hello, encode, parse_pairing

string, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
pairing = parse_pairing(string)
hello = encode(Hello(version=PROTOCOL_VERSION, sender=os.urandom(16), token="", pid=1, memory_group=""))
ping = msgspec.json.encode({"type": "ping"})
context = zmq.Context()
context.set(zmq.MAX_SOCKETS, 4096)
sockets = []
for number in range(1300):
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    public, secret = zmq.curve_keypair()
    if number < 1000:
        # The right viewer, but a key that nobody allowed.
        socket.curve_serverkey = pairing.viewer_key.encode()
    elif number < 1100:
        socket.curve_serverkey, _ = zmq.curve_keypair()
    if number < 1100:
        socket.curve_publickey, socket.curve_secretkey = public, secret
    elif number < 1200:
        socket.plain_username, socket.plain_password = b"user", b"password"
    socket.connect(f"tcp://{address}:{port + CONTROL_PORT_OFFSET}")
    if number % 2:
        socket.send_multipart([b"", ping])
    else:
        socket.send(hello)
    sockets.append(socket)
poller = zmq.Poller()
for socket in sockets:
    poller.register(socket, zmq.POLLIN)
print(f"{len(sockets)} tried, {len(poller.poll(4000))} answers")
context.destroy(linger=0)
