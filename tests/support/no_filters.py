"""usage: no_filters.py PROGRAM [ARGUMENT...]

Run a program as if this kernel had no seccomp filters: the two calls that
install one say that they do not know how.
"""
import ctypes
import errno
import os
import sys

ALLOW, ERRNO, EQUAL, PR_SET_SECCOMP = 0x7FFF0000, 0x00050000, 4, 22


class Argument(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
seccomp.seccomp_init.restype = ctypes.c_void_p
seccomp.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
seccomp.seccomp_rule_add_array.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
    ctypes.POINTER(Argument)]
seccomp.seccomp_load.argtypes = [ctypes.c_void_p]

refuse = ERRNO | errno.EINVAL
context = seccomp.seccomp_init(ALLOW)
to_filter = Argument(0, EQUAL, PR_SET_SECCOMP, 0)
for name, count in ((b"seccomp", 0), (b"prctl", 1)):
    number = seccomp.seccomp_syscall_resolve_name(name)
    if seccomp.seccomp_rule_add_array(context, refuse, number, count,
                                      ctypes.byref(to_filter)) != 0:
        sys.exit("no_filters.py: cannot make the rule")
if seccomp.seccomp_load(context) != 0:
    sys.exit("no_filters.py: cannot load the filter")
os.execvp(sys.argv[1], sys.argv[1:])
