import CCurl

/// libcurl's transfers, on the delivery thread.
final class HTTPSession: TransportSession {
    // Owned: opened in init, closed in deinit, used by the one thread that owns this object.
    private let link: OpaquePointer
    let maximumInFlight: Int
    /// Payloads that could not even be started; reported by the next wait.
    private var failed: [DeliveryCompletion] = []

    init?(transport: HTTPTransport) {
        maximumInFlight = max(1, transport.maximumConnections)
        let inFlight = Int32(clamping: maximumInFlight)
        let opened = transport.url.withCString { url in
            "rigidanalytics-tracker-swift/\(TrackerVersion.current)".withCString { agent in
                "Content-Type: \(DeliveryPayload.jsonType)".withCString { json in
                    "Content-Type: \(DeliveryPayload.linesType)".withCString { lines in
                        Self.withOptionalCString(transport.caFile) { caFile in
                            var options = ccurl_options(
                                url: url, user_agent: agent, content_type_json: json, content_type_lines: lines,
                                ca_file: caFile, connect_timeout_ms: Self.milliseconds(transport.connectTimeout),
                                request_timeout_ms: Self.milliseconds(transport.requestTimeout),
                                maximum_transfers: inFlight)
                            return ccurl_link_open(&options)
                        }
                    }
                }
            }
        }
        guard let opened else { return nil }
        link = opened
    }

    deinit {
        ccurl_link_close(link)
    }

    func start(_ payload: DeliveryPayload) {
        let isLines: Int32 = payload.contentType == DeliveryPayload.linesType ? 1 : 0
        let code = payload.body.withUnsafeBytes { bytes in
            payload.idempotencyKey.withCString {
                ccurl_link_start(link, payload.identifier, $0, bytes.baseAddress, bytes.count, isLines, 0)
            }
        }
        if code != 0 {
            failed.append(
                DeliveryCompletion(
                    identifier: payload.identifier,
                    outcome: .retry(after: nil, because: "libcurl could not start a request")))
        }
    }

    func wait(atMost limit: Duration) -> [DeliveryCompletion] {
        var completions = failed
        failed.removeAll()
        ccurl_link_wait(link, completions.isEmpty ? Int32(clamping: Self.milliseconds(limit)) : 0)
        var result = ccurl_result()
        while ccurl_link_next(link, &result) != 0 {
            completions.append(
                DeliveryCompletion(
                    identifier: result.identifier, outcome: Self.outcome(of: result),
                    acceptsLines: String(cString: result.accept_post).lowercased().contains(DeliveryPayload.linesType)))
        }
        return completions
    }

    func cancel() {
        ccurl_link_cancel(link)
        failed.removeAll()
    }

    private static func outcome(of result: ccurl_result) -> DeliveryOutcome {
        // A status line says what the backend decided, even if the rest of the answer never came.
        guard result.status > 0, result.code == 0 || (200...299).contains(result.status) else {
            let reason = String(cString: result.error)
            return ccurl_classify(result.code) == ccurl_failure_certificate
                ? .holdBack(because: "the connection is not trusted, so nothing was sent: \(reason)")
                : .retry(after: nil, because: reason)
        }
        return HTTPOutcome.outcome(
            status: result.status, retryAfter: String(cString: result.retry_after),
            now: SystemClock.wallNanoseconds())
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        max(1, Int(clamping: duration.nanoseconds / 1_000_000))
    }

    private static func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
        if let text { text.withCString { body($0) } } else { body(nil) }
    }
}
