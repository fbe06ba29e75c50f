# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The Debian packages that building, demonstrating and testing take, and their installation: only
# what is missing is installed, and no daemon that comes with it is left started or enabled.

declare -A package_set=(
    [build]="gcc libc6-dev meson ninja-build pkg-config uthash-dev check libhiredis-dev node-llhttp"
    [demo]="python3 python3-requests nginx redis-server redis-tools iproute2 util-linux"
    [test]="openssl binutils mmdebstrap cppcheck clang-format clang-tidy shellcheck
        g++ gdb ltrace strace valgrind eatmydata fakeroot faketime libeatmydata1 libjemalloc2
        libnss-wrapper libsocket-wrapper microsocks proxychains4 torsocks tsocks
        curl php-cli php-curl postgresql-15 mariadb-server-core mariadb-client python3-pymysql memcached
        python3-pymemcache python3-dnspython dnsmasq-base bind9-dnsutils php8.2-fpm libfcgi-bin"
    [fuzz]="clang-14 clang libclang-rt-14-dev libstdc++-12-dev"
    [cpython]="python3 libpython3.11-testsuite iproute2 util-linux"
    [runtimes]="apache2-utils libcurl4-openssl-dev libmemcached-dev netcat-openbsd nodejs
        openjdk-17-jdk-headless perl php8.2-cli php8.2-curl php8.2-mysql php8.2-redis python3-redis
        python3-urllib3 ruby ruby-redis siege wrk"
)
declare -A package_daemon=([nginx-common]=nginx [redis-server]=redis-server
    [postgresql-common]=postgresql [memcached]=memcached [php8.2-fpm]=php8.2-fpm)
policy=/usr/sbin/policy-rc.d

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

package_is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# packages_need SET...: names the packages, and installs those that are missing.
packages_need() {
    local names=() missing=() members set name
    for set in "$@"; do
        # Of all lines; read fails at the end of them.
        read -rd '' -a members <<<"${package_set[$set]}" || true
        names+=("${members[@]}")
    done
    for name in "${names[@]}"; do
        package_is_installed "$name" || missing+=("$name")
    done

    echo "Debian packages needed: ${names[*]}"
    if [[ ${#missing[@]} -eq 0 ]]; then
        echo "All of them are installed."
        return
    fi

    echo "Installing those that are missing: ${missing[*]}"
    if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
        echo "This takes root, and there is no sudo. As root: apt-get install ${missing[*]}" >&2
        return 1
    fi
    packages_install "${missing[@]}"
}

# A subshell, so that its traps clean up after an error or Ctrl-C and leave the caller's alone.
packages_install() (
    newcomers=()
    for name in "${!package_daemon[@]}"; do
        package_is_installed "$name" || newcomers+=("${package_daemon[$name]}")
    done

    trap 'daemons_allow; daemons_disable "${newcomers[@]}"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    daemons_deny

    # noninteractive: no question may wait for an answer that nobody gives.
    apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
    as_root "${apt[@]}" update
    # An installation that was interrupted earlier has to be finished first.
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a
    as_root "${apt[@]}" install --no-install-recommends "$@"
)

# The maintainer scripts ask policy-rc.d before they start a service: 101 means "not allowed".
daemons_deny() {
    # One of ours that a killed run left behind is not worth keeping.
    if [[ -e $policy ]] && ! grep -q 'twpool' "$policy"; then
        as_root mv "$policy" "$policy.before-twpool"
    fi
    printf '#!/bin/sh\n# Put here by twpool while it installs packages.\nexit 101\n' |
        as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

daemons_allow() {
    as_root rm -f "$policy"
    if [[ -e $policy.before-twpool ]]; then
        as_root mv "$policy.before-twpool" "$policy"
    fi
}

# Only those whose package this run installed. update-rc.d tells systemd as well, running or not.
daemons_disable() {
    local daemon
    for daemon in "$@"; do
        if [[ -e /etc/init.d/$daemon ]]; then
            echo "Disabling the newly installed service $daemon."
            as_root update-rc.d "$daemon" disable
        fi
    done
}
