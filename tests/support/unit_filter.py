"""usage: unit_filter.py UNIT PROGRAM [ARGUMENT...]

Run a program under the system call filter of a systemd unit, as systemd would
have it: what SystemCallFilter= does not name fails with EPERM.
"""
import ctypes
import errno
import os
import subprocess
import sys

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
# systemd lets these through, or it could not start the program.
ALWAYS = {"execve", "exit", "exit_group", "rt_sigreturn"}


def members(name):
    """The calls in a set, or the call itself."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name],
                            check=True, capture_output=True, text=True).stdout
    calls = set()
    for line in listed.splitlines()[1:]:
        word = line.split("#")[0].strip()
        if word:
            calls |= members(word)
    return calls


def permitted(unit):
    calls = set(ALWAYS) | members("@default")
    with open(unit, encoding="utf-8") as lines:
        for line in lines:
            key, _, value = line.strip().partition("=")
            if key != "SystemCallFilter":
                continue
            named = set()
            for name in value.lstrip("~").split():
                named |= members(name)
            calls = calls - named if value.startswith("~") else calls | named
    return calls


seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
seccomp.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
seccomp.seccomp_rule_add_array.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
    ctypes.c_void_p]
seccomp.seccomp_load.argtypes = [ctypes.c_void_p]

context = seccomp.seccomp_init(ERRNO | errno.EPERM)
for call in sorted(permitted(sys.argv[1])):
    number = seccomp.seccomp_syscall_resolve_name(call.encode())
    if number >= 0:
        seccomp.seccomp_rule_add_array(context, ALLOW, number, 0, None)
if seccomp.seccomp_load(context) != 0:
    sys.exit("unit_filter.py: cannot load the filter")
os.execvp(sys.argv[2], sys.argv[2:])
