import CCurl

/// libcurl's transfers, on the delivery thread.
final class HTTPSession: TransportSession {
    // Owned: opened in init, closed in deinit, used by the one thread that owns this object.
    private let link: OpaquePointer
    let maximumInFlight: Int
    /// Payloads that could not even be started; reported by the next wait.
    private var failed: [DeliveryCompletion] = []
    /// Made when the backend says that it takes gzip; nil again if it does not after all, or zlib is missing.
    private var compressor: GzipCompressor?
    private var mayCompress: Bool
    private var compressed: Set<UInt64> = []
    /// The present payload's key, as C wants it.
    private var key: [UInt8] = []

    /// A shorter body fits into one packet anyway.
    private static let leastCompressed = 1_024

    init?(transport: HTTPTransport) {
        mayCompress = transport.usesCompression
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
        let isLines = payload.contentType == DeliveryPayload.linesType
        let gzip = isLines && payload.body.count >= Self.leastCompressed ? compressor?.compress(payload.body) : nil
        key.removeAll(keepingCapacity: true)
        payload.key.append(to: &key)
        key.append(0)
        let code = (gzip ?? payload.body).withUnsafeBytes { bytes in
            key.withUnsafeBytes {
                ccurl_link_start(
                    link, payload.identifier, $0.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.baseAddress,
                    bytes.count, isLines ? 1 : 0, gzip == nil ? 0 : 1)
            }
        }
        if gzip != nil, code == 0 { compressed.insert(payload.identifier) }
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
        ccurl_link_wait(link, completions.isEmpty && limit > .zero ? Int32(clamping: Self.milliseconds(limit)) : 0)
        var result = ccurl_result()
        while ccurl_link_next(link, &result) != 0 {
            let wasCompressed = !compressed.isEmpty && compressed.remove(result.identifier) != nil
            learn(from: result)
            var outcome = Self.outcome(of: result)
            if wasCompressed, result.status == 415 {
                // It does not take gzip after all (RFC 9110, section 15.5.16); the events themselves are not at fault.
                compressor = nil
                mayCompress = false
                outcome = .retry(after: nil, because: "the backend does not take gzip any more")
            }
            completions.append(
                DeliveryCompletion(
                    identifier: result.identifier, outcome: outcome,
                    acceptsLines: Self.offersLines(result.accept_post)))
        }
        return completions
    }

    func cancel() {
        ccurl_link_cancel(link)
        failed.removeAll()
        compressed.removeAll()
    }

    /// A response may say which codings the next request may have (RFC 9110, section 12.5.3).
    private func learn(from result: ccurl_result) {
        guard mayCompress, compressor == nil, result.accept_encoding.pointee != 0,
            Self.offersGzip(String(cString: result.accept_encoding))
        else { return }
        compressor = GzipCompressor()
        mayCompress = compressor != nil
    }

    /// Most answers say nothing, and a search in a text costs more than the rest of an answer.
    private static func offersLines(_ value: UnsafePointer<CChar>) -> Bool {
        value.pointee != 0 && String(cString: value).lowercased().contains(DeliveryPayload.linesType)
    }

    static func offersGzip(_ value: String) -> Bool {
        value.lowercased().split(separator: ",").contains { coding in
            let parts = coding.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            guard parts.first == "gzip" || parts.first == "x-gzip" else { return false }
            return !parts.dropFirst().contains {
                $0.hasPrefix("q=0") && !$0.dropFirst(3).contains { "123456789".contains($0) }
            }
        }
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
            status: result.status, retryAfter: result.status < 300 ? "" : String(cString: result.retry_after),
            now: SystemClock.wallNanoseconds())
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        max(1, Int(clamping: duration.nanoseconds / 1_000_000))
    }

    private static func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
        if let text { text.withCString { body($0) } } else { body(nil) }
    }
}
