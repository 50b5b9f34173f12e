"""Joins frames on standard input and output with connections of the network that this runs in.

A frame is one byte for what it is, four for the stream's number, four for the length of what follows.
"""

import asyncio
import struct
import sys

HEAD = struct.Struct(">BII")
OPEN, OPENED, REFUSED, DATA, END, CLOSE = range(6)

writers = {}
ended = set()
tasks = set()


def send(kind, stream, data=b""):
    sys.stdout.buffer.write(HEAD.pack(kind, stream, len(data)) + data)
    sys.stdout.buffer.flush()


def finish(stream):
    """One of the two directions has come to its end; with the second one all has."""
    if stream in ended:
        close(stream)
    else:
        ended.add(stream)


def close(stream):
    ended.discard(stream)
    writer = writers.pop(stream, None)
    if writer is not None:
        writer.close()


async def join(stream, host, port):
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        send(REFUSED, stream, str(error).encode())
        return
    writers[stream] = writer
    send(OPENED, stream)
    try:
        while data := await reader.read(65536):
            send(DATA, stream, data)
    except OSError:
        send(CLOSE, stream)
        close(stream)
        return
    send(END, stream)
    finish(stream)


async def main():
    frames = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(frames), sys.stdin)
    while True:
        kind, stream, length = HEAD.unpack(await frames.readexactly(HEAD.size))
        data = await frames.readexactly(length)
        writer = writers.get(stream)
        if kind == OPEN:
            host, port = data.decode().split(" ")
            task = asyncio.create_task(join(stream, host, int(port)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        elif writer is None:
            continue
        elif kind == DATA:
            writer.write(data)
        elif kind == END:
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
            finish(stream)
        elif kind == CLOSE:
            close(stream)


try:
    asyncio.run(main())
except asyncio.IncompleteReadError:
    pass
