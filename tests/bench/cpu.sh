# shellcheck shell=sh
# What a run cost, read from /proc; sourced by bench.
#
#   cpu_ticks PID...       CPU of these processes, of those below them and of
#                          those that ended below them, in clock ticks
#   cpu_busy               CPU of the whole machine, in clock ticks
#   cpu_seconds TICKS      the same in seconds
#   now                    seconds, with three decimals
#   private_kib PID        private memory of one process, in KiB

cpu_ticks()
{
    # The name in parentheses may hold anything. A process that ended is in its
    # parent's numbers 16 and 17 once that one has waited for it.
    cat /proc/[0-9]*/stat 2>/dev/null | "${AWK:-awk}" -v roots="$*" '
        {
            pid = $1
            sub(/^.*\) /, "")
            parent[pid] = $2
            used[pid] = $12 + $13 + $14 + $15
        }
        END {
            n = split(roots, root, " ")
            for (i = 1; i <= n; i++)
                wanted[root[i]] = 1
            for (pid in used) {
                at = pid
                while (at in parent && !(at in wanted))
                    at = parent[at]
                if (at in wanted)
                    sum += used[pid]
            }
            print sum + 0
        }'
}

# user, nice, system, irq and softirq; not idle, waiting and stolen.
cpu_busy()
{
    "${AWK:-awk}" '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8; exit }' \
        /proc/stat
}

cpu_seconds()
{
    "${AWK:-awk}" -v ticks="$1" -v hz="$(getconf CLK_TCK)" \
        'BEGIN { printf "%.2f", ticks / hz }'
}

now()
{
    date +%s.%3N
}

private_kib()
{
    "${AWK:-awk}" '/^Private_(Clean|Dirty):/ { sum += $2 } END { print sum + 0 }' \
        "/proc/$1/smaps_rollup"
}
