// SPDX-License-Identifier: MIT
// ADDRESS PORT COUNT: HTTP by hand over java.net.Socket.
import java.io.InputStream;
import java.net.Socket;

class JavaSocket {
    public static void main(String[] arguments) throws Exception {
        String address = arguments[0];
        int port = Integer.parseInt(arguments[1]);
        int count = Integer.parseInt(arguments[2]);
        for (int number = 0; number < count; number++) {
            try (Socket socket = new Socket(address, port)) {
                String request = "GET /" + number + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n";
                socket.getOutputStream().write(request.getBytes());
                System.out.print(body(socket.getInputStream()));
            }
        }
    }

    static String body(InputStream in) throws Exception {
        String response = "";
        byte[] part = new byte[8192];
        while (!Response.isWhole(response)) {
            int length = in.read(part);
            if (length < 0) {
                throw new Exception("the response ended early");
            }
            response += new String(part, 0, length, "ISO-8859-1");
        }
        return Response.body(response);
    }
}
