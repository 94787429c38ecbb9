import CCurl
import CLibrary

/// A session over libcurl's multi interface, on the delivery thread.
///
/// Unchecked properties: see ``DeliveryLoop``.
final class HTTPSession: TransportSession {
    private let transport: HTTPTransport
    // Opened in init or on demand, closed when idle or in deinit, and used only by the thread that owns this object.
    @exclusivity(unchecked) private var multi: UnsafeMutableRawPointer?
    private let share: UnsafeMutableRawPointer?
    /// Allocated separately, because libcurl keeps a pointer to it.
    private let sockets: UnsafeMutablePointer<ccurl_sockets>
    private let headers = HTTPHeaderLines()
    @exclusivity(unchecked) private var transfers: [HTTPTransfer] = []
    /// Those of `transfers` that are not in flight.
    @exclusivity(unchecked) private var idle: [HTTPTransfer] = []
    private let answered = HTTPTransfer.Answered()
    /// Payloads that could not be started; reported by the next wait.
    @exclusivity(unchecked) private var failed: [DeliveryCompletion] = []
    @exclusivity(unchecked) private var underWay = 0
    @exclusivity(unchecked) private var version: Int = 0
    @exclusivity(unchecked) private var compression: Compression
    @exclusivity(unchecked) private var keyBytes: [UInt8] = []
    @exclusivity(unchecked) private var lastTurn: UInt64 = 0

    private enum Bound {
        /// The maximum number of HTTP/2 connections; each carries as many concurrent requests as the peer allows.
        static let multiplexed = 8
        static let streamsPerConnection = 1_000
        static let requestsOverStreams = 1_024
        /// How long the body of a 2xx may take before its payload counts as delivered, and before it is cut off. Its
        /// content does not matter.
        static let answerBody: UInt64 = 20_000_000
        static let bodyTimeout: UInt64 = 250_000_000
        /// With more requests in flight than this, libcurl runs at most once per millisecond for all of them.
        static let manyRequests = 64
        static let pause: UInt64 = 1_000_000
    }

    init(transport: HTTPTransport) throws(TransportUnavailable) {
        self.transport = transport
        compression = Compression(isAllowed: transport.usesCompression)
        sockets = .allocate(capacity: 1)
        sockets.initialize(to: ccurl_sockets())
        share = ccurl_share_init()
        // One transfer, to check that libcurl accepts the settings.
        guard let first = makeTransfer(), openMulti() != nil else {
            throw TransportUnavailable("libcurl could not be set up; the process may be out of memory")
        }
        idle.append(first)
        ccurl_sockets_keep_spare(sockets)
    }

    deinit {
        cancel()
        for transfer in transfers { transfer.close() }
        if let multi { ccurl_multi_cleanup(multi) }
        if let share { ccurl_share_cleanup(share) }
        ccurl_sockets_free(sockets)
        sockets.deallocate()
    }

    private var isMultiplexed: Bool { version >= Int(ccurl_http_version_2) }

    var maximumInFlight: Int {
        isMultiplexed ? Bound.requestsOverStreams : max(1, transport.maximumConnections)
    }

    var connections: TransportConnections {
        let name: String? =
            switch version {
            case Int(ccurl_http_version_1_0): "HTTP/1.0"
            case Int(ccurl_http_version_1_1): "HTTP/1.1"
            case Int(ccurl_http_version_2): "HTTP/2"
            case Int(ccurl_http_version_3): "HTTP/3"
            default: nil
            }
        return TransportConnections(count: Int(sockets.pointee.count), httpVersion: name)
    }

    // MARK: Sending

    func start(_ payload: DeliveryPayload) {
        let isLines = payload.contentType == DeliveryPayload.linesType
        let gzip = isLines ? compression.compress(payload.body) : nil
        guard let multi = openMulti(), let transfer = idle.popLast() ?? makeTransfer() else {
            return fail(payload, because: "libcurl has no memory for a request")
        }
        transfer.isCompressed = gzip != nil
        let lines = headers.lines(isLines: isLines, isGzip: gzip != nil)
        guard
            transfer.prepare(
                payload.identifier, key: payload.key, keyBytes: &keyBytes, body: gzip ?? payload.body, headers: lines),
            ccurl_multi_add(multi, transfer.easy) == 0
        else {
            idle.append(transfer)
            return fail(payload, because: "libcurl could not start a request")
        }
        transfer.isUnderWay = true
        underWay += 1
    }

    private func fail(_ payload: DeliveryPayload, because reason: String) {
        failed.append(DeliveryCompletion(identifier: payload.identifier, outcome: .unreachable(because: reason)))
    }

    func wait(atMost limit: Duration) -> [DeliveryCompletion] {
        var completions = failed
        failed.removeAll()
        guard let multi, underWay > 0 else { return completions }
        var milliseconds = completions.isEmpty && limit > .zero ? HTTPTransport.milliseconds(limit) : 0
        if !answered.transfers.isEmpty { milliseconds = min(milliseconds, 10) }
        if underWay > Bound.manyRequests, milliseconds > 0 { gather() }
        if ccurl_multi_perform(multi) > 0, milliseconds > 0 {
            // Also after a timeout: libcurl has timeouts of its own to process.
            _ = ccurl_multi_poll(multi, Int32(clamping: milliseconds))
            _ = ccurl_multi_perform(multi)
        }
        var easy: UnsafeMutableRawPointer?
        var code: Int32 = 0
        while ccurl_multi_next(multi, &easy, &code) != 0 {
            guard let easy else { continue }
            _ = ccurl_multi_remove(multi, easy)
            guard let transfer = HTTPTransfer.of(easy) else { continue }
            if !transfer.isReported { completions.append(completion(of: transfer, code)) }
            free(transfer)
        }
        if !answered.transfers.isEmpty { completeAnswered(multi, &completions) }
        return completions
    }

    /// Completes payloads whose 2xx header has arrived without waiting for the end of the body.
    private func completeAnswered(_ multi: UnsafeMutableRawPointer, _ completions: inout [DeliveryCompletion]) {
        answered.transfers.removeAll { !$0.isUnderWay }
        guard !answered.transfers.isEmpty else { return }
        let now = SystemClock.monotonicNanoseconds()
        // One that is cut off must leave the list now: it may soon carry another payload.
        answered.transfers.removeAll { transfer in
            if transfer.answeredAt == 0 { transfer.answeredAt = now }
            let age = now - transfer.answeredAt
            if age >= Bound.answerBody, !transfer.isReported {
                transfer.isReported = true
                completions.append(completion(of: transfer, 0))
            }
            guard age >= Bound.bodyTimeout else { return false }
            _ = ccurl_multi_remove(multi, transfer.easy)
            free(transfer)
            return true
        }
    }

    /// Delays libcurl's next run. Each run visits every request in flight, so a run for each of thousands of responses
    /// a second would cost more than everything else.
    private func gather() {
        let now = SystemClock.monotonicNanoseconds()
        if now &- lastTurn < Bound.pause { usleep(UInt32((Bound.pause - (now &- lastTurn)) / 1_000)) }
        lastTurn = SystemClock.monotonicNanoseconds()
    }

    private func completion(of transfer: HTTPTransfer, _ code: Int32) -> DeliveryCompletion {
        let answer = transfer.answer
        // A complete header is the backend's decision, however the transfer ended.
        guard answer.status > 0, code == 0 || answer.isSuccess || answer.isComplete else {
            ccurl_sockets_sweep(sockets)
            return DeliveryCompletion(
                identifier: transfer.identifier,
                outcome: HTTPAnswer.outcome(
                    curlCode: code, proxyStatus: transfer.proxyStatus, reason: transfer.reason(code)))
        }
        learn(from: transfer)
        let now = SystemClock.wallNanoseconds()
        var outcome = answer.outcome(now: now)
        if transfer.isCompressed, answer.status == 415 {
            // The backend does not accept gzip after all (RFC 9110, section 15.5.16); the events are not at fault.
            compression.refused()
            outcome = .retry(after: nil, because: "the backend no longer accepts gzip")
        }
        return DeliveryCompletion(
            identifier: transfer.identifier, outcome: outcome, acceptsLines: answer.acceptsLines,
            latency: transfer.latency, retryAfter: answer.isSuccess ? nil : answer.pause(now: now))
    }

    private func learn(from transfer: HTTPTransfer) {
        let version = ccurl_easy_get_long(transfer.easy, Int32(ccurl_info_http_version))
        if version != self.version {
            self.version = version
            if let multi { limitConnections(multi) }
        }
        if transfer.answer.acceptsGzip { compression.offered(now: SystemClock.monotonicNanoseconds()) }
    }

    private func free(_ transfer: HTTPTransfer) {
        // If it were in the idle list twice, it would carry two payloads at once.
        guard transfer.isUnderWay else { return }
        underWay -= 1
        transfer.isUnderWay = false
        idle.append(transfer)
    }

    func cancel() {
        guard let multi else { return }
        for transfer in transfers where transfer.isUnderWay {
            _ = ccurl_multi_remove(multi, transfer.easy)
            free(transfer)
        }
        failed.removeAll()
        answered.transfers.removeAll()
    }

    func closeIdleConnections() {
        guard let multi else { return }
        // Their events are delivered; only the rest of the response is still coming.
        for transfer in transfers where transfer.isUnderWay && transfer.isReported {
            _ = ccurl_multi_remove(multi, transfer.easy)
            free(transfer)
        }
        answered.transfers.removeAll { !$0.isUnderWay }
        guard underWay == 0 else { return }
        ccurl_multi_cleanup(multi)
        self.multi = nil
    }

    // MARK: Setting up

    private func openMulti() -> UnsafeMutableRawPointer? {
        if let multi { return multi }
        guard let opened = ccurl_multi_init() else { return nil }
        limitConnections(opened)
        _ = ccurl_multi_set_long(
            opened, Int32(ccurl_multi_option_max_concurrent_streams), Bound.streamsPerConnection)
        multi = opened
        return opened
    }

    private func limitConnections(_ multi: UnsafeMutableRawPointer) {
        let most = max(1, transport.maximumConnections)
        let limit = isMultiplexed ? min(most, Bound.multiplexed) : most
        _ = ccurl_multi_set_long(multi, Int32(ccurl_multi_option_max_host_connections), limit)
        _ = ccurl_multi_set_long(multi, Int32(ccurl_multi_option_max_connects), limit)
    }

    private func makeTransfer() -> HTTPTransfer? {
        guard let transfer = HTTPTransfer(answered, { transport.configure($0, sockets: sockets, share: share) }) else {
            return nil
        }
        transfers.append(transfer)
        return transfer
    }
}
