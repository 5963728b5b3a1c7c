"""The vectors all toolkits share."""

import json
import os
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, ROOT)

from linkloom_reporter import baggage  # noqa: E402
from linkloom_reporter._line import ExceptionInfo, Report  # noqa: E402
from linkloom_reporter.context import NONE, current  # noqa: E402
from linkloom_reporter.mark import LinkMark  # noqa: E402
from linkloom_reporter.masks import MaskRule  # noqa: E402
from linkloom_reporter.nodes import node  # noqa: E402
from linkloom_reporter.reporter import Reporter  # noqa: E402
from linkloom_reporter.settings import Caps, Settings  # noqa: E402

with open(os.path.join(ROOT, "..", "..", "schema", "conformance", "reporter-v1.json"), encoding="utf-8") as file:
    VECTORS = json.load(file)


def mark_of(given):
    return None if given is None else LinkMark(given.get("businessId"), given.get("sceneId"), given.get("executionId"))


def exception_of(given):
    if given is None:
        return None
    causes = [(cause.get("type"), cause.get("message")) for cause in given.get("causes", ())]
    return ExceptionInfo(given.get("type"), given.get("message"), given.get("stack"), causes)


def rule_of(given):
    ((kind, of),) = given.items()
    make = {"key": MaskRule.key, "keyPattern": MaskRule.key_pattern, "textPattern": MaskRule.text_pattern, "text": MaskRule.text}
    return make[kind](of)


def message_of(call):
    if "messageUtf16" not in call:
        return call.get("message")
    return "".join(map(chr, call["messageUtf16"]))


def play(case):
    lines = []
    time = [0]
    given = case["settings"]
    settings = Settings(
        service=given.get("service"),
        instance=given["instance"],
        host=given.get("host"),
        boot=given["boot"],
        masks=[rule_of(mask) for mask in given.get("masks", ())],
        caps=Caps(**given.get("caps", {})),
    )
    settings.host = given.get("host")
    reporter = Reporter(settings, clock=lambda: time[0], sink=lambda line, rank: lines.append(line.decode("utf-8")))
    context = case["context"]
    opened = []
    entered = (
        NONE.with_mark(mark_of(context.get("mark")))
        .with_node(context.get("node"))
        .with_parent_node(context.get("parentNode"))
        .with_trace(context.get("traceId"), context.get("spanId"))
    )
    with entered.enter():
        for call in case["calls"]:
            time[0] = call["time"]
            kind = call["call"]
            if kind == "log":
                reporter.report(
                    Report(
                        call["time"],
                        context=current(),
                        node_name=current().node,
                        level=call.get("level"),
                        message=message_of(call),
                        data=call.get("data"),
                        exception=exception_of(call.get("exception")),
                        meta=call.get("meta"),
                    )
                )
            elif kind == "start":
                given = (call.get(key) for key in ("input", "iteration", "subExecutionId", "meta"))
                opened.append(node(call["node"], *given, reporter=reporter).start())
            elif kind == "skip" and call.get("node") is not None:
                node(call["node"], reporter=reporter).skip(call.get("reason"))
            elif kind == "skip":
                opened.pop().skip(call.get("reason"))
            else:
                rest = {"case": call.get("case"), "sub_execution_id": call.get("subExecutionId"), "meta": call.get("meta")}
                if kind == "complete":
                    opened.pop().complete(call.get("output"), **rest)
                else:
                    opened.pop().fail(exception_of(call.get("error")), call.get("output"), **rest)
    return lines


class Conformance(unittest.TestCase):
    def test_cases(self):
        self.assertGreaterEqual(len(VECTORS["cases"]), 60, "all vectors are there")
        for case in VECTORS["cases"]:
            with self.subTest(case["name"]):
                lines = play(case)
                self.assertEqual([line + "\n" for line in case["lines"]], lines)
                self.assertEqual(NONE, current(), "nothing is left behind")

    def test_baggage(self):
        for each in VECTORS["baggage"]:
            with self.subTest(each["header"]):
                self.assertEqual(each["header"], baggage.write(mark_of(each["mark"]), each.get("parentNode"), each.get("existing")))

    def test_baggage_in(self):
        for each in VECTORS["baggageIn"]:
            with self.subTest(each["header"]):
                context = baggage.read(each["header"])
                self.assertEqual((mark_of(each["mark"]), each.get("parentNode")), (context.mark, context.parent_node))

    def test_traceparent_in(self):
        for each in VECTORS["traceparentIn"]:
            with self.subTest(each["header"]):
                self.assertEqual((each["traceId"], each["spanId"]), baggage.traceparent(each["header"]) or (None, None))

    def test_mark_text(self):
        for each in VECTORS["markText"]:
            with self.subTest(each["text"]):
                self.assertEqual(each["text"], mark_of(each["mark"]).text())
        for each in VECTORS["markTextIn"]:
            with self.subTest(each["text"]):
                self.assertEqual(mark_of(each["mark"]), LinkMark.parse(each["text"]))


if __name__ == "__main__":
    unittest.main()
