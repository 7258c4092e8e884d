# shellcheck shell=sh
# A private PostgreSQL for tests and the demo; servers.sh reads this file.
#
#   pg_start               PGHOST, PGUSER (postern, owner of the databases) are
#                          exported for psql and libpq; PGDATABASE is yours
#   pg_createdb NAME [TEMPLATE]
#   pg_admin ARGS...       psql as the superuser
#   pg_stop [fast|immediate], pg_restart
#   pg_proxy_start SERVER  a proxy before the server whose socket is in directory
#                          SERVER: host=$PG_PROXY, told in $PG_PROXY_CONTROL what to
#                          do (pg_proxy.py)
#
# UNIX socket only, UTF8, locale C, fsync on, PostgreSQL's own defaults otherwise.
# As root it runs as the account postgres.

pg_find()
{
    if [ -n "${PG_BIN:-}" ] && [ -x "$PG_BIN/initdb" ]; then
        return 0
    fi
    # Debian keeps them out of PATH; the newest wins.
    for pg_candidate in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null |
        sort -t/ -k5,5n -r) $(pg_config --bindir 2>/dev/null); do
        if [ -x "$pg_candidate/initdb" ] && [ -x "$pg_candidate/postgres" ]
        then
            PG_BIN=$pg_candidate
            return 0
        fi
    done
    return 1
}

pg_names()
{
    PG_USER=$(id -un)
    if [ "$(id -u)" = 0 ]; then
        PG_USER=postgres
    fi
    PG_DATA=$SERVERS/pg/data
    PGHOST=$SERVERS/pg
    PGUSER=postern
    export PGHOST PGUSER
    unset PGPORT PGSERVICE PGOPTIONS
}

pg_ctl()
{
    pg_find || return 1
    (cd / && servers_as "$PG_USER" "$PG_BIN/pg_ctl" -D "$PG_DATA" -s "$@")
}

# Peer authentication: these accounts may be these roles, other people on this
# machine are nobody.
pg_write_access()
{
    echo "local all all peer map=tests" >"$1/pg_hba.conf"
    for pg_account in root "$PG_USER" "$SERVERS_USER"; do
        echo "tests $pg_account postgres"
        echo "tests $pg_account postern"
    done | sort -u >"$1/pg_ident.conf"
}

pg_write_settings()
{
    cat >>"$1/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$SERVERS/pg'
unix_socket_permissions = 0777
fsync = on
shared_buffers = 64MB
max_connections = 60
dynamic_shared_memory_type = mmap
log_line_prefix = '%m [%p] %u@%d '
timezone = 'UTC'
log_timezone = 'UTC'
SETTINGS
}

pg_init()
{
    servers_mkdir "$SERVERS/pg" 0755 "$PG_USER"
    (cd / && servers_as "$PG_USER" "$PG_BIN/initdb" -D "$PG_DATA" \
        -U postgres -E UTF8 --locale=C --no-sync --auth=peer) \
        >"$SERVERS/pg/initdb.out" 2>&1 || return 1
    pg_write_access "$PG_DATA"
    pg_write_settings "$PG_DATA"
}

pg_start()
{
    servers_dir && pg_find || return 1
    pg_names
    if [ ! -e "$PG_DATA/PG_VERSION" ]; then
        pg_init || return 1
        pg_new=1
    else
        pg_new=0
    fi
    # A crash of the machine may have left it; pg_ctl looks whether it lives.
    if pg_ctl status >/dev/null 2>&1; then
        return 0
    fi
    servers_mkdir "$SERVERS/pg" 0755 "$PG_USER"
    pg_ctl -w -t 60 -l "$SERVERS/pg/server.log" start || {
        tail -n 20 "$SERVERS/pg/server.log" | sed 's/^/# /' >&2
        return 1
    }
    if [ "$pg_new" = 1 ]; then
        pg_admin -d postgres -c 'CREATE ROLE postern LOGIN'
    fi
}

# A copy: the checkout may be closed to $SERVERS_USER.
pg_proxy_start()
{
    PG_PROXY=$SERVERS/proxy
    PG_PROXY_CONTROL=$PG_PROXY/control
    servers_python && servers_mkdir "$PG_PROXY" 0777 "$SERVERS_USER"
    cp "$servers_support/pg_proxy.py" "$SERVERS/"
    chmod 0644 "$SERVERS/pg_proxy.py"
    server_run proxy "$PYTHON" "$SERVERS/pg_proxy.py" --listen "$PG_PROXY" \
        --server "$1" --control "$PG_PROXY_CONTROL"
    wait_for 60 test -S "$PG_PROXY/.s.PGSQL.5432"
}

pg_admin()
{
    pg_find || return 1
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -U postgres "$@"
}

pg_createdb()
{
    pg_admin -d postgres \
        -c "CREATE DATABASE \"$1\" OWNER postern TEMPLATE \"${2:-template1}\""
}

pg_stop()
{
    pg_find || return 0
    pg_names
    if [ -e "$PG_DATA/postmaster.pid" ]; then
        read -r pg_process <"$PG_DATA/postmaster.pid" || return 1
        pg_began=$(process_start "$pg_process")
        pg_ctl -w -t 60 -m "${1:-fast}" stop && wait_for 60 pg_gone
    fi
}

# pg_ctl waits for the file to go, the postmaster itself leaves a little later.
pg_gone()
{
    [ "$(process_start "$pg_process")" != "$pg_began" ] ||
        [ -z "$pg_began" ]
}

pg_restart()
{
    pg_stop "${1:-fast}" && pg_start
}
