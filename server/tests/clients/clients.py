"""What the real clients send, recorded and priced by the real server."""

import asyncio
import json
import os
import sys
import time
import unittest
from datetime import datetime, timezone
from unittest import mock

import arrivals
from product import CLAUDE_COST, COST, SECRET, USAGE, Product, start_provider

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["OTEL_SERVICE_NAME"] = "checkout"

import anthropic
import litellm
import openai
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from litellm.caching.caching import Cache
from langchain_anthropic import ChatAnthropic
from litellm.integrations.generic_api.generic_api_callback import GenericAPILogger
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInferenceInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

PROMPT = [{"role": "user", "content": f"{SECRET} prompt"}]
PRODUCT = None
PROVIDER = None
# Seconds until something that runs beside must have arrived.
LIMIT = 30


def setUpModule():
    global PRODUCT, PROVIDER
    PROVIDER = start_provider()
    PRODUCT = Product()


def tearDownModule():
    PRODUCT.stop()


class Recording(unittest.TestCase):
    """Each test has an organization of its own."""

    def setUp(self):
        name = self.id().rsplit(".", 1)[-1].replace("_", "-").removeprefix("test-")
        self.org = PRODUCT.organization(name)

    def tearDown(self):
        self.assertNotIn(SECRET, json.dumps([self.org.events(), self.org.rejected()]), "a prompt was kept")

    def assert_is_the_call(self, event, usage_format):
        self.assertEqual((event["provider"], event["model"]), ("openai", "gpt-4o-2024-08-06"))
        self.assertEqual((event["cost"], event["usage_format"]), (COST, usage_format))
        meters = {"Input": "600", "Cache read": "400", "Output": "70", "Reasoning": "30"}
        self.assertEqual(event["meters"], meters)
        self.assertTrue(event["adds_up"])


class OpenTelemetry(Recording):
    def exporter(self, compression):
        return OTLPSpanExporter(
            endpoint=f"{self.org.url}/otlp/v1/traces", headers={"x-api-key": self.org.key}, compression=compression
        )

    def provider(self, compression):
        provider = TracerProvider(resource=Resource.create({"deployment.environment.name": "staging"}))
        provider.add_span_processor(BatchSpanProcessor(self.exporter(compression)))
        self.addCleanup(provider.shutdown)
        return provider

    def test_an_instrumented_client_is_billed_once_under_its_agent(self):
        for compression in (Compression.NoCompression, Compression.Gzip, Compression.Deflate):
            provider = self.provider(compression)
            instrumentor = OpenAIInstrumentor()
            instrumentor.instrument(tracer_provider=provider)
            try:
                with provider.get_tracer("agents").start_as_current_span("agent") as agent:
                    client = openai.OpenAI(base_url=PROVIDER, api_key="x")
                    client.chat.completions.create(model="gpt-4o", messages=PROMPT)
                    # An agent repeats what the calls inside it used.
                    agent.set_attribute("gen_ai.operation.name", "invoke_agent")
                    agent.set_attribute("gen_ai.request.model", "gpt-4o")
                    agent.set_attribute("gen_ai.usage.input_tokens", 1000)
                    agent.set_attribute("gen_ai.usage.output_tokens", 100)
            finally:
                instrumentor.uninstrument()
            self.assertTrue(provider.force_flush(), "the exporter was refused")
        events = self.org.events()
        self.assertEqual(len(events), 3)
        for event in events:
            self.assert_is_the_call(event, "opentelemetry")
            attributes = event["attributes"]
            self.assertEqual((event["feature"], attributes["Environment"]), ("checkout", "staging"))
            self.assertTrue(attributes["Provider's response"].startswith("chatcmpl-"))
            arrivals.arrived("OpenLLMetry, OpenAI client", "opentelemetry-instrumentation-openai", event, COST)
        self.assertEqual(self.org.rejected(), [])

    def test_openinference(self):
        provider = self.provider(Compression.Gzip)
        instrumentor = OpenInferenceInstrumentor()
        instrumentor.instrument(tracer_provider=provider)
        self.addCleanup(instrumentor.uninstrument)
        openai.OpenAI(base_url=PROVIDER, api_key="x").chat.completions.create(model="gpt-4o", messages=PROMPT)
        self.assertTrue(provider.force_flush(), "the exporter was refused")
        (event,) = self.org.events()
        self.assert_is_the_call(event, "opentelemetry")
        arrivals.arrived("OpenInference, OpenAI client", "openinference-instrumentation-openai", event, COST)

    def test_an_agent_of_pydantic_ai_comes_after_its_call(self):
        provider = self.provider(Compression.Gzip)
        model = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(base_url=PROVIDER, api_key="x"))
        settings = InstrumentationSettings(tracer_provider=provider, include_content=False)
        agent = Agent(model, name="planner", capabilities=[Instrumentation(settings=settings)])
        # One request for each span, as it ends.
        provider.add_span_processor(SimpleSpanProcessor(self.exporter(Compression.Gzip)))
        agent.run_sync(f"{SECRET} prompt")
        self.assertTrue(provider.force_flush(), "the exporter was refused")
        (event,) = self.org.events()
        self.assert_is_the_call(event, "opentelemetry")
        self.assertEqual({entry["code"] for entry in self.org.rejected()} - {"repeats"}, set())
        arrivals.arrived("pydantic-ai", "pydantic-ai-slim", event, COST)

    def test_anthropics_own_spans_beside_those_of_langchain_are_suspected(self):
        provider = self.provider(Compression.Gzip)
        trace.set_tracer_provider(provider)
        instrumentor = LangChainInstrumentor()
        instrumentor.instrument(tracer_provider=provider)
        self.addCleanup(instrumentor.uninstrument)
        url = PROVIDER.removesuffix("/v1")
        # Without a span around them each would begin a trace of its own.
        with provider.get_tracer("app").start_as_current_span("request"):
            ChatAnthropic(model="claude-sonnet-4-5", base_url=url, api_key="x").invoke(f"{SECRET} prompt")
        self.assertTrue(provider.force_flush(), "the exporter was refused")
        both = self.org.events()
        self.assertEqual(sorted(event["possible_duplicate"] for event in both), [False, True])
        (langchain,) = [event for event in both if "Provider's response" not in event["attributes"]]
        arrivals.arrived("OpenInference, LangChain", "openinference-instrumentation-langchain", langchain, CLAUDE_COST)
        anthropic.Anthropic(base_url=url, api_key="x").messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=PROMPT)
        self.assertTrue(provider.force_flush(), "the exporter was refused")
        event = self.org.events()[-1]
        self.assertEqual(event["cost"], CLAUDE_COST)
        arrivals.arrived("Anthropic's SDK, its own spans", "anthropic", event, CLAUDE_COST)

    def test_an_unreachable_model_is_a_failed_attempt(self):
        provider = self.provider(Compression.Gzip)
        instrumentor = OpenAIInstrumentor()
        instrumentor.instrument(tracer_provider=provider)
        try:
            client = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="x", max_retries=0)
            with self.assertRaises(openai.APIConnectionError):
                client.chat.completions.create(model="gpt-4o", messages=PROMPT)
        finally:
            instrumentor.uninstrument()
        provider.force_flush()
        (event,) = self.org.events()
        self.assertEqual((event["status"], event["tokens"], event["cost"]), ("error", 0, "0.000000000000"))


class LiteLlm(Recording):
    def setUp(self):
        super().setUp()
        # It keeps what was registered once in several lists.
        self.addCleanup(litellm.logging_callback_manager._reset_all_callbacks)

    def logger(self, log_format):
        return GenericAPILogger(
            endpoint=f"{self.org.url}/v1/ingest/litellm",
            headers={"Authorization": f"Bearer {self.org.key}"},
            log_format=log_format,
        )

    def complete(self, log_format, *calls, more=None):
        """Makes the calls and waits until as many events are recorded, or as many more as another route adds."""

        async def all_calls():
            # It starts a task of its own, so it is made where the calls run.
            logger = self.logger(log_format)
            litellm.callbacks = [logger, *(more or [])]
            before = len(self.org.rows())
            for call in calls:
                try:
                    await call()
                except litellm.exceptions.RateLimitError:
                    pass
            # Callbacks run beside the calls.
            give_up = time.monotonic() + LIMIT
            while len(self.org.rows()) < before + len(calls) * (1 + len(more or [])):
                self.assertLess(time.monotonic(), give_up, "LiteLLM's logs did not arrive")
                await asyncio.sleep(0.1)
                await logger.flush_queue()
                for other in more or []:
                    other.tracer_provider.force_flush()

        asyncio.run(all_calls())
        litellm.logging_callback_manager._reset_all_callbacks()

    def chat(self, **settings):
        settings = {"model": "openai/gpt-4o", "api_base": PROVIDER, "api_key": "x", "messages": PROMPT, **settings}
        return lambda: litellm.acompletion(**settings)

    def test_every_log_format_is_recorded(self):
        for log_format in ("json_array", "ndjson", "single"):
            calls = [self.chat(metadata={"tags": ["feature:triage"]}), self.chat(metadata={"tags": ["feature:triage"]})]
            self.complete(log_format, *calls)
        events = self.org.events()
        self.assertEqual(len(events), 6)
        for event in events:
            self.assert_is_the_call(event, "litellm")
            self.assertEqual((event["reported_cost"], event["feature"]), (COST, "triage"))
            self.assertFalse(event["possible_duplicate"])
            arrivals.arrived("LiteLLM, `generic_api`", "litellm", event, COST)
        self.assertEqual(self.org.rejected(), [])

    def test_failures_mocks_embeddings_and_cache_hits(self):
        litellm.cache = Cache()
        self.addCleanup(setattr, litellm, "cache", None)
        cached = self.chat(caching=True)

        async def from_the_cache():
            # What is cached is written beside the first call.
            while f"{SECRET} answer" not in str(litellm.cache.cache.cache_dict):
                await asyncio.sleep(0.01)
            await cached()

        self.complete(
            "json_array",
            self.chat(model="gpt-4o-mini", mock_response="mock", api_base=None, user="u1"),
            self.chat(model="anthropic/claude-sonnet-4-5-20250929", mock_response="litellm.RateLimitError", api_base=None),
            lambda: litellm.aembedding(model="text-embedding-3-small", input=[SECRET], mock_response=[0.1]),
            cached,
            from_the_cache,
        )
        events = {}
        for event in self.org.events():
            events.setdefault((event["model"], event["status"]), []).append(event)
        (mocked,) = events[("gpt-4o-mini", "success")]
        # 10 input at $0.15 and 20 output at $0.60 per million: LiteLLM's mock counts so.
        self.assertEqual((mocked["cost"], mocked["attributes"]["User"]), ("0.000013500000", "u1"))
        (failed,) = events[("claude-sonnet-4-5-20250929", "rate_limited")]
        self.assertEqual((failed["tokens"], failed["attributes"]["Error kind"]), (0, "RateLimitError"))
        (embedded,) = events[("text-embedding-3-small", "success")]
        self.assertEqual((embedded["cost"], embedded["attributes"]["Operation"]), ("0.000000200000", "embeddings"))
        first, hit = sorted(events[("gpt-4o-2024-08-06", "success")], key=lambda event: event["timestamp"])
        self.assert_is_the_call(first, "litellm")
        self.assertEqual((hit["cost"], hit["avoided_cost"]), ("0.000000000000", COST))
        self.assertFalse(hit["possible_duplicate"], "an answer from the cache is no second call")

    def test_the_openmeter_callback(self):
        from litellm.integrations.openmeter import OpenMeterLogger

        settings = {"OPENMETER_API_ENDPOINT": self.org.url, "OPENMETER_API_KEY": self.org.key}
        with mock.patch.dict(os.environ, settings):
            logger = OpenMeterLogger()

            async def call():
                litellm.callbacks = [logger]
                await self.chat(user="u1")()
                give_up = time.monotonic() + LIMIT
                while not self.org.rows():
                    self.assertLess(time.monotonic(), give_up, "the callback said nothing")
                    await asyncio.sleep(0.1)

            asyncio.run(call())
        (event,) = self.org.events()
        # The callback says nothing of the cache: all 1,000 at $2.50.
        self.assertEqual((event["cost"], event["attributes"]["User"]), ("0.003500000000", "u1"))
        arrivals.arrived("LiteLLM, `openmeter`", "litellm", event, COST)

    def test_the_same_call_by_two_routes_is_a_possible_duplicate(self):
        from litellm.integrations.opentelemetry import OpenTelemetry as OtelCallback
        from litellm.integrations.opentelemetry import OpenTelemetryConfig

        provider = TracerProvider()
        exporter = OTLPSpanExporter(endpoint=f"{self.org.url}/otlp/v1/traces", headers={"x-api-key": self.org.key})
        provider.add_span_processor(BatchSpanProcessor(exporter))
        self.addCleanup(provider.shutdown)
        otel = OtelCallback(config=OpenTelemetryConfig(exporter="console"), tracer_provider=provider)
        otel.tracer_provider = provider
        self.complete("json_array", self.chat(), more=[otel])
        events = self.org.events()
        # The span carries LiteLLM's own usage object, cached tokens and all, so both ways come to one cost.
        self.assertEqual([event["usage_format"] for event in events], ["litellm", "litellm"])
        self.assertEqual(len({event["cost"] for event in events}), 1)
        self.assertEqual(sorted(event["possible_duplicate"] for event in events), [False, True])
        for event, other in (events, events[::-1]):
            self.assertEqual([double["id"] for double in event["possible_duplicates"]], [other["id"]])
        (span,) = [event for event in events if "-" in event["id"] and ":" not in event["id"]]
        arrivals.arrived("LiteLLM, `otel`", "litellm", span, COST)


class CloudEvents(Recording):
    def test_structured_and_binary_events_are_one(self):
        attributes = {
            "id": "call 1",
            "source": "checkout",
            "type": "llm.call",
            "subject": "customer-7",
            "time": datetime.now(timezone.utc),
            "datacontenttype": "application/json",
        }
        data = {"provider": "openai", "model": "gpt-4o-2024-08-06", "usage": USAGE, "prompt": SECRET}
        event = CloudEvent(attributes=attributes, data=data)
        for number, make in enumerate((to_structured_event, to_binary_event)):
            message = make(event)
            status, body = self.org.post("/v1/ingest/cloudevents", message.headers, message.body)
            answer = json.loads(body)
            self.assertEqual((status, answer["accepted"], answer["duplicates"]), (200, 1 - number, number), body)
        status, _ = self.org.post("/api/v1/events", to_structured_event(event).headers, to_structured_event(event).body)
        self.assertEqual(status, 204)
        (recorded,) = self.org.events()
        self.assert_is_the_call(recorded, "openai_chat")
        self.assertEqual(recorded["attributes"]["Customer"], "customer-7")
        arrivals.arrived("CloudEvents SDK", "cloudevents", recorded, COST)


if __name__ == "__main__":
    tests = unittest.main(verbosity=2, exit=False)
    sys.exit(not (tests.result.wasSuccessful() and arrivals.check()))
