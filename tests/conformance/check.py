# SPDX-License-Identifier: MIT
"""Compares what a client did with what a case expects."""
import json
import re

# Members of the client's answer that a case may pin.
PINNED = (
    'error_class',
    'api_error_code',
    'api_error_message',
    'credential_method',
    'retries',
    'http_status',
    'region',
)


def fits(want, got):
    """Equal, absent (None), or matching {"re": …}."""
    if isinstance(want, dict):
        return got is not None and re.search(want['re'], got) is not None
    return got == want


def headers(record):
    """The headers of a request by lower-case name; the last one counts."""
    pairs = record.get('headers', [])
    return {name.lower(): value for name, value in pairs}


def members(record, key):
    """A part of a request as a dictionary."""
    if key == 'headers':
        return headers(record)
    return record.get('form') or {}


def check_part(record, key, want):
    """One member of an expected request; sentences about what differs."""
    if key in ('headers', 'form'):
        got = members(record, key)
        for name, value in want.items():
            name = name.lower() if key == 'headers' else name
            if not fits(value, got.get(name)):
                yield f'{key} {name}: {got.get(name)!r}, not {value!r}'
    elif key == 'json':
        try:
            got = json.loads(record.get('body') or 'null')
        except ValueError:
            got = None
        if got != want:
            yield f'body {record.get("body")!r}, not {want!r}'
    elif key == 'body_re':
        if not re.search(want, record.get('body', '')):
            yield f'body {record.get("body")!r} !~ {want}'
    elif record.get(key) != want:
        yield f'{key} {record.get(key)!r}, not {want!r}'


def brief(record):
    """A request in a word or two."""
    keys = ('listener', 'method', 'event', 'path', 'op')
    return ' '.join(str(record[k]) for k in keys if record.get(k))


def check_requests(expected, log):
    """The ordered list of requests."""
    want = expected['requests']
    if len(log) != len(want):
        seen = '; '.join(brief(record) for record in log)
        yield f'{len(log)} requests, not {len(want)}: {seen}'
    for number, (part, record) in enumerate(zip(want, log), 1):
        for key, value in part.items():
            for fault in check_part(record, key, value):
                yield f'request {number}: {fault}'
    ids = {headers(r).get('amz-sdk-invocation-id') for r in log}
    if expected.get('same_invocation_id') and len(ids) != 1:
        yield f'invocation ids differ: {ids}'


def check_answer(expected, answer):
    """What the client printed."""
    message = answer.get('message') or ''
    if answer.get('result') != expected['result']:
        yield f'{answer.get("result")}, not {expected["result"]}: {message}'
    for key in PINNED:
        if key in expected and answer.get(key) != expected[key]:
            yield f'{key} {answer.get(key)!r}, not {expected[key]!r}'
    if not re.search(expected.get('message_re', ''), message):
        yield f'message {message!r} !~ {expected["message_re"]!r}'
    response = answer.get('response') or {}
    for key, value in expected.get('response', {}).items():
        if response.get(key) != value:
            yield f'response.{key} {response.get(key)!r}, not {value!r}'


def check(case, answer, log):
    """All faults as sentences; none when the case passes."""
    expected = case['expected']
    faults = list(check_answer(expected, answer))
    if 'requests' in expected:
        faults += check_requests(expected, log)
    return faults
