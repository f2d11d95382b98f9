# SPDX-License-Identifier: MIT
"""Runs the cases of cases.json and more.json.

Each case is a client, an environment, files and a scripted AWS; checked are
the result, the class of an error, AWS's error code, and the ordered list of
the HTTP requests that were seen.  Everything happens in a private network and
mount namespace with real host names, ports and link-local addresses, all on
the namespace's own loopback device; so it needs root.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import check
import mock
from certs import SERVES, SIGNS, Certs

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT = os.environ.get('SSM_ACTIVATE_CLIENT', HERE + '/adapter').split()
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
REGIONS = [
    'us-east-1', 'us-east-2', 'us-west-2', 'eu-west-1', 'eu-central-1',
    'us-gov-west-1', 'us-mars-1', 'ap-south-1',
]
NAMES = ','.join(
    ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', 'DNS:*.amazonaws.com']
    + [f'DNS:*.{region}.amazonaws.com' for region in REGIONS]
    + [f'DNS:*.{region}.api.aws' for region in REGIONS]
    + ['DNS:*.cn-north-1.amazonaws.com.cn']
    + ['DNS:*.eusc-de-east-1.amazonaws.eu', 'DNS:*.us-iso-east-1.c2s.ic.gov']
)

# The folder of certificates and the server that all cases share.
held = {}


def setup_ns(hosts):
    """Give the namespaces their addresses and names."""
    subprocess.check_call(['ip', 'link', 'set', 'lo', 'up'])
    for a in ADDRS:
        subprocess.check_call(
            ['ip', 'addr', 'add', a, 'dev', 'lo']
            + (['nodad'] if ':' in a else [])
        )
    with open(hosts, 'w') as f:
        f.write(
            '127.0.0.1 localhost\n::1 localhost6\n'
            + ''.join(f'127.0.0.1 {h}\n' for h in HOSTS)
        )
    os.chmod(hosts, 0o644)
    subprocess.check_call(['mount', '--bind', hosts, '/etc/hosts'])


def make_contexts(folder):
    """Certificates of a root (ca) and of another one that nobody trusts (ca2),
    for the names that the cases use."""
    made = Certs(folder)
    for root, name in (('ca', 'good'), ('ca2', 'bad')):
        for key in (root, name):
            made.make_key(key)
        made.issue(root, '/CN=Root ' + root, root, None, SIGNS)
        made.issue(name, '/CN=conformance-' + name, name, root, SERVES + NAMES)
    return {name: made.context(name) for name in ('good', 'bad')}


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


def call(case, env, home):
    """Run the client; what it prints last is its answer."""
    run = subprocess.run(
        CLIENT + [json.dumps(case['input']['action'])],
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


class Case(unittest.TestCase):
    """One case, whose id is the name of the test."""

    def __init__(self, case, presets):
        super().__init__('check')
        self.case = case
        self.presets = presets

    def id(self):
        """Return what the case is called."""
        return 'test_cases.' + self.case['id']

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix='conformance-home-')
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def rules(self):
        """Return how AWS answers."""
        found = []
        for rule in self.case['input'].get('mocks', []):
            found += self.presets[rule] if isinstance(rule, str) else [rule]
        return found

    def check(self):
        """What was printed and asked is what the case expects."""
        case, home = self.case, self.home
        places = {
            'HOME': home,
            'CA': held['folder'] + '/ca.crt',
            'CA2': held['folder'] + '/ca2.crt',
        }
        write_files(case, home, places)
        server = held['server']
        server.start_case(self.rules())
        answer = call(case, environment(case, home, places), home)
        server.settle(SETTLE_SECONDS)
        faults = check.check(case, answer, server.take_log())
        self.assertFalse(faults, '\n'.join(faults))


def load_tests(_loader, _tests, _pattern):
    """All cases, with the rule lists that they name."""
    cases, presets = [], {}
    for name in ('cases.json', 'more.json'):
        with open(os.path.join(HERE, name)) as text:
            doc = json.load(text)
        presets.update(doc['presets'])
        cases += doc['cases']
    return unittest.TestSuite(
        Case(case, presets) for case in cases
        if not case.get('reference_only'))


def setUpModule():
    """Start the AWS that the cases script."""
    folder = tempfile.mkdtemp(prefix='conformance-')
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    setup_ns(folder + '/hosts')
    held.update(folder=folder, server=mock.Server(make_contexts(folder)))
