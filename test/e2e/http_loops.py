# SPDX-License-Identifier: MIT
# http_loops.py ADDRESS PORT COUNT: two ordinary clients that close each connection: http.client, and
# requests.get().
import http.client
import sys

import requests

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    connection = http.client.HTTPConnection(address, port, timeout=30)
    connection.request("GET", "/loop/%d" % number)
    response = connection.getresponse()
    print(response.status, response.read())
    connection.close()
for number in range(count):
    response = requests.get("http://%s:%d/get/%d" % (address, port, number), timeout=30)
    print(response.status_code, response.content)
