"""Stands in for a service: takes connections at its ports, and passes everything on late, in both directions.

Arguments: where the service is now, how late in seconds, its TCP ports.
"""

import asyncio
import sys

TARGET, DELAY, PORTS = sys.argv[1], float(sys.argv[2]), sys.argv[3:]


async def carry(reader, writer):
    # Everything is late by the same time, however much it is: a reader that waits would also make it slow.
    late = asyncio.Queue()
    now = asyncio.get_running_loop().time

    async def read():
        while data := await reader.read(65536):
            late.put_nowait((now() + DELAY, data))
        late.put_nowait((now() + DELAY, b""))

    async def write():
        while True:
            due, data = await late.get()
            await asyncio.sleep(max(0, due - now()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    await asyncio.gather(read(), write())


async def passed_on(reader, writer, port):
    await asyncio.sleep(DELAY)
    try:
        there, back = await asyncio.open_connection(TARGET, port)
    except OSError:
        writer.transport.abort()
        return
    try:
        await asyncio.gather(carry(reader, back), carry(there, writer))
    except OSError:
        pass
    finally:
        back.transport.abort()
        writer.transport.abort()


async def main():
    for port in map(int, PORTS):
        await asyncio.start_server(lambda r, w, port=port: passed_on(r, w, port), "0.0.0.0", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
