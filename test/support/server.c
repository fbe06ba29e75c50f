/* SPDX-License-Identifier: MIT
 * Configures and starts real servers, with their files in a private tmpfs. */
#include "server.h"

#include "network.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

enum { FILE_LEN = 100 * 1000 };

/* A tmpfs that only the test and its servers see: it goes when they go, however they end. */
static const char directory[] = "/mnt";

static void make_directory(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("twpool-test", directory, "tmpfs", 0, NULL) != 0)
        ck_abort_msg("no private directory: %s (this test needs CAP_SYS_ADMIN)", strerror(errno));
}

static void write_text(const char *name, const char *contents)
{
    const char *path = text("%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    if (file == NULL || fputs(contents, file) < 0 || fclose(file) != 0)
        ck_abort_msg("%s: %s", path, strerror(errno));
}

static const char nginx_configuration[] =
    "daemon off; master_process off; pid %1$s/pid; error_log stderr warn;\n"
    "events { worker_connections 1024; }\n"
    "http {\n"
    "  access_log off;\n"
    "  client_body_temp_path %1$s; proxy_temp_path %1$s; fastcgi_temp_path %1$s;\n"
    "  uwsgi_temp_path %1$s; scgi_temp_path %1$s;\n"
    "  server {\n"
    "    listen %2$d; listen %3$d ssl;\n"
    "    ssl_certificate %1$s/cert.pem; ssl_certificate_key %1$s/key.pem;\n"
    "    location / { return 200 \"you asked for $request_uri\\n\"; }\n"
    "    location = /file { root %1$s; }\n"
    "  }\n"
    "}\n";

struct process server_nginx(int network)
{
    static char file[FILE_LEN + 1];
    make_directory();
    for (int i = 0; i < FILE_LEN; i++)
        file[i] = (char)('a' + i % 26);
    write_text("file", file);
    write_text("nginx.conf", text(nginx_configuration, directory, NGINX_PORT, NGINX_TLS_PORT));
    run_tool(&(struct command){.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                        "-days", "2", "-subj", "/CN=test", "-keyout",
                                        text("%s/key.pem", directory), "-out",
                                        text("%s/cert.pem", directory)}});
    struct process nginx = process_start(&(struct command){
        .argv = {"nginx", "-p", directory, "-e", "stderr", "-c", text("%s/nginx.conf", directory)},
        .network = network});
    network_await_listener(network, NGINX_PORT);
    return nginx;
}

struct process server_redis(int network)
{
    struct process redis = process_start(&(struct command){
        .argv = {"redis-server", "--save", "", "--appendonly", "no", "--port",
                 text("%d", REDIS_PORT), "--protected-mode", "no", "--bind", "0.0.0.0"},
        .network = network});
    network_await_listener(network, REDIS_PORT);
    return redis;
}

/* These servers refuse to run as root. The user owns a folder of its own in the directory. */
static const char *folder_of(const char *user)
{
    const char *folder = text("%s/%s", directory, user);
    make_directory();
    run_tool(&(struct command){.argv = {"install", "-d", "-o", user, folder}});
    return folder;
}

/* The signal at the test's end is asked for again: a change of user takes that wish back. */
#define AS(user) "setpriv", "--reuid", user, "--clear-groups", "--pdeathsig", "KILL"

struct process server_postgresql(int network)
{
    const char *folder = folder_of("postgres");
    run_tool(&(struct command){.argv = {AS("postgres"), POSTGRESQL_PROGRAM("initdb"), "--no-sync",
                                        "--auth", "trust", "--pgdata", folder}});
    write_text("postgres/pg_hba.conf", "host all postgres all trust\n");
    struct process postgresql = process_start(
        &(struct command){.argv = {AS("postgres"), POSTGRESQL_PROGRAM("postgres"), "-D", folder,
                                   "-k", "", "-h", "*", "-p", text("%d", POSTGRESQL_PORT), "-F"},
                          .network = network});
    network_await_listener(network, POSTGRESQL_PORT);
    return postgresql;
}

struct process server_mariadb(int network)
{
    const char *folder = folder_of("nobody");
    struct process mariadb = process_start(&(struct command){
        .argv = {AS("nobody"), "mariadbd", "--no-defaults", "--skip-grant-tables",
                 "--skip-name-resolve", "--skip-innodb", "--default-storage-engine=MyISAM",
                 text("--datadir=%s", folder), text("--socket=%s/socket", folder),
                 text("--port=%d", MARIADB_PORT)},
        .network = network});
    network_await_listener(network, MARIADB_PORT);
    return mariadb;
}

/* These have processes of their own, which are to end with them, however that comes. The shell is
 * their init: a server that changes its user would forget that it is to end with its parent. */
#define WITH_ITS_PROCESSES                                                                         \
    "unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "\"$@\"; exit", "sh"

static const char php_fpm_configuration[] = "[global]\n"
                                            "error_log = /dev/null\n"
                                            "[www]\n"
                                            "user = nobody\n"
                                            "group = nogroup\n"
                                            "listen = 0.0.0.0:%d\n"
                                            "pm = static\n"
                                            "pm.max_children = 4\n";

struct process server_php_fpm(int network)
{
    make_directory();
    write_text("php-fpm.conf", text(php_fpm_configuration, PHP_FPM_PORT));
    write_text("echo.php", "<?php echo $_SERVER['QUERY_STRING'], ' ', strlen($input = "
                           "file_get_contents('php://input')), ' ', md5($input), \"\\n\"; "
                           "echo str_repeat('x', (int)($_GET['n'] ?? 0)); "
                           "if (isset($_GET['e'])) error_log('on stderr');\n");
    struct process php_fpm = process_start(&(struct command){
        .argv = {WITH_ITS_PROCESSES, "php-fpm8.2", "--nodaemonize", "--no-php-ini", "--fpm-config",
                 text("%s/php-fpm.conf", directory)},
        .network = network});
    network_await_listener(network, PHP_FPM_PORT);
    return php_fpm;
}

struct process server_dns(int network)
{
    struct process dns = process_start(&(struct command){
        .argv = {WITH_ITS_PROCESSES, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                 "--pid-file=", "--user=root", "--no-resolv", "--no-hosts", "--local=/example/",
                 "--address=/example/10.1.2.3", "--txt-record=host3.example,some text"},
        .network = network});
    network_await_listener(network, DNS_PORT);
    return dns;
}

struct process server_memcached(int network)
{
    struct process memcached =
        process_start(&(struct command){.argv = {AS("nobody"), "memcached", "-l", "0.0.0.0", "-p",
                                                 text("%d", MEMCACHED_PORT), "-U", "0"},
                                        .network = network});
    network_await_listener(network, MEMCACHED_PORT);
    return memcached;
}

struct process server_python(int network, const char *script, const char *option)
{
    struct process python = process_start(&(struct command){
        .argv = {"/usr/bin/python3", "-u", script_path(script), text("%d", PYTHON_PORT), option},
        .network = network});
    network_await_listener(network, PYTHON_PORT);
    return python;
}
