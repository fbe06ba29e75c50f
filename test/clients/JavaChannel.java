// SPDX-License-Identifier: MIT
// ADDRESS PORT COUNT: HTTP by hand over java.nio's SocketChannel.
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

class JavaChannel {
    public static void main(String[] arguments) throws Exception {
        String address = arguments[0];
        int port = Integer.parseInt(arguments[1]);
        int count = Integer.parseInt(arguments[2]);
        for (int number = 0; number < count; number++) {
            try (SocketChannel channel = SocketChannel.open(new InetSocketAddress(address, port))) {
                String request = "GET /" + number + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n";
                channel.write(ByteBuffer.wrap(request.getBytes()));
                System.out.print(body(channel));
            }
        }
    }

    static String body(SocketChannel channel) throws Exception {
        String response = "";
        ByteBuffer part = ByteBuffer.allocate(8192);
        while (!Response.isWhole(response)) {
            if (channel.read(part.clear()) < 0) {
                throw new Exception("the response ended early");
            }
            response += new String(part.array(), 0, part.position(), "ISO-8859-1");
        }
        return Response.body(response);
    }
}
