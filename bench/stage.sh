# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The stage of a measurement: a client's and a server's network namespace joined by a veth pair,
# and the servers in it. Everything started here is a child that ends with the script.

PATH=$PATH:/usr/sbin:/sbin # servers are there; a user's path may lack them

server_addr=10.77.0.2
client_addr=10.77.0.1
nginx_port=8080
redis_port=6379
postgresql_port=5432
mariadb_port=3306
memcached_port=11211
postgresql_programs=/usr/lib/postgresql/15/bin # in PATH are only wrappers

stage_dir=
client_pid=
server_pid=
stage_pids=()

# stage_enter SCRIPT ARG...: returns if namespaces can be made here. Otherwise starts SCRIPT again
# as root of a user namespace of its own, or through sudo, or gives up with 77.
stage_enter() {
    if unshare --net true 2>/dev/null; then
        return
    fi
    if [[ ${TWPOOL_STAGE:-} != inside ]]; then
        export TWPOOL_STAGE=inside
        if unshare --user --map-root-user --net true 2>/dev/null; then
            exec unshare --user --map-root-user "$@"
        fi
        if [[ $EUID -ne 0 ]] && sudo -v 2>/dev/null; then
            exec sudo TWPOOL_STAGE=inside "$@"
        fi
    fi
    stage_impossible "unshare(CLONE_NEWNET) is refused"
}

# The last word where there can be no stage: why, what is missing, and how to get it.
stage_impossible() {
    echo "Cannot make network namespaces here: $1."
    if [[ $EUID -eq 0 ]]; then
        echo "Missing: CAP_SYS_ADMIN and CAP_NET_ADMIN, with a writable /proc/sys/net."
        echo "In a container, start it with: docker run --privileged (or podman's equivalent)."
    else
        echo "Missing: CAP_SYS_ADMIN and CAP_NET_ADMIN, or the right to make user namespaces."
        echo "Run this as root, or allow user namespaces, as root:"
        echo "    sysctl -w kernel.unprivileged_userns_clone=1                (Debian)"
        echo "    sysctl -w kernel.apparmor_restrict_unprivileged_userns=0    (Ubuntu)"
    fi
    exit 77
}

in_client() {
    nsenter --net="/proc/$client_pid/ns/net" "$@"
}

in_server() {
    nsenter --net="/proc/$server_pid/ns/net" "$@"
}

# wait_until SECONDS COMMAND...: polls ten times a second.
wait_until() {
    local tries=$(($1 * 10))
    shift
    until "$@"; do
        ((tries-- > 0)) || return 1
        sleep 0.1
    done
}

# The namespace lives as long as the sleep, which ends with this script even if that is killed.
namespace_open() {
    setpriv --pdeathsig KILL unshare --net sleep 3600 &
    stage_pids+=($!)
    namespace_pid=$!
    wait_until 5 namespace_is_new "$namespace_pid" || stage_impossible "unshare --net did not answer"
}

namespace_is_new() {
    [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]
}

# New namespaces, and in them nothing of what came before.
stage_up() {
    stage_dir=$(mktemp -d)
    namespace_open
    client_pid=$namespace_pid
    namespace_open
    server_pid=$namespace_pid

    in_client ip link add tw type veth peer name tw netns "$server_pid" ||
        stage_impossible "no veth pair can be made"
    in_client ip link set lo up
    in_server ip link set lo up
    in_client ip addr add "$client_addr/24" dev tw
    in_server ip addr add "$server_addr/24" dev tw
    in_client ip link set tw up
    in_server ip link set tw up

    # Off, as on a kernel that keeps to RFC 1122: a port in TIME_WAIT is not used again.
    client_sysctl net/ipv4/tcp_tw_reuse 0
}

# client_sysctl NAME VALUE: in the client's namespace only.
client_sysctl() {
    in_client tee "/proc/sys/$1" <<<"$2" >/dev/null 2>&1 ||
        stage_impossible "/proc/sys/$1 cannot be written"
}

# Ends what this script started, and forgets it. Polled, since bash's wait can hang in a trap.
stage_down() {
    local pid
    for pid in "${stage_pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${stage_pids[@]}"; do
        wait_until 5 process_is_gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
    stage_pids=()
    if [[ -n $stage_dir ]]; then
        rm -rf "$stage_dir"
    fi
    stage_dir=
}

process_is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

# Each answer repeats what was asked, so that a reply to another request shows.
nginx_start() {
    cat >"$stage_dir/nginx.conf" <<END
user root;
daemon off;
master_process off;
pid $stage_dir/nginx.pid;
error_log $stage_dir/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $stage_dir/nginx-body;
    proxy_temp_path $stage_dir/nginx-proxy;
    fastcgi_temp_path $stage_dir/nginx-fastcgi;
    uwsgi_temp_path $stage_dir/nginx-uwsgi;
    scgi_temp_path $stage_dir/nginx-scgi;
    server {
        listen $server_addr:$nginx_port;
        default_type text/plain;
        location / { return 200 "\$request_uri\n"; }
    }
}
END
    server_start "$nginx_port" nginx -p "$stage_dir" -e "$stage_dir/nginx.log" \
        -c "$stage_dir/nginx.conf"
}

# The unix socket is for our own questions, which the server's TCP counters then do not show.
redis_start() {
    server_start "$redis_port" redis-server --bind "$server_addr" --port "$redis_port" \
        --protected-mode no --unixsocket "$stage_dir/redis.sock" --dir "$stage_dir" \
        --logfile "$stage_dir/redis.log" --save "" --appendonly no --daemonize no
}

redis_ask() {
    redis-cli -s "$stage_dir/redis.sock" "$@"
}

# These refuse to run as root, and have to be started by it. They trust everybody who comes.
# --pdeathsig again: a change of user takes back what server_start asked for.
postgresql_start() {
    chmod 755 "$stage_dir"
    install -d -o postgres "$stage_dir/postgresql"
    setpriv --reuid postgres --clear-groups "$postgresql_programs/initdb" --no-sync --auth trust \
        --pgdata "$stage_dir/postgresql" >"$stage_dir/initdb"
    echo "host all postgres all trust" >"$stage_dir/postgresql/pg_hba.conf"
    server_start "$postgresql_port" setpriv --reuid postgres --clear-groups --pdeathsig KILL \
        "$postgresql_programs/postgres" -D "$stage_dir/postgresql" -k "" -h "$server_addr" -F
}

mariadb_start() {
    chmod 755 "$stage_dir"
    install -d -o nobody "$stage_dir/mariadb"
    server_start "$mariadb_port" setpriv --reuid nobody --clear-groups --pdeathsig KILL mariadbd \
        --no-defaults --skip-grant-tables --skip-name-resolve --skip-innodb \
        --default-storage-engine=MyISAM --datadir="$stage_dir/mariadb" \
        --socket="$stage_dir/mariadb/socket" --bind-address="$server_addr"
}

memcached_start() {
    server_start "$memcached_port" setpriv --reuid nobody --clear-groups --pdeathsig KILL \
        memcached -l "$server_addr" -U 0
}

# server_start PORT COMMAND...: in the server's namespace, and ready when this returns.
server_start() {
    local port=$1
    shift
    # Not in_server: a function in the background is a shell of its own, which outlives this one.
    setpriv --pdeathsig KILL nsenter --net="/proc/$server_pid/ns/net" "$@" \
        >"$stage_dir/server.out" 2>&1 </dev/null &
    stage_pids+=($!)
    if ! wait_until 10 server_listens "$port"; then
        echo "The server did not start: $*" >&2
        cat "$stage_dir"/server.out "$stage_dir"/*.log >&2
        return 1
    fi
}

server_listens() {
    [[ -n $(in_server ss -Hltn "sport = :$1") ]]
}

# Connections that the server's kernel completed, whoever asked and whatever became of them.
server_accepted() {
    in_server nstat -asz TcpPassiveOpens | awk '$1 == "TcpPassiveOpens" { print $2 }'
}

client_time_wait() {
    in_client ss -Htan state time-wait | wc -l
}
