"""Runs a command in a pseudo terminal and copies what it shows to stdout.

usage: in_terminal.py columns[,then] command…

`then`: how wide the terminal becomes when a progress bar is first seen; a zero byte is printed at that place.
"""
import fcntl
import os
import pty
import signal
import struct
import sys
import termios

widths = [int(width) for width in sys.argv[1].split(",")]


def resize(terminal, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


child, terminal = pty.fork()
if child == 0:
    sys.stdin.readline()  # until the terminal has its width
    os.execvp(sys.argv[2], sys.argv[2:])
resize(terminal, widths.pop(0))
os.write(terminal, b"\n")

output = sys.stdout.buffer
while True:
    try:
        text = os.read(terminal, 4096)
    except OSError:  # the child has closed it
        break
    if not text:
        break
    output.write(text)
    if widths and "░".encode() in text:
        resize(terminal, widths.pop(0))
        os.kill(child, signal.SIGWINCH)
        output.write(b"\0")
    output.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
