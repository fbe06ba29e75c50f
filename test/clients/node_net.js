// SPDX-License-Identifier: MIT
// ADDRESS PORT COUNT: HTTP by hand over node:net.
"use strict";
const net = require("node:net");

const [host, port, count] = process.argv.slice(2);

function get(number) {
  if (number === Number(count)) return;
  const socket = net.connect(port, host);
  let response = "";
  socket.setEncoding("latin1");
  socket.write(`GET /${number} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  socket.on("data", (part) => {
    response += part;
    const [head, body] = response.split("\r\n\r\n");
    if (body === undefined || body.length < Number(/Content-Length: (\d+)/i.exec(head)[1])) return;
    process.stdout.write(body);
    socket.destroy();
  });
  socket.on("close", () => get(number + 1));
}

get(0);
