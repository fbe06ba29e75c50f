# SPDX-License-Identifier: MIT
# requests_get.py URL COUNT: a legacy client: requests.get() in a loop, each with a URI of its own,
# every tenth a file. Prints how many succeeded, how many bodies were wrong, and a digest of all.
import hashlib
import sys

import requests

base, count = sys.argv[1], int(sys.argv[2])
verify = False
if base.startswith("https"):
    requests.packages.urllib3.disable_warnings()
digest = hashlib.sha256()
failures = wrong = 0
first_error = ""
for number in range(count):
    uri = "/file?%d" % number if number % 10 == 9 else "/page/%d" % number
    try:
        response = requests.get(base + uri, verify=verify)
    except requests.RequestException as error:
        failures += 1
        first_error = first_error or str(error)
        continue
    body = response.content
    digest.update(body)
    if number % 10 == 9:
        wrong += len(body) != 100000
    else:
        wrong += body != b"you asked for %s\n" % uri.encode()
    wrong += response.status_code != 200
print("succeeded %d, failed %d, wrong %d, bodies %s"
      % (count - failures, failures, wrong, digest.hexdigest()))
if failures:
    print("first error:", first_error, file=sys.stderr)
sys.exit(failures != 0 or wrong != 0)
