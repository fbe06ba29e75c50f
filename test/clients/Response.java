// SPDX-License-Identifier: MIT
// A response by HTTP/1.1 with a Content-Length.
class Response {
    static boolean isWhole(String response) {
        return response.contains("\r\n\r\n") && body(response).length() == length(response);
    }

    static String body(String response) {
        return response.substring(response.indexOf("\r\n\r\n") + 4);
    }

    static int length(String response) {
        String rest = response.substring(response.indexOf("Content-Length: ") + 16);
        return Integer.parseInt(rest.substring(0, rest.indexOf("\r\n")));
    }
}
