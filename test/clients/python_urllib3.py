# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a pool manager of urllib3 for each request.
import sys

import urllib3

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    with urllib3.PoolManager() as manager:
        response = manager.request("GET", f"http://{address}:{port}/{number}")
        print(response.status, response.data)
