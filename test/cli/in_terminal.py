"""Runs a command in a pseudo terminal and copies what it shows to stdout.

usage: in_terminal.py columns[,then] command…

`then`: how wide the terminal becomes when a progress bar is first seen, with a zero byte printed at that place; or `closed`: then,
or `hangup`: closed on a SIGUSR1 to this process.
"""
import fcntl
import os
import pty
import signal
import struct
import sys
import termios

width, *then = sys.argv[1].split(",")


def resize(terminal, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def hang_up(*_):
    if terminal is None:
        os._exit(0)
    os.close(terminal)


terminal = None
if then == ["hangup"]:
    then.clear()
    signal.signal(signal.SIGUSR1, hang_up)
child, terminal = pty.fork()
if child == 0:
    sys.stdin.readline()  # until the terminal has its width
    os.execvp(sys.argv[2], sys.argv[2:])
resize(terminal, int(width))
os.write(terminal, b"\n")

output = sys.stdout.buffer
while True:
    try:
        text = os.read(terminal, 4096)
    except OSError:  # the child has closed it, or `hang_up`
        break
    if not text:
        break
    output.write(text)
    if then and "░".encode() in text:
        width = then.pop(0)
        if width == "closed":
            os.close(terminal)
            break
        resize(terminal, int(width))
        os.kill(child, signal.SIGWINCH)
        output.write(b"\0")
    output.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
