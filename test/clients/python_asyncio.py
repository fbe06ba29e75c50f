# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: HTTP by hand over the streams of asyncio.
import asyncio
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


async def get(number):
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(b"GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (number, address.encode()))
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    print(await reader.readexactly(int(length[0].split(b":")[1])))
    writer.close()
    await writer.wait_closed()


async def main():
    for number in range(count):
        await get(number)


asyncio.run(main())
