"""Logging, nodes, context, hostile input."""

import asyncio
import collections
import concurrent.futures
import contextvars
import dataclasses
import enum
import json
import logging
import logging.handlers
import queue
import threading
import unittest

from support import Lines

import linkloom_reporter as linkloom
from linkloom_reporter import _warn, reporter as reporter_module
from linkloom_reporter.context import NONE
from linkloom_reporter.mark import LinkMark


class Case(unittest.TestCase):
    def setUp(self):
        _warn.forget()
        self.lines = Lines()
        self.use()

    def use(self, **settings):
        made = linkloom.Reporter(linkloom.Settings(service="s", instance="i", **settings), sink=self.lines)
        before, reporter_module._global = reporter_module._global, made
        self.addCleanup(setattr, reporter_module, "_global", before)
        return made

    @property
    def reports(self):
        return self.lines.reports

    def logger(self):
        logger = logging.Logger("test")
        logger.addHandler(linkloom.LinkloomHandler())
        return logger


class Logging(Case):
    def test_a_log_within_a_mark_and_a_node(self):
        log = self.logger()
        with linkloom.pass_link_mark("b", "s", "e"), linkloom.node("n"):
            log.warning("stored %s", 42, extra={"contentId": 42})
        report = self.reports[1]
        self.assertEqual(
            ("log", "b", "s", "e", "n", "WARN", "stored 42", {"contentId": 42}),
            tuple(report[k] for k in ("type", "businessId", "sceneId", "executionId", "nodeName", "level", "message", "data")),
        )

    def test_levels(self):
        log = self.logger()
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
            log.log(level, "m")
        self.assertEqual(["DEBUG", "INFO", "WARN", "ERROR", "FATAL"], [report["level"] for report in self.reports])

    def test_exceptions_with_causes(self):
        log = self.logger()
        try:
            try:
                raise OSError("reset")
            except OSError as e:
                raise ValueError("row not written") from e
        except ValueError:
            log.exception("failed")
        exception = self.reports[0]["exception"]
        self.assertEqual(("ValueError", "row not written"), (exception["type"], exception["message"]))
        self.assertIn("in test_exceptions_with_causes", exception["stack"])
        self.assertIn("\nCaused by: OSError: reset\n", exception["stack"])

    def test_placeholders_that_do_not_match(self):
        log = self.logger()
        log.error("%d of %s", "x")
        log.error("no placeholder", 1)
        self.assertEqual(["%d of %s ('x',)", "no placeholder (1,)"], [report["message"] for report in self.reports])

    def test_formatter(self):
        formatter = linkloom.LinkloomFormatter()
        with linkloom.pass_link_mark("b_s_e"):
            line = formatter.format(logging.LogRecord("l", logging.INFO, "f", 1, "m %s", ("x",), None))
        self.assertNotIn("\n", line)
        self.assertEqual(("m x", "b"), (json.loads(line)["message"], json.loads(line)["businessId"]))

    def test_the_context_crosses_a_queue_handler(self):
        records = queue.Queue()
        handler = logging.handlers.QueueHandler(records)
        handler.addFilter(linkloom.ContextFilter())
        logger = logging.Logger("test")
        logger.addHandler(handler)
        listener = logging.handlers.QueueListener(records, linkloom.LinkloomHandler())
        listener.start()
        with linkloom.pass_link_mark("b", "s", "e"), linkloom.node("n"):
            try:
                raise ValueError("v")
            except ValueError:
                logger.exception("m")
        listener.stop()
        report = next(r for r in self.reports if r["type"] == "log")
        self.assertEqual(("b", "n", "ValueError", "v"), (report["businessId"], report["nodeName"], report["exception"]["type"], report["exception"]["message"]))


class Nodes(Case):
    def test_with(self):
        with linkloom.pass_link_mark("b", "s", "e"):
            with linkloom.node("outer", input={"a": 1}) as run:
                run.output = "out"
                run.case = "yes"
                with self.assertRaises(KeyError), linkloom.node("inner"):
                    raise KeyError("k")
        self.assertEqual(
            [("outer", "RUNNING"), ("inner", "RUNNING"), ("inner", "FAILED"), ("outer", "COMPLETED")],
            [(r["nodeName"], r["status"]) for r in self.reports],
        )
        self.assertEqual(("out", "yes"), (self.reports[3]["output"], self.reports[3]["case"]))
        self.assertEqual("KeyError", self.reports[2]["exception"]["type"])
        self.assertEqual("outer", self.reports[2]["parentNode"])
        self.assertEqual(self.reports[0]["runId"], self.reports[3]["runId"])
        self.assertEqual(NONE, linkloom.current())

    def test_decorator(self):
        @linkloom.trace_node("login", skip=("connection",), mask=("password",))
        def login(user, password, connection=None, *, more=1):
            return {"user": user, "password": password}

        @linkloom.trace_node(decision=True, input=False)
        def route(risk):
            return risk > 0.5

        @linkloom.trace_node
        def fails():
            raise ValueError("v")

        self.assertEqual({"user": "u", "password": "p"}, login("u", "p", object()))
        self.assertFalse(route(0.1))
        with self.assertRaises(ValueError):
            fails()
        with self.assertRaises(TypeError):
            login()
        r = self.reports
        self.assertEqual({"user": "u", "password": "***"}, r[0]["input"])
        self.assertEqual({"user": "u", "password": "***"}, r[1]["output"])
        self.assertEqual(("route", "False", False), (r[3]["nodeName"], r[3]["case"], r[3]["output"]))
        self.assertNotIn("input", r[2])
        self.assertEqual(("fails", "FAILED", "v"), (r[5]["nodeName"], r[5]["status"], r[5]["exception"]["message"]))
        self.assertEqual(("login", "FAILED"), (r[7]["nodeName"], r[7]["status"]))

    def test_async_decorator_and_cancelling(self):
        @linkloom.trace_node("slow")
        async def slow(x):
            await asyncio.sleep(0 if x else 60)
            return x

        async def main():
            self.assertEqual(1, await slow(1))
            task = asyncio.create_task(slow(0))
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        self.assertEqual(["RUNNING", "COMPLETED", "RUNNING", "FAILED"], [r["status"] for r in self.reports])

    def test_generators_are_left_alone(self):
        @linkloom.trace_node
        def generator():
            yield 1

        self.assertEqual([1], list(generator()))
        self.assertEqual([], self.reports)
        self.assertTrue(_warn.said("generator:%s" % generator.__qualname__))

    def test_an_end_by_another_thread(self):
        with linkloom.pass_link_mark("b", "s", "e"):
            run = linkloom.node("n").start().leave()
            self.assertIsNone(linkloom.current().node)
        thread = threading.Thread(target=run.complete, args=("o",))
        thread.start()
        thread.join()
        self.assertEqual(("COMPLETED", "b", "o"), tuple(self.reports[1][k] for k in ("status", "businessId", "output")))


class Contexts(Case):
    def test_tasks_and_threads(self):
        async def work():
            await asyncio.sleep(0)
            return linkloom.current()

        async def main():
            with linkloom.pass_link_mark("b", "s", "e"):
                task = asyncio.create_task(work())
                gathered = await asyncio.gather(work(), work())
                in_thread = await asyncio.get_running_loop().run_in_executor(None, linkloom.carry(linkloom.current))
                to_thread = await asyncio.to_thread(linkloom.current)
            return [await task, in_thread, to_thread] + gathered

        for context in asyncio.run(main()):
            self.assertEqual(LinkMark("b", "s", "e"), context.mark)

    def test_pools(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            with linkloom.pass_link_mark("b", "s", "e"):
                carried = list(pool.map(linkloom.carry(lambda i: linkloom.current().mark), range(10)))
            self.assertEqual({LinkMark("b", "s", "e")}, set(carried))
            self.assertEqual({None}, {pool.submit(lambda: linkloom.current().mark).result() for _ in range(10)}, "nothing is left on the threads")

    def test_nothing_leaks_between_concurrent_requests(self):
        async def request(i):
            with linkloom.pass_link_mark("b%d" % i, "s", "e"):
                with linkloom.node("n%d" % i):
                    for _ in range(5):
                        await asyncio.sleep(0)
                        linkloom.get().log("INFO", str(i))
                        await asyncio.get_running_loop().run_in_executor(None, linkloom.carry(lambda: linkloom.get().log("INFO", str(i))))

        async def main():
            await asyncio.gather(*(request(i) for i in range(100)))

        asyncio.run(main())
        logs = [r for r in self.reports if r["type"] == "log"]
        self.assertEqual(1000, len(logs))
        for r in logs:
            self.assertEqual(("b" + r["message"], "n" + r["message"]), (r["businessId"], r["nodeName"]))
        for r in self.reports:
            self.assertEqual(r["businessId"][1:], r["nodeName"][1:])

    def test_headers(self):
        with linkloom.pass_link_mark("订单", "s", "e").context.with_node("n").enter():
            headers = linkloom.inject({"Baggage": "a=b", "X": "y"})
            kafka = linkloom.inject([("x", b"y"), ("baggage", b"a=b")])
        self.assertEqual({"Baggage", "X"}, set(headers))
        self.assertTrue(headers["Baggage"].startswith("a=b,linkloom.business-id=%E8"))
        for carrier in (headers, kafka, list(headers.items())):
            context = linkloom.extract(carrier)
            self.assertEqual((LinkMark("订单", "s", "e"), "n"), (context.mark, context.parent_node))
        trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
        self.assertEqual(("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"), linkloom.extract(trace)[3:])
        self.assertEqual({}, linkloom.inject({}))
        self.assertEqual(NONE, linkloom.extract(None))
        self.assertEqual(7, linkloom.inject(7), "what are no headers is left alone")


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Card:
    number: str
    password: str


Point = collections.namedtuple("Point", "x y")


class Raises:
    def __repr__(self):
        raise RuntimeError("no text")


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Endless(dict):
    def items(self):
        i = 0
        while True:
            yield i, i
            i += 1


class Broken(dict):
    def items(self):
        yield "a", 1
        raise RuntimeError("changed meanwhile")


class Hostile(Case):
    def data(self, data):
        linkloom.get().log("INFO", "m", data)
        return self.reports[-1]["data"]

    def test_objects_of_all_kinds(self):
        self.use(masks=[linkloom.MaskRule.key("password")])
        self.assertEqual({"number": "1", "password": "***"}, self.data(Card("1", "p")))
        self.assertEqual(["RED", [1, 2], "NaN", "Infinity"], self.data((Colour.RED, Point(1, 2), float("nan"), float("inf"))))
        self.assertEqual("…", self.data(Raises()))
        self.assertEqual({"x": ["…", 1]}, self.data({"x": [Raises(), 1]}))
        self.assertEqual("…", self.data(Broken(a=1)))
        self.assertEqual("…", self.data(10**5000) if hasattr(__import__("sys"), "set_int_max_str_digits") else "…")

    def test_recursion(self):
        loop = [1]
        loop.append({"again": loop})
        self.assertEqual([1, {"again": "…cycle"}], self.data(loop))
        deep = []
        for _ in range(100000):
            deep = [deep]
        self.assertIn("…", json.dumps(self.data(deep), ensure_ascii=False))
        while deep:  # Or it is freed by recursion.
            deep = deep.pop()

    def test_endless_and_huge(self):
        self.assertIsInstance(self.data(Endless()), str)
        self.assertEqual(262144, len(json.dumps(self.data("x" * 10_000_000), ensure_ascii=False).encode()))
        linkloom.get().log("INFO", "é" * 10_000_000)
        self.assertLessEqual(len(self.reports[-1]["message"].encode()), 65536)
        self.use(masks=[linkloom.MaskRule.text("email"), linkloom.MaskRule.text("bankCard")])
        self.assertTrue(self.data("a@b.cn 4111111111111111 " * 500_000).startswith('"*** *** '))

    def test_exceptions_without_text(self):
        linkloom.get().log("ERROR", "m", exception=NoText())
        self.assertEqual({"type": "test_reporter.NoText"}, self.reports[0]["exception"])

    def test_null_everything_and_nonsense(self):
        linkloom.get().log(None, None, None, None, None)
        linkloom.node(None).start().complete()
        linkloom.node("n").start().fail("a text is no exception")
        linkloom.node("n", iteration="x", sub_execution_id=7).start().complete(case=object())
        with linkloom.pass_link_mark(None), linkloom.pass_link_mark(1, 2, 3):
            linkloom.get().log("INFO", 7)
        with linkloom.pass_link_mark("no mark"):
            linkloom.get().log("INFO", "\ud83d")
        self.assertEqual(9, len(self.reports))
        self.assertEqual(("1", "7"), (self.reports[7]["businessId"], self.reports[7]["message"]))
        self.assertEqual({"businessId": "no mark"}, self.reports[8]["attributes"]["invalidMark"])
        self.assertEqual("\ufffd", self.reports[8]["message"])

    def test_an_object_that_reports_while_it_is_reported(self):
        class Chatty:
            def __repr__(self):
                linkloom.get().log("INFO", "within")
                return "chatty"

        self.assertEqual("chatty", self.data(Chatty()))
        self.assertEqual(["within", "m"], [r["message"] for r in self.reports])

    def test_a_context_of_its_own_is_not_disturbed(self):
        context = contextvars.copy_context()
        context.run(lambda: linkloom.pass_link_mark("b", "s", "e").__enter__())
        self.assertEqual(NONE, linkloom.current())


if __name__ == "__main__":
    unittest.main()
