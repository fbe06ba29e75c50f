// SPDX-License-Identifier: MIT
// ADDRESS PORT COUNT: HttpURLConnection, disconnected after each response.
import java.net.HttpURLConnection;
import java.net.URL;

class JavaHttp {
    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[2]);
        for (int number = 0; number < count; number++) {
            URL url = new URL("http://" + arguments[0] + ":" + arguments[1] + "/" + number);
            HttpURLConnection connection = (HttpURLConnection) url.openConnection();
            System.out.print(connection.getResponseCode() + " ");
            System.out.print(new String(connection.getInputStream().readAllBytes()));
            connection.disconnect();
        }
    }
}
