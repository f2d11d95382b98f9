# SPDX-License-Identifier: MIT
"""ssm-user among the users of an image: ids of its own, sudo for nobody else,
and no line of /etc/passwd or /etc/group lost."""

import os

import place
from case import BIN, SH, Case, environment, procfs, wait_until
from roots import GROUP, PASSWD

SUDO = "/usr/bin/sudo"
SUDOERS = "/etc/sudoers.d/ssm-agent-users"
LIVE = "trap 'exit 0' TERM; sleep 300 & wait"
RULE = "%s ALL=(ALL) NOPASSWD:ALL"
OURS = ("# Sessions of AWS Systems Manager run as ssm-user (ssm-activate).\n"
        "ssm-user ALL=(ALL) NOPASSWD:ALL\n")
# Three writers of three kinds; each says at its end that it is through.
APPEND = ("i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo "
          "u$i:x:$((20000+i)):2000::/:/bin/sh >>/etc/passwd; "
          "echo g$i:x:$((20000+i)): >>/etc/group; sleep 0.005; done; "
          "touch /run/done;")
EDIT = ("i=0; while [ $i -lt 60 ]; do i=$((i+1)); "
        "sed -i \"\\$a e$i:x:$((30000+i)):2000::/:/bin/sh\" /etc/passwd; "
        "sleep 0.03; done; touch /run/done;")


class Users(Case):
    """Who is who in a container."""

    def live(self, root, user=None, script=LIVE, **variables):
        """Start an application and wait until its node is up."""
        words = [] if user is None else ["--user", user]
        held = self.start([BIN, "run"] + words + ["--", SH, "-c", script],
                          root, environment(**variables))
        held.wait_line("is up", 30)
        return held

    def ids(self, root):
        """Return uid and gid of ssm-user."""
        lines = [line.split(":") for line in
                 root.read("/etc/passwd").splitlines()
                 if line.startswith("ssm-user:")]
        self.assertEqual(len(lines), 1, root.read("/etc/passwd"))
        return int(lines[0][2]), int(lines[0][3])

    def rules(self, root):
        """Return the rules of our sudoers file; None without one."""
        if not root.exists(SUDOERS):
            return None
        return [line for line in root.read(SUDOERS).splitlines()
                if not line.startswith("# ")]


class Apart(Users):
    """The application is not ssm-user and cannot become it."""

    def people(self, root, *lines):
        """These in place of whoever uses this machine."""
        for path in ("/etc/passwd", "/etc/group"):
            root.write(path, "".join(
                line for line in root.read(path).splitlines(True)
                if not 1000 <= int(line.split(":")[2]) < 60000))
        root.write("/etc/passwd", root.read("/etc/passwd") + "".join(lines))

    def check(self, user, uid, *lines):
        """Neither sudo nor signals nor ptrace(2) lead from one to the
        other, while ssm-user has its sudo."""
        root = self.root("debian")
        self.people(root, *lines)
        held = self.live(root, user, "sleep 300 & " + LIVE)
        other = self.ids(root)[0]
        self.assertNotEqual(other, uid)
        command = held.find("sleep") + held.find("dash") + held.find("sh")
        self.assertTrue(command)
        for pid in command:
            self.assertEqual(procfs.status(pid)["Uid"].split(),
                             [str(uid)] * 4)
        refused = held.enter([SUDO, "-n", "id"], uid=uid)
        self.assertNotEqual(refused.returncode, 0)
        self.assertNotIn("uid=0", refused.stdout)
        allowed = held.enter([SUDO, "-n", "id", "-u"], uid=other)
        self.assertEqual(allowed.stdout, "0\n", allowed.stderr)
        self.check_processes(held, uid, other)

    def check_processes(self, held, uid, other):
        """One of each cannot touch that of the other."""
        session = held.enter([SH, "-c", "sleep 200 >/dev/null 2>&1 & echo $!"],
                             uid=other).stdout.strip()
        for action in ("kill -0 %s", "kill -KILL %s", "cat /proc/%s/environ",
                       "exec strace -o /dev/null -p %s"):
            with self.subTest(action=action):
                tried = held.enter([SH, "-c", action % session], uid=uid)
                self.assertNotEqual(tried.returncode, 0)
                self.assertRegex(tried.stderr, "(?i)not permitted|denied")
        self.assertEqual(held.enter(["/bin/kill", "-0", session],
                                    uid=other).returncode, 0)

    def test_application_of_a_bare_number(self):
        """As in most of the examples: nobody in passwd has the number."""
        self.check("1000:1000", 1000)

    def test_application_of_the_next_free_number(self):
        """The one that useradd(8) would give away next."""
        self.check("1001:1001", 1001, "app:x:1000:1000::/:/bin/sh\n")

    def test_application_of_nobody(self):
        """65534 is a user like any other."""
        self.check("nobody", 65534)

    def test_ids_of_processes_and_of_the_working_folder(self):
        """They are passed over, from the highest number down."""
        root = self.root("debian")
        held = self.start(
            ["/usr/bin/setpriv", "--groups=59998", SH, "-c",
             "mkdir /srv/app; chown 59999:59997 /srv/app; cd /srv/app; "
             "exec " + BIN + " run --user 60000:60000 -- sleep 300"], root)
        held.wait_line("is up", 30)
        self.assertEqual(self.ids(root), (59996, 59996))


class Sudo(Users):
    """Whoever shares a uid with ssm-user gets no sudo by it."""

    def test_session_user_has_no_sudo(self):
        """Unless it is asked for: it would be the application's, too."""
        root = self.root("debian")
        held = self.live(root, "1234:1234",
                         SSM_ACTIVATE_SESSION_USER="1234:1234")
        self.assertEqual(self.ids(root), (1234, 1234))
        self.assertIsNone(self.rules(root))
        held.wait_line("warn: no sudo for ssm-user: .*SSM_ACTIVATE_SESSION_USER")
        refused = held.enter([SUDO, "-n", "id"], uid=1234)
        self.assertNotEqual(refused.returncode, 0)

    def test_session_user_with_sudo_as_asked_for(self):
        """Also where sudo knows the uid by another name."""
        root = self.root("debian")
        root.write("/etc/passwd", root.read("/etc/passwd")
                   + "app:*:1234:1234::/:/bin/sh\n")
        held = self.live(root, "app", SSM_ACTIVATE_SESSION_USER="1234:1234",
                         SSM_ACTIVATE_SUDO="on")
        self.assertEqual(self.rules(root), [RULE % "#1234"])
        allowed = held.enter([SUDO, "-n", "id", "-u"], uid=1234)
        self.assertEqual(allowed.stdout, "0\n", allowed.stderr)
        held.program("down")
        self.assertFalse(root.exists(SUDOERS))

    def shared(self, passwd, user, who):
        """An image's ssm-user is somebody else, too."""
        root = self.root()
        root.write("/etc/passwd", PASSWD + passwd)
        # What an earlier start has written goes.
        root.write(SUDOERS, OURS, 0o440)
        held = self.live(root, user, SSM_ACTIVATE_SUDO="on")
        held.wait_line("warn: no sudo for ssm-user: .*uid 1000 is also that " + who)
        self.assertEqual(held.err.count("no sudo"), 1)
        self.assertFalse(root.exists(SUDOERS))

    def test_uid_of_another_name(self):
        """The uid of app, whoever runs."""
        self.shared("ssm-user:x:1000:1000::/:/bin/sh\n", None,
                    "of app in /etc/passwd")

    def test_uid_of_the_application(self):
        """The uid of --user."""
        root = self.root()
        root.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n"
                   "ssm-user:x:1000:1000::/:/bin/sh\n")
        held = self.live(root, "1000:1000")
        held.wait_line("warn: no sudo for ssm-user: .*uid 1000 is also that "
                       "of --user")
        self.assertFalse(root.exists(SUDOERS))

    def test_home_of_others(self):
        """Where others can put what its shell reads, that is not root's."""
        for folder, uid, mode in (("/home", 0, 0o777), ("/home", 1000, 0o755),
                                  ("/home/ssm-user", 1000, 0o700)):
            with self.subTest(folder=folder, uid=uid):
                root = self.root()
                os.makedirs(root.inside(folder), exist_ok=True)
                os.chown(root.inside(folder), uid, uid)
                os.chmod(root.inside(folder), mode)
                held = self.live(root, "1000:1000")
                held.wait_line("warn: no sudo for ssm-user: others can write "
                               "in its home: .*%s" % folder)
                self.assertFalse(root.exists(SUDOERS))

    def barred(self, root, pattern, before=()):
        """The rule is there, and one warning says why it is of no use."""
        held = self.start([*before, BIN, "run", "--", SH, "-c", LIVE], root)
        held.wait_line("is up", 30)
        line = self.assert_one_line(held.err, "warn: ssm-user cannot use sudo")
        self.assertRegex(line, pattern)
        self.assertTrue(root.exists(SUDOERS))
        refused = held.enter([SUDO, "-n", "true"], uid=self.ids(root)[0])
        self.assertNotEqual(refused.returncode, 0)

    def test_container_without_new_privileges(self):
        """allowPrivilegeEscalation: false; seen by the flag, not by sudo."""
        root = self.root("debian")
        held = self.start(["/usr/bin/setpriv", "--no-new-privs", BIN, "run",
                           "--", SH, "-c", LIVE], root)
        held.wait_line("is up", 30)
        line = self.assert_one_line(held.err, "warn: ssm-user cannot use sudo")
        self.assertIn("no_new_privs", line)

    def test_sudoers_without_the_folder(self):
        """Hardened images leave the line out, or have no file at all."""
        root = self.root("debian")
        root.write("/etc/sudoers", "root ALL=(ALL:ALL) ALL\n"
                   "# includedir /etc/sudoers.d\n", 0o440)
        self.barred(root, "no line @includedir /etc/sudoers.d")
        root = self.root("debian")
        os.remove(root.inside("/etc/sudoers"))
        self.barred(root, "there is no /etc/sudoers")

    def test_sudo_that_is_not_set_user_id(self):
        """As a copy of the file without its mode."""
        root = self.root("debian")
        os.chmod(root.inside(SUDO), 0o755)
        self.barred(root, "/usr/bin/sudo is not set-user-ID root")

    def test_no_false_alarm(self):
        """sudo works, is switched off, or is not there."""
        for kind, variables in (("debian", {}), ("alpine", {}),
                                ("debian", {"SSM_ACTIVATE_SUDO": "off"})):
            with self.subTest(kind=kind, **variables):
                root = self.root(kind)
                if variables:
                    os.remove(root.inside("/etc/sudoers"))
                held = self.live(root, **variables)
                self.assertNotIn("sudo", held.err)

    def test_user_of_another_source(self):
        """ssm-user of LDAP or SSSD: nothing is added, nothing is said, also
        on a root that cannot be written; its ids count for sudo."""
        for uid, shares in ((4242, False), (1000, True)):
            with self.subTest(uid=uid):
                root = self.root("debian")
                root.write("/etc/nsswitch.conf", "passwd: files sss\n")
                root.write("/usr/bin/getent", "#!/bin/sh\n[ \"$*\" = 'passwd "
                           "ssm-user' ] && echo ssm-user:x:%d:%d::/srv:/bin/sh"
                           "\n" % (uid, uid), 0o755)
                before = root.read("/etc/passwd")
                held = self.live(root, "1000:1000")
                self.assertEqual(root.read("/etc/passwd"), before)
                self.assertNotIn("session_user", held.err)
                self.assertNotIn("sessions fail", held.err)
                self.assertEqual("no sudo for ssm-user" in held.err, shares,
                                 held.err)
                held.kill()

    def test_source_that_does_not_answer(self):
        """One that hangs or does not know it costs some seconds: then it is
        added as anywhere else."""
        for script in ("sleep 300", "exit 2", "echo ssm-user:x:0:0:::"):
            with self.subTest(script=script):
                root = self.root("debian")
                root.write("/etc/nsswitch.conf", "passwd: files ldap\n")
                root.write("/usr/bin/getent", "#!/bin/sh\n%s\n" % script,
                           0o755)
                self.live(root)
                self.assertGreater(self.ids(root)[0], 0)

    def test_file_of_the_image_stays(self):
        """It is the image's decision."""
        root = self.root()
        root.write(SUDOERS, "ssm-user ALL=(ALL) /bin/true\n", 0o440)
        self.live(root, SSM_ACTIVATE_SESSION_USER="1000:1000")
        self.assertEqual(self.rules(root), ["ssm-user ALL=(ALL) /bin/true"])


class Files(Users):
    """passwd and group, while others write there."""

    def slow(self, kind, script, **variables):
        """Start it where the disk is slow, and wait for the writers."""
        root = self.root(kind)
        held = self.start(
            ["/usr/bin/strace", "-f", "-D", "--seccomp-bpf", "-o", "/dev/null", "-e",
             "trace=fsync", "-e", "inject=fsync:delay_exit=20000", BIN, "run",
             "--", SH, "-c", script + LIVE], root, environment(**variables))
        held.wait_line("is up", 60)
        wait_until(lambda: root.exists("/run/done"), "the writers", 60)
        return root

    def assert_lines(self, root, path, pattern, count):
        """All that were written are there, once each."""
        text = "\n" + root.read(path)
        self.assertEqual(
            [i for i in range(1, count + 1)
             if text.count("\n" + pattern % i) != 1], [])

    def test_lines_appended_meanwhile(self):
        """As `echo ... >>/etc/passwd` in an entrypoint does it."""
        root = self.slow("debian", APPEND)
        self.assert_lines(root, "/etc/passwd", "u%d:", 300)
        self.assert_lines(root, "/etc/group", "g%d:", 300)
        self.ids(root)
        self.assertEqual(root.read("/etc/group").count("\nssm-user:"), 1)

    def test_lines_edited_in_meanwhile(self):
        """As `sed -i` and adduser do it: by a new file in its place."""
        root = self.slow("debian", EDIT)
        self.assert_lines(root, "/etc/passwd", "e%d:", 60)

    def test_full_volume(self):
        """A group file that is mounted by itself, where nothing can grow:
        neither file is changed."""
        root = self.root()
        text = GROUP
        for i in range(500):
            if len(text) < 4060:
                text += "g%05d:x:%d:app\n" % (i, 20000 + i)
        root.mount_tmpfs("/mnt/v", "4k")
        root.write("/mnt/v/group", text)
        place.mount("--bind", root.inside("/mnt/v/group"),
                    root.inside("/etc/group"))
        root.mounts.append(root.inside("/etc/group"))
        held = self.live(root, SSM_ACTIVATE_SESSION_USER="1000:1000")
        held.wait_line("warn: .*/etc/group.*No space left")
        self.assertEqual(root.read("/etc/group"), text)
        self.assertEqual(root.read("/etc/passwd"), PASSWD)
