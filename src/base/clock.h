/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice;

/* Wall time, deadlines, and the forms in which AWS writes times. */

/* Seconds since 1970, UTC. */
int64_t clock_now(void);

/* Milliseconds of CLOCK_MONOTONIC: the time base of every deadline. */
int64_t clock_ms(void);

/* The point in time ms milliseconds from now. */
int64_t clock_in(int64_t ms);

/* The earlier of two deadlines. */
int64_t clock_min(int64_t a, int64_t b);

/* Milliseconds left until the deadline, 0 when it has passed, at most
 * INT_MAX: what poll(2) wants. */
int clock_left(int64_t deadline);

/* Sleep until the deadline; signals do not cut it short. */
void clock_sleep(int64_t deadline);

/*
 * Milliseconds to wait after try number n (from 1): first, doubled for each
 * further try, most at most; and of that a share, from 0 to 1.  Pure.
 *
 * Who tries what again:
 *   aws/retry        a call of AWS, as the SDKs do: 3 attempts in all
 *   aws/client       a call whose token is out of date: once, with a new one
 *   aws/metadata     a question to ECS, EKS or EC2: its caller says how often
 *   ssm/ssm          removal and gc, what AWS still throttles (ssm_pace): until
 *                    nothing was let through for 3 minutes
 *   ssm/register     listings, which lag behind: 3 times within 7 seconds
 *   keep/life_table  the whole registration, until SSM_ACTIVATE_GIVE_UP;
 *                    CreateActivation is left to it, since many containers
 *                    start at once: aws/retry tries that only once
 *   keep/supervisor  the agent, the reader of its log, the watcher of ECS
 *   serve/talk       a session's data channel: for a minute after it was lost
 */
int64_t clock_backoff(int64_t first, int64_t most, int n, double share);

/* YYYYMMDDTHHMMSSZ, 16 characters and a NUL. */
enum { CLOCK_BASIC_SIZE = 17 };
void clock_basic(int64_t when, char out[static CLOCK_BASIC_SIZE]);

/* YYYY-MM-DDTHH:MM:SSZ, 20 characters and a NUL. */
enum { CLOCK_ISO_SIZE = 21 };
void clock_iso(int64_t when, char out[static CLOCK_ISO_SIZE]);

/* ISO 8601 with Z or a numeric offset, fraction ignored; basic form too, and
 * what date(1) and Python write: a blank for the T or before the offset, UTC or
 * GMT for the Z.  Without an offset it is refused, and so is a leap second. */
bool clock_parse_iso(struct slice text, int64_t *when);

/* The Date header: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), from
 * 1970 on and with the right day of the week. */
bool clock_parse_http(struct slice text, int64_t *when);

/*
 * A length of time from a setting: digits with an optional unit ms, s, m, h
 * or d (none = seconds), at most max milliseconds.
 */
bool clock_parse_span(struct slice text, int64_t max, int64_t *ms);

#endif
