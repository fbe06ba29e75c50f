# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # rows is read by test/runtimes
# The table of test/runtimes: one client a line, each called with ADDRESS PORT COUNT at its end.

# What becomes of its connections is one of
#   reused    no more are opened than it has at once, and again what the server's own limit ends
#   deferred  somebody has announced the end: the close waits for the server's
#   clean     nobody is left to reuse it, or its bytes are not seen: FIN, then RST
#   open      the program never closes: as without the library
# and +N says that N of its connections end as without the library. "held" is the number of sockets
# that it has at once; "-" where it does not open COUNT, but as many as it can.
rows=(
    # name                   | server     | end      | held | command                          | why
    "curl, one for each      | nginx      | clean    | 1 | bash curl_each.sh                   | a process for each request: nobody is left to reuse it"
    "curl, close asked for   | nginx      | deferred | 1 | bash curl_close.sh                  | Connection: close"
    "libcurl                 | nginx      | reused   | 1 | work/libcurl                        |"
    "python socket           | nginx      | reused   | 1 | /usr/bin/python3 python_socket.py   |"
    "python http.client      | nginx      | reused   | 1 | /usr/bin/python3 python_http_client.py |"
    "python urllib.request   | nginx      | deferred | 1 | /usr/bin/python3 python_urllib.py   | Connection: close"
    "python urllib3          | nginx      | reused   | 1 | /usr/bin/python3 python_urllib3.py  |"
    "python requests         | nginx      | reused   | 1 | /usr/bin/python3 python_requests.py |"
    "python asyncio          | nginx      | reused   | 1 | /usr/bin/python3 python_asyncio.py  |"
    "redis-py                | redis      | reused   | 1 | /usr/bin/python3 python_redis.py    |"
    "PyMySQL                 | mariadb    | deferred+1 | 1 | /usr/bin/python3 python_pymysql.py  | the server speaks first; COM_QUIT; the last may be under way at exit"
    "php streams             | nginx      | reused   | 1 | /usr/bin/php php_stream.php         |"
    "php file_get_contents   | nginx      | deferred | 1 | /usr/bin/php php_file.php           | Connection: close"
    "php ext/curl            | nginx      | reused   | 1 | /usr/bin/php php_curl.php           |"
    "php ext/sockets         | nginx      | reused   | 1 | /usr/bin/php php_sockets.php        |"
    "phpredis                | redis      | reused   | 1 | /usr/bin/php php_redis.php          |"
    "php mysqli              | mariadb    | deferred+1 | 1 | /usr/bin/php php_mysqli.php         | the server speaks first; COM_QUIT; the last may be under way at exit"
    "perl IO::Socket         | nginx      | reused   | 1 | /usr/bin/perl perl_socket.pl        |"
    "perl HTTP::Tiny         | nginx      | reused   | 1 | /usr/bin/perl perl_http_tiny.pl     |"
    "ruby Net::HTTP          | nginx      | reused   | 1 | /usr/bin/ruby ruby_net_http.rb      |"
    "redis-rb                | redis      | reused   | 1 | /usr/bin/ruby ruby_redis.rb         |"
    "node http               | nginx      | reused   | 1 | /usr/bin/node node_http.js          |"
    "node http, no keep-alive | nginx     | deferred | 1 | /usr/bin/node node_http_close.js    | Connection: close"
    "node net                | nginx      | reused   | 1 | /usr/bin/node node_net.js           |"
    "java Socket             | nginx      | reused   | 1 | /usr/bin/java -cp work JavaSocket   |"
    "java SocketChannel      | nginx      | reused   | 1 | /usr/bin/java -cp work JavaChannel  |"
    "java HttpURLConnection  | nginx      | reused   | 1 | /usr/bin/java -cp work JavaHttp     |"
    "bash /dev/tcp           | nginx      | clean    | 1 | bash bash_tcp.sh                    | printf writes through stdio, which is not seen"
    "nc                      | nginx      | clean    | 1 | bash nc.sh                          | a process for each request"
    "hiredis                 | redis      | reused   | 1 | work/hiredis                        |"
    "redis-cli               | redis      | open     | 1 | bash redis_cli.sh                   | it never closes"
    "redis-benchmark -k 0    | redis      | reused   | 5 | bash redis_benchmark.sh             | four clients, and the next before the last is closed"
    "libmemcached            | memcached  | deferred+1 | 1 | work/libmemcached                   | quit; the last may be under way at exit"
    "ab                      | nginx      | deferred | 1 | bash ab.sh                          | HTTP/1.0: the server closes"
    "wrk, close asked for    | nginx      | deferred+5 | - | bash wrk.sh                       | Connection: close; one is closed unused, four never"
    "siege                   | nginx      | deferred | 1 | bash siege.sh                       | Connection: close"
    "pgbench -C              | postgresql | deferred+1 | 1 | bash pgbench.sh                     | Terminate; the last may be under way at exit"
    "left open, C            | nginx      | open     | 1 | work/left_open                      | it never closes"
    "left open, python       | nginx      | open     | 1 | /usr/bin/python3 python_left_open.py | it never closes"
)
