"""A service that says how it is: `beating.py beats|systemd EVERY_SECONDS [HANGS_AFTER_BEATS]`."""
import os
import socket
import struct
import sys
import time

how, every = sys.argv[1], float(sys.argv[2])
hangs_after = int(sys.argv[3]) if len(sys.argv) > 3 else None

if how == "beats":
    speaker = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    speaker.connect(os.environ["TCPALIVE_GUARD_SOCKET"])
    greeting = os.environ["TCPALIVE_GUARD_TOKEN"].encode() + b" 3000"
    speaker.send(struct.pack(">H", len(greeting)) + greeting)
    beat = struct.pack(">H", 0)
else:
    speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    speaker.connect(os.environ["NOTIFY_SOCKET"])
    speaker.send(b"READY=1\nSTATUS=serving")
    beat = b"WATCHDOG=1"

beats = 0
while hangs_after is None or beats < hangs_after:
    speaker.send(beat)
    if how == "beats":
        speaker.recv(64)
    beats += 1
    time.sleep(every)
while True:
    time.sleep(3600)
