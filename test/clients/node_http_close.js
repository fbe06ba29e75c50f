// SPDX-License-Identifier: MIT
// ADDRESS PORT COUNT: node:http without keep-alive, which sends "Connection: close".
"use strict";
const http = require("node:http");

const [host, port, count] = process.argv.slice(2);

function get(number) {
  if (number === Number(count)) return;
  const agent = new http.Agent({ keepAlive: false });
  http.get({ host, port, path: `/${number}`, agent }, (response) => {
    response.setEncoding("utf8");
    response.on("data", (part) => process.stdout.write(part));
    response.on("end", () => get(number + 1));
  });
}

get(0);
