"""Runs the cases of cases.json and more.json.

Each case is a client, an environment, files and a scripted AWS; checked are
the result, the class of an error, AWS's error code, and the ordered list of
the HTTP requests that were seen.  Everything happens in a private network and
mount namespace with real host names, ports and link-local addresses, all on
the namespace's own loopback device; so it needs root.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import check
import mock

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT_SECONDS = 170
SETTLE_SECONDS = 10
ADDRS = [
    '169.254.170.2/32',
    '169.254.170.23/32',
    '169.254.169.254/32',
    'fd00:ec2::254/128',
    'fd00:ec2::23/128',
]
HOSTS = [
    'ssm.us-east-1.amazonaws.com',
    'ssm.us-west-2.amazonaws.com',
    'ssm.eu-west-1.amazonaws.com',
    'ssm.eu-central-1.amazonaws.com',
    'sts.amazonaws.com',
    'sts.us-east-1.amazonaws.com',
    'sts.us-west-2.amazonaws.com',
    'sts.eu-west-1.amazonaws.com',
    'sts.eu-central-1.amazonaws.com',
    'sts.us-east-2.amazonaws.com',
    'ssm.us-east-2.amazonaws.com',
    'ssm-fips.us-east-1.amazonaws.com',
    'ssm.us-east-1.api.aws',
    'ssm-fips.us-east-1.api.aws',
    'ssm.us-gov-west-1.amazonaws.com',
    'sts.us-gov-west-1.amazonaws.com',
    'ssm.cn-north-1.amazonaws.com.cn',
    'sts.cn-north-1.amazonaws.com.cn',
    'ssm.us-mars-1.amazonaws.com',
    'ssm.eusc-de-east-1.amazonaws.eu',
    'sts-fips.us-east-1.amazonaws.com',
]


def setup_ns():
    subprocess.check_call(['ip', 'link', 'set', 'lo', 'up'])
    for a in ADDRS:
        subprocess.check_call(
            ['ip', 'addr', 'add', a, 'dev', 'lo']
            + (['nodad'] if ':' in a else [])
        )
    f = tempfile.NamedTemporaryFile('w', delete=False)
    f.write(
        '127.0.0.1 localhost\n::1 localhost6\n'
        + ''.join(f'127.0.0.1 {h}\n' for h in HOSTS)
    )
    f.close()
    os.chmod(f.name, 0o644)
    subprocess.check_call(['mount', '--make-rprivate', '/'])
    subprocess.check_call(['mount', '--bind', f.name, '/etc/hosts'])


def fill(text, places):
    """Put real paths in place of @HOME@, @CA@ and the like."""
    for name, value in places.items():
        text = text.replace('@' + name + '@', value)
    return text


def write_files(case, home, places):
    """The files that the case has in the user's home folder."""
    for path, text in case['input'].get('files', {}).items():
        path = fill(path, places)
        if path.startswith('~'):
            path = home + path[1:]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', newline='') as out:
            out.write(fill(text, places))
        if path.endswith('.sh'):
            os.chmod(path, 0o755)


def environment(case, home, places):
    """The whole environment of the client."""
    env = {
        'PATH': os.environ.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin'),
        'HOME': home,
        'AWS_CA_BUNDLE': places['CA'],
        'LANG': 'C.UTF-8',
    }
    if 'SSM_ACTIVATE_BIN' in os.environ:
        env['SSM_ACTIVATE_BIN'] = os.path.abspath(
            os.environ['SSM_ACTIVATE_BIN']
        )
    for name, value in case['input'].get('env', {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = fill(value, places)
    return env


def call(client, case, env, home):
    """Run the client; what it prints last is its answer."""
    run = subprocess.run(
        client + [json.dumps(case['input']['action'])],
        env=env,
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        cwd=home,
    )
    try:
        return json.loads(run.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {
            'result': 'crash',
            'message': run.stdout[-300:] + run.stderr[-1500:],
        }


def run_case(case, presets, server, client, certs):
    """The faults of one case, as sentences; none when it passes."""
    home = tempfile.mkdtemp(prefix='conformance-home-')
    places = {
        'HOME': home,
        'CA': certs + '/ca.crt',
        'CA2': certs + '/ca2.crt',
    }
    rules = []
    for rule in case['input'].get('mocks', []):
        rules += presets[rule] if isinstance(rule, str) else [rule]
    try:
        write_files(case, home, places)
        server.start_case(rules)
        answer = call(client, case, environment(case, home, places), home)
        server.settle(SETTLE_SECONDS)
        return check.check(case, answer, server.take_log())
    finally:
        shutil.rmtree(home, ignore_errors=True)


def load(only):
    """All cases, and the rule lists that they name."""
    cases, presets = [], {}
    for name in ('cases.json', 'more.json'):
        with open(os.path.join(HERE, name)) as text:
            doc = json.load(text)
        presets.update(doc['presets'])
        cases += doc['cases']
    cases = [c for c in cases if not c.get('reference_only')]
    return [c for c in cases if not only or c['id'] in only], presets


def run_all(client, only):
    """Run the cases and print what came of each; the number of failures."""
    certs = tempfile.mkdtemp(prefix='conformance-certs-')
    failed = 0
    try:
        subprocess.check_call(['sh', os.path.join(HERE, 'certs.sh'), certs])
        server = mock.Server(certs)
        cases, presets = load(only)
        for case in cases:
            faults = run_case(case, presets, server, client, certs)
            failed += bool(faults)
            print(('not ok  ' if faults else 'ok      ') + case['id'])
            for fault in faults:
                print('          ' + fault)
    finally:
        shutil.rmtree(certs, ignore_errors=True)
    print(f'{len(cases) - failed} passed, {failed} failed')
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--client', default=os.path.join(HERE, 'adapter'))
    parser.add_argument('--only', default='', help='ID,ID…')
    parser.add_argument('--inner', action='store_true')
    args = parser.parse_args()
    if not args.inner:
        here = os.path.abspath(__file__)
        os.execvp(
            'unshare',
            ['unshare', '-n', '-m', sys.executable, here, '--inner']
            + sys.argv[1:],
        )
    setup_ns()
    only = set(filter(None, args.only.split(',')))
    sys.exit(1 if run_all(args.client.split(), only) else 0)


main()
