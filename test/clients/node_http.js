// SPDX-License-Identifier: MIT
// ADDRESS PORT COUNT: an agent of node:http for each request, as a careless program makes them.
"use strict";
const http = require("node:http");

const [host, port, count] = process.argv.slice(2);

function get(number) {
  if (number === Number(count)) return;
  const agent = new http.Agent({ keepAlive: true });
  http.get({ host, port, path: `/${number}`, agent }, (response) => {
    response.setEncoding("utf8");
    let body = "";
    response.on("data", (part) => { body += part; });
    response.on("end", () => {
      process.stdout.write(`${response.statusCode} ${body}`);
      // The agent takes the socket back after this event.
      setImmediate(() => {
        agent.destroy();
        get(number + 1);
      });
    });
  });
}

get(0);
