"""Files, relay, spool; what stands in for what; what is dropped and told."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

from support import Receiver, free_port, read

from linkloom_reporter import Reporter, Settings, _warn
from linkloom_reporter._queue import DEBUG, INFO, NODES, OTHERS, LineQueue
from linkloom_reporter._ways import FileOut


class FromTheEnvironment(unittest.TestCase):
    def test_the_environment_comes_before_the_code(self):
        environment = {"LINKLOOM_SERVICE": "theirs", "LINKLOOM_TOKEN": "t1", "LINKLOOM_INSTANCE": ""}
        settings = Settings.from_environment(environment, service="ours", token="t0", instance="i0")
        self.assertEqual(("theirs", "t1", "i0"), (settings.service, settings.token, settings.instance))

    def test_the_way_out_of_the_environment_is_the_first(self):
        relayed = Settings.from_environment({"LINKLOOM_OUT": "relay:http://localhost:7070"}, out="file:ours")
        self.assertEqual(("relay:http://localhost:7070", "file:ours"), (relayed.out, relayed.fallback))
        chosen = Settings.from_environment({"LINKLOOM_OUT": "stdout"}, out="file:ours", fallback="relay:http://localhost:1")
        self.assertEqual(("stdout", "relay:http://localhost:1"), (chosen.out, chosen.fallback))
        wrong = Settings.from_environment({"LINKLOOM_OUT": "pigeon:post"}, out="file:ours")
        self.assertEqual(("file:ours", None), (wrong.out, wrong.fallback))


class Ways(unittest.TestCase):
    def setUp(self):
        _warn.forget()
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.directory = self._temporary.name
        self.spool = os.path.join(self.directory, "spool")
        self.file = os.path.join(self.directory, "sub", "reports.ndjson")

    def reporter(self, **settings):
        reporter = Reporter(Settings(service="s", instance=settings.pop("instance", "i"), **settings))
        self.addCleanup(reporter.close)
        return reporter

    def receiver(self, *args, **kwargs):
        receiver = Receiver(*args, **kwargs)
        self.addCleanup(receiver.close)
        return receiver

    def test_file(self):
        reporter = self.reporter(out="file:" + self.file)
        for i in range(100):
            reporter.log("INFO", "m%d" % i)
        self.assertTrue(reporter.flush())
        self.assertEqual(["m%d" % i for i in range(100)], [report["message"] for report in read(self.file)])
        self.assertEqual(100, reporter.stats().logged)

    def test_a_file_rolls_and_keeps_so_many(self):
        out = FileOut(self.file, 100, 3600.0, 2)
        for i in range(10):
            out.write(b"%02d" % i + b"x" * 57 + b"\n")
        out.close()
        files = sorted(os.listdir(os.path.dirname(self.file)))
        self.assertEqual(3, len(files), files)
        contents = []
        for name in files[1:] + files[:1]:
            with open(os.path.join(os.path.dirname(self.file), name), "rb") as file:
                contents.append(file.read()[:2])
        self.assertEqual([b"07", b"08", b"09"], contents)

    def test_a_closed_handle_and_a_deleted_file(self):
        reporter = self.reporter(out="file:" + self.file)
        reporter.log("INFO", "one")
        self.assertTrue(reporter.flush())
        os.close(reporter._outlet._file.fd)
        reporter.log("INFO", "two")
        self.assertTrue(reporter.flush())
        self.assertEqual(["one", "two"], [report["message"] for report in read(self.file)])
        os.unlink(self.file)
        reporter.log("INFO", "three")
        self.assertTrue(reporter.flush())
        self.assertEqual(["three"], [report["message"] for report in read(self.file)])
        self.assertEqual({}, reporter.stats().dropped)

    def test_a_torn_line_of_a_killed_process_stays_alone(self):
        os.makedirs(os.path.dirname(self.file))
        with open(self.file, "w") as file:
            file.write('{"torn')
        reporter = self.reporter(out="file:" + self.file)
        reporter.log("INFO", "whole")
        self.assertTrue(reporter.flush())
        with open(self.file) as file:
            lines = file.read().splitlines()
        self.assertEqual('{"torn', lines[0])
        self.assertIn("whole", lines[1])

    def test_a_directory_that_cannot_be_written_gives_way_to_the_relay(self):
        receiver = self.receiver()
        reporter = self.reporter(out="file:/proc/linkloom/reports.ndjson", fallback=receiver.url, spool=self.spool)
        reporter.log("INFO", "kept")
        self.assertTrue(receiver.wait(lambda r: r.taken))
        self.assertEqual("kept", receiver.taken[0]["message"])
        self.assertTrue(_warn.said("file"))

    def test_a_full_disk_gives_way_to_stderr(self):
        script = """
            import sys
            sys.path.insert(0, %r)
            import linkloom_reporter as linkloom
            reporter = linkloom.install(out="file:/dev/full", service="s")
            reporter.log("INFO", "kept")
            reporter.flush()
            assert reporter.stats().stderr == 1, reporter.stats()
        """ % os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn('"message":"kept"', done.stderr)
        self.assertEqual(1, done.stderr.count("/dev/full cannot be written"))

    def test_relay(self):
        receiver = self.receiver()
        reporter = self.reporter(out=receiver.url, token="t0", spool=self.spool)
        for i in range(2500):
            reporter.log("INFO", "m%d" % i)
        self.assertTrue(reporter.flush(30))
        self.assertEqual(["m%d" % i for i in range(2500)], [report["message"] for report in receiver.taken])
        path, headers, _ = receiver.requests[0]
        self.assertEqual("/api/v1/reports", path)
        self.assertEqual("Bearer t0", headers["Authorization"])
        self.assertTrue(all(len(lines) <= 1000 for _, _, lines in receiver.requests))
        self.assertEqual(2500, reporter.stats().sent)

    def test_a_relay_that_is_down_for_a_while(self):
        port = free_port()
        reporter = self.reporter(out="relay:http://127.0.0.1:%d" % port, spool=self.spool)
        for i in range(10):
            began = time.perf_counter()
            reporter.log("INFO", "m%d" % i)
            self.assertLess(time.perf_counter() - began, 0.5, "nobody waits")
        self.assertTrue(reporter.flush(30))
        self.assertEqual(10, reporter.stats().spooled)
        self.assertGreater(reporter.stats().spool_bytes, 0)
        receiver = self.receiver(port=port)
        for i in range(10, 20):
            reporter.log("INFO", "m%d" % i)
        self.assertTrue(receiver.wait(lambda r: len(r.taken) >= 20, 60))
        self.assertEqual(["m%d" % i for i in range(20)], [report["message"] for report in receiver.taken])
        self.assertEqual(20, len({report["id"] for report in receiver.taken}))

    def test_a_relay_that_hangs_under_load_loses_nothing_while_there_is_room_on_disk(self):
        with socket.socket() as hanging:
            hanging.bind(("127.0.0.1", 0))
            hanging.listen(50)
            reporter = self.reporter(out="relay:http://127.0.0.1:%d" % hanging.getsockname()[1], spool=self.spool, queue_bytes_max=4 << 20)
            # 2 MB a second for four seconds: twice what may wait in memory, while a send would hang for ten.
            begin = time.monotonic()
            for i in range(8000):
                reporter.log("INFO", "x" * 800)
                ahead = begin + i / 2000 - time.monotonic()
                if ahead > 0.005:
                    time.sleep(ahead)
            reporter.close()
            stats = reporter.stats()
        self.assertEqual({}, stats.dropped)
        self.assertEqual(8000, stats.spooled)

    def test_429_is_obeyed_and_a_report_sent_again_is_the_same(self):
        times = []

        def behave(number):
            times.append(time.monotonic())
            return (429, {"Retry-After": "1"}, {}) if number == 0 else None

        receiver = self.receiver(behave)
        reporter = self.reporter(out=receiver.url, spool=self.spool)
        reporter.log("INFO", "once")
        self.assertTrue(receiver.wait(lambda r: r.taken))
        self.assertGreaterEqual(times[1] - times[0], 0.99)
        self.assertEqual(receiver.requests[0][2], receiver.requests[1][2])

    def test_refused_lines_are_counted_and_told(self):
        def behave(number):
            if number == 0:
                return 200, {}, {"accepted": 1, "refused": [{"line": 1, "reason": "bad_mark"}], "refusedMore": 1}
            return None

        receiver = self.receiver(behave)
        reporter = self.reporter(out=receiver.url, spool=self.spool)
        for i in range(3):
            reporter.log("INFO", "m%d" % i)
        self.assertTrue(receiver.wait(lambda r: len(r.requests) >= 2))
        self.assertEqual({"refused": 2}, reporter.stats().dropped)
        told = receiver.taken[-1]
        self.assertEqual(("linkloom reporter dropped 2 reports", "WARN", {"refused": 2}), (told["message"], told["level"], told["data"]))
        self.assertTrue(_warn.said("refused:bad_mark"))

    def test_a_batch_nobody_wants_is_dropped(self):
        receiver = self.receiver(lambda number: (403, {}, {}) if number == 0 else None)
        reporter = self.reporter(out=receiver.url, spool=self.spool)
        reporter.log("INFO", "m")
        self.assertTrue(receiver.wait(lambda r: len(r.requests) >= 2))
        self.assertEqual({"refused": 1}, reporter.stats().dropped)

    def test_the_spool_is_replayed_after_a_kill(self):
        port = free_port()
        script = """
            import sys, time
            sys.path.insert(0, %r)
            import linkloom_reporter as linkloom
            reporter = linkloom.install(out="relay:http://127.0.0.1:%d", spool=%r, service="s", instance="killed")
            for i in range(50):
                reporter.log("INFO", "m%%d" %% i)
            reporter.flush(30)
            print("spooled", flush=True)
            time.sleep(60)
        """ % (os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."), port, self.spool)
        with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            self.assertEqual(b"spooled\n", child.stdout.readline())
            # While it lives, its part of the spool is its own.
            receiver = self.receiver(lambda number: (503, {}, {}) if child.poll() is None else None, port=port)
            child.send_signal(signal.SIGKILL)
            child.wait()
        reporter = self.reporter(out="relay:http://127.0.0.1:%d" % port, spool=self.spool, instance="next")
        reporter.log("INFO", "new")
        self.assertTrue(receiver.wait(lambda r: len(r.taken) >= 51, 60))
        old = [report for report in receiver.taken if report["instance"] == "killed"]
        self.assertEqual(["m%d" % i for i in range(50)], [report["message"] for report in old])
        self.assertTrue(reporter.flush(30))
        reporter.close()
        self.assertEqual([], os.listdir(self.spool))

    def test_the_spool_is_bounded(self):
        reporter = self.reporter(out="relay:http://127.0.0.1:%d" % free_port(), spool=self.spool, spool_bytes_max=3 << 20)
        for _ in range(6):
            for i in range(1000):
                reporter.log("INFO", "x" * 800)
            self.assertTrue(reporter.flush(30))
        stats = reporter.stats()
        self.assertLessEqual(stats.spool_bytes, 3 << 20)
        self.assertGreater(stats.dropped["spoolFull"], 1000)
        kept = sum(os.path.getsize(os.path.join(at, f)) for at, _, files in os.walk(self.spool) for f in files)
        self.assertLessEqual(kept, 3 << 20)

    def test_a_spool_that_cannot_be_written_gives_way_to_the_file(self):
        reporter = self.reporter(
            out="relay:http://127.0.0.1:%d" % free_port(), spool="/proc/linkloom/spool", fallback="file:" + self.file
        )
        reporter.log("INFO", "kept")
        self.assertTrue(reporter.flush(30))
        self.assertEqual(["kept"], [report["message"] for report in read(self.file)])

    def test_what_is_too_long_is_dropped_and_told(self):
        reporter = self.reporter(out="file:" + self.file)
        reporter._outlet.offer(b"x" * ((1 << 20) + 1), NODES)
        reporter.log("INFO", "m")
        self.assertTrue(reporter.flush())
        reports = read(self.file)
        self.assertEqual(["m", "linkloom reporter dropped 1 reports"], [report["message"] for report in reports])
        self.assertEqual({"tooLong": 1}, reports[1]["data"])
        self.assertNotIn("businessId", reports[1])

    def test_a_full_queue_drops_the_lowest_first(self):
        queue = LineQueue(3 * (10 + 96))
        self.assertEqual([0, 0, 0], [queue.offer(b"%9d\n" % i, rank) for i, rank in enumerate((INFO, DEBUG, NODES))])
        self.assertEqual(1, queue.offer(b"%9d\n" % 3, OTHERS), "for the debug")
        self.assertEqual(1, queue.offer(b"%9d\n" % 4, DEBUG), "itself")
        self.assertEqual(1, queue.offer(b"%9d\n" % 5, NODES), "for the info")
        self.assertEqual([2, 3, 5], [int(queue.poll(100)) for _ in range(3)])
        self.assertEqual((0, 0), (queue.bytes, queue.count))

    def test_a_child_process_has_ids_of_its_own(self):
        reporter_script = """
            import os, sys
            sys.path.insert(0, %r)
            import linkloom_reporter as linkloom
            linkloom.install(out="file:%s", service="s", instance="i")
            linkloom.get().log("INFO", "parent")
            pid = os.fork()
            linkloom.get().log("INFO", "child" if pid == 0 else "parent again")
            linkloom.get().close()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        """ % (os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."), self.file)
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(reporter_script)], capture_output=True, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        reports = read(self.file)
        self.assertEqual(["child", "parent", "parent again"], sorted(report["message"] for report in reports))
        self.assertEqual(3, len({report["id"] for report in reports}))


if __name__ == "__main__":
    unittest.main()
