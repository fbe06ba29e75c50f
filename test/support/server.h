/* SPDX-License-Identifier: MIT
 * Real servers for the end-to-end tests. */
#ifndef TWPOOL_TEST_SERVER_H
#define TWPOOL_TEST_SERVER_H

#include "process.h"

#include <stdint.h>

enum {
    NGINX_PORT = 8080,
    NGINX_TLS_PORT = 8443,
    REDIS_PORT = 6379,
    POSTGRESQL_PORT = 5432,
    MARIADB_PORT = 3306,
    MEMCACHED_PORT = 11211,
    DNS_PORT = 53,
    PHP_FPM_PORT = 9000,
    PYTHON_PORT = 7000
};

/* Each starts in the namespace, on all addresses, without the preload, and returns once it listens.
 * process_stop() gives what it printed. */

/* nginx as Debian configures it, but for paths: 1,000 requests per connection. Every body names its
 * URI; /file is 100,000 bytes long. The same over TLS, with a certificate of its own making. */
struct process server_nginx(int network);

/* redis-server without persistence. */
struct process server_redis(int network);

/* In PATH are only Debian's wrappers of these programs, in Perl. */
#define POSTGRESQL_PROGRAM(name) "/usr/lib/postgresql/15/bin/" name

/* PostgreSQL with a new, empty database; it trusts everyone who comes as "postgres". */
struct process server_postgresql(int network);

/* MariaDB without any table; it asks nobody for a password. */
struct process server_mariadb(int network);

struct process server_memcached(int network);

/* dnsmasq that knows one address, 10.1.2.3, of every name in .example, and a text of host3. */
struct process server_dns(int network);

/* PHP-FPM with four workers, as nobody. PHP_FPM_SCRIPT shows what it was asked and given, and runs
 * where it is. */
#define PHP_FPM_SCRIPT "/mnt/echo.php"
struct process server_php_fpm(int network);

/* A script of ours that takes a port as its first argument, and options after it. */
struct process server_python(int network, const char *script, const char *option);

#endif
