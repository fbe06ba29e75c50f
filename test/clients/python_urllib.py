# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: urllib.request, which sends "Connection: close".
import sys
import urllib.request

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    with urllib.request.urlopen(f"http://{address}:{port}/{number}") as response:
        print(response.status, response.read())
