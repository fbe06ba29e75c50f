# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: requests.get().
import sys

import requests

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    response = requests.get(f"http://{address}:{port}/{number}")
    print(response.status_code, response.content)
