"""The trackers under comparison: one class for each contender, all with the same two methods.

`bare` is the work without the tracker, `tracked` the same with it. Settings are the defaults; at process exit only the
client's own shutdown runs.
"""

import time

from sample import HEADERS, SESSION, environ
from sites import HANDLER_SECONDS


class _Site:
    """The Python package: a whole request through the framework that it is part of."""

    def __init__(self, make):
        self.plain, self.app = make(tracked=False), make(tracked=True)

    def bare(self, number, path, user_agent):
        self._ask(self.plain, path, user_agent)

    def tracked(self, number, path, user_agent):
        self._ask(self.app, path, user_agent)

    @staticmethod
    def _ask(app, path, user_agent):
        status = []
        for _ in app(environ(path, user_agent), lambda line, *_: status.append(line)):
            pass
        if not status or not status[0].startswith("200"):
            raise RuntimeError(f"{path} was answered with {status}")


class OriginalDjango(_Site):
    def __init__(self, endpoint):
        from sites import django_app

        super().__init__(django_app)


class OriginalFlask(_Site):
    def __init__(self, endpoint):
        from sites import flask_app

        super().__init__(flask_app)


class _Client:
    """A capture-only client: the request itself does nothing."""

    def bare(self, number, path, user_agent):
        if HANDLER_SECONDS:
            time.sleep(HANDLER_SECONDS)
        return {**HEADERS, "User-Agent": user_agent}


class Sentry(_Client):
    def __init__(self, endpoint):
        import sentry_sdk

        host = endpoint.removeprefix("http://")
        sentry_sdk.init(dsn=f"http://key@{host}/1", default_integrations=True)
        self.sdk = sentry_sdk

    def tracked(self, number, path, user_agent):
        headers = self.bare(number, path, user_agent)
        request = {"url": f"http://www.example.com{path}", "method": "GET", "headers": headers}
        self.sdk.capture_event({"message": "request", "level": "info", "request": request, "tags": {"session": SESSION}})


class PostHog(_Client):
    def __init__(self, endpoint):
        from posthog import Posthog

        self.client = Posthog("key", host=endpoint)

    def tracked(self, number, path, user_agent):
        headers = self.bare(number, path, user_agent)
        properties = {"path": path, "status": 200, "headers": headers}
        self.client.capture("request", distinct_id=SESSION, properties=properties)


class OpenTelemetry(_Client):
    def __init__(self, endpoint):
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
        trace.set_tracer_provider(provider)
        self.tracer = trace.get_tracer("compare")

    def tracked(self, number, path, user_agent):
        headers = self.bare(number, path, user_agent)
        attributes = {f"http.request.header.{name.lower()}": value for name, value in headers.items()}
        with self.tracer.start_as_current_span("GET", attributes={"url.path": path, **attributes}) as span:
            span.set_attribute("http.response.status_code", 200)


class Elastic(_Client):
    def __init__(self, endpoint):
        import elasticapm

        self.apm = elasticapm
        self.client = elasticapm.Client(
            service_name="compare", server_url=endpoint, central_config=False, metrics_interval="0s", log_level="off"
        )

    def tracked(self, number, path, user_agent):
        headers = self.bare(number, path, user_agent)
        self.client.begin_transaction("request")
        url = {"full": f"http://www.example.com{path}"}
        self.apm.set_context(lambda: {"method": "GET", "url": url, "headers": headers}, "request")
        self.client.end_transaction("GET", "HTTP 2xx")


PYTHON = {
    "original-django": OriginalDjango,
    "original-flask": OriginalFlask,
    "sentry": Sentry,
    "posthog": PostHog,
    "opentelemetry": OpenTelemetry,
    "elastic": Elastic,
}
