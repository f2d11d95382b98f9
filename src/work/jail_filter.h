#ifndef WORK_JAIL_FILTER_H
#define WORK_JAIL_FILTER_H

/*
 * The last thing that a network worker gives up: system calls (seccomp(2)).
 * What is left is reading files, memory that is not executable, streams and
 * datagrams of IPv4 and IPv6 that it connects itself, clocks, and its end.
 * No other process can be touched or made, no program run, no file written
 * to that is not open, no terminal driven.
 *
 * What has no place in this list fails with ENOSYS, as on a kernel that does
 * not know it, so that a C library falls back on what it has; what is refused
 * for its arguments fails with EPERM.  Calls in the manner of another
 * architecture, which only hostile code makes, end the process.
 *
 * -1 with errno where the kernel, or who started us, does not take a filter.
 * Needs no_new_privs.
 */
int jail_filter_begin(void);

#endif
