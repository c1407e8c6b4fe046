"""Serve moto on a free port of this machine: print the port, run until standard input ends.

The end of standard input is the end of the test process, however that came about, so that no
server is ever left behind.
"""

import logging
import os
import sys

try:
    import moto.cloudwatch.responses  # noqa: F401  imported now, or the first request pays for it
    import moto.ecs.responses  # noqa: F401
    import moto.sts.responses  # noqa: F401
    from moto.server import ThreadedMotoServer
except ImportError as missing:
    sys.exit(f"moto is missing from {sys.executable}: {missing}")

# One line for every request would bury the tests' own output.
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
os._exit(0)
