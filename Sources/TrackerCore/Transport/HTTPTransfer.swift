import CCurl
import CLibrary

/// A reusable libcurl easy handle with what a request needs while it is in flight.
///
/// libcurl keeps pointers to the object and to its memory, so it lives until ``close()``; the session ensures that.
///
/// Unchecked properties: see ``DeliveryLoop``.
final class HTTPTransfer {
    let easy: UnsafeMutableRawPointer
    @exclusivity(unchecked) var identifier: UInt64 = 0
    @exclusivity(unchecked) var answer = HTTPAnswer()
    @exclusivity(unchecked) var isCompressed = false
    @exclusivity(unchecked) var isUnderWay = false
    /// Whether delivery was reported while the rest of the response was still coming.
    @exclusivity(unchecked) var isReported = false
    /// When the response's header was complete, in monotonic nanoseconds; 0 before.
    @exclusivity(unchecked) var answeredAt: UInt64 = 0
    private let answered: Answered
    @exclusivity(unchecked) private var received = 0
    private let error: UnsafeMutablePointer<CChar>
    /// The header line with the idempotency key, and its node in the list of header lines.
    private let line: UnsafeMutablePointer<CChar>
    private let node: UnsafeMutablePointer<ccurl_list>
    @exclusivity(unchecked) private var body: UnsafeMutableRawPointer?
    @exclusivity(unchecked) private var bodyCapacity = 0

    /// Transfers with a complete 2xx header whose body may still be coming.
    final class Answered {
        @exclusivity(unchecked) var transfers: [HTTPTransfer] = []
    }

    private static let keyName = Array("Idempotency-Key: ".utf8)
    private static let lineCapacity = 128
    /// A larger buffer is not reused for a body of at most this size.
    private static let keptBody = 1 << 16
    /// Bounds the response's body, so that a backend that never stops sending can't hold the connection until the
    /// request times out.
    private static let maximumAnswer = 1 << 20

    /// - Parameter configure: sets the fixed options; returns false if one was refused.
    init?(_ answered: Answered, _ configure: (UnsafeMutableRawPointer) -> Bool) {
        guard let easy = ccurl_easy_init() else { return nil }
        self.answered = answered
        self.easy = easy
        error = .allocate(capacity: Int(ccurl_error_size))
        error.initialize(repeating: 0, count: Int(ccurl_error_size))
        line = .allocate(capacity: Self.lineCapacity)
        line.initialize(repeating: 0, count: Self.lineCapacity)
        node = .allocate(capacity: 1)
        node.initialize(to: ccurl_list(data: line, next: nil))
        let context = Unmanaged.passUnretained(self).toOpaque()
        let isReady =
            configure(easy)
            && ccurl_easy_set_pointer(easy, Int32(ccurl_option_private), context) == 0
            && ccurl_easy_set_pointer(easy, Int32(ccurl_option_error_buffer), error) == 0
            && ccurl_easy_set_pointer(easy, Int32(ccurl_option_write_data), context) == 0
            && ccurl_easy_set_pointer(easy, Int32(ccurl_option_header_data), context) == 0
            && ccurl_easy_set_callback(easy, Int32(ccurl_option_write_function), Self.receiveBody) == 0
            && ccurl_easy_set_callback(easy, Int32(ccurl_option_header_function), Self.receiveHeader) == 0
        guard isReady else {
            close()
            return nil
        }
    }

    /// Frees everything. The transfer must not be in a multi handle.
    func close() {
        ccurl_easy_cleanup(easy)
        error.deallocate()
        line.deallocate()
        node.deallocate()
        body?.deallocate()
        body = nil
    }

    /// Returns the transfer that a libcurl handle belongs to.
    static func of(_ easy: UnsafeMutableRawPointer) -> HTTPTransfer? {
        // The pointer was set in init to an object that outlives the handle.
        ccurl_easy_get_pointer(easy, Int32(ccurl_info_private)).map {
            Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue()
        }
    }

    /// Prepares the next request.
    ///
    /// - Parameter headers: the lines after the key's.
    /// - Returns: false if libcurl refused, or the key is too long.
    func prepare(
        _ identifier: UInt64, key: ParcelKey, keyBytes: inout [UInt8], body bytes: [UInt8],
        headers: UnsafeMutablePointer<ccurl_list>
    ) -> Bool {
        self.identifier = identifier
        answer = HTTPAnswer()
        answeredAt = 0
        received = 0
        isReported = false
        error[0] = 0
        keyBytes.removeAll(keepingCapacity: true)
        keyBytes += Self.keyName
        key.append(to: &keyBytes)
        guard keyBytes.count < Self.lineCapacity else { return false }
        for (index, byte) in keyBytes.enumerated() { line[index] = CChar(bitPattern: byte) }
        line[keyBytes.count] = 0
        node.pointee.next = headers
        let body = room(for: bytes.count)
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { body.copyMemory(from: start, byteCount: source.count) }
        }
        return ccurl_easy_set_pointer(easy, Int32(ccurl_option_http_header), node) == 0
            && ccurl_easy_set_long(easy, Int32(ccurl_option_post_field_size), bytes.count) == 0
            && ccurl_easy_set_pointer(easy, Int32(ccurl_option_post_fields), body) == 0
    }

    /// Returns a buffer for a body, reused if possible: most bodies have nearly the same length.
    private func room(for count: Int) -> UnsafeMutableRawPointer {
        if let body, count <= bodyCapacity, bodyCapacity <= Self.keptBody || count > Self.keptBody { return body }
        body?.deallocate()
        bodyCapacity = 2_048
        while bodyCapacity < count { bodyCapacity *= 2 }
        let room = UnsafeMutableRawPointer.allocate(byteCount: bodyCapacity, alignment: 16)
        body = room
        return room
    }

    /// libcurl's description of the error.
    func reason(_ code: Int32) -> String {
        error[0] != 0 ? String(cString: error) : ccurl_easy_error(code).map { String(cString: $0) } ?? "error \(code)"
    }

    /// A proxy's response to `CONNECT`; 0 if there was none.
    var proxyStatus: Int { ccurl_easy_get_long(easy, Int32(ccurl_info_http_connect_code)) }

    /// The time from the end of connection setup to the first byte of the response.
    var latency: Duration? {
        let end = ccurl_easy_get_offset(easy, Int32(ccurl_info_starttransfer_time))
        let start = ccurl_easy_get_offset(easy, Int32(ccurl_info_pretransfer_time))
        return end > start ? .microseconds(end - start) : nil
    }

    /// Discards the body; refusing bytes beyond the bound makes libcurl end the transfer.
    private static let receiveBody: ccurl_receive = { _, size, count, context in
        guard let context else { return 0 }
        let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
        transfer.received += size * count
        return transfer.received > HTTPTransfer.maximumAnswer ? 0 : size * count
    }

    private static let receiveHeader: ccurl_receive = { bytes, size, count, context in
        guard let context, let bytes else { return 0 }
        let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
        let wasComplete = transfer.answer.isComplete
        transfer.answer.read(UnsafeRawBufferPointer(start: bytes, count: size * count))
        // Only once: lines of a trailer section (RFC 9112, section 7.1.2) may follow.
        if !wasComplete, transfer.answer.isComplete, transfer.answer.isSuccess {
            transfer.answered.transfers.append(transfer)
        }
        return size * count
    }
}

/// The header lines shared by all requests, as linked lists for libcurl. A request's own line is prepended to a list.
final class HTTPHeaderLines {
    // Allocated in init, freed in deinit, and never changed in between: libcurl reads them while requests are in
    // flight.
    private let nodes: UnsafeMutablePointer<ccurl_list>
    private static let texts = [
        // Set with libcurl's own option, it would be formatted twice for each request.
        "User-Agent: rigidanalytics-tracker-swift/\(TrackerVersion.current)",
        // An empty "Expect:" keeps libcurl from waiting for "100 Continue" before larger bodies.
        "Expect:", "Content-Type: \(DeliveryPayload.jsonType)", "Content-Type: \(DeliveryPayload.linesType)",
        "Content-Encoding: gzip",
    ]

    init() {
        nodes = .allocate(capacity: Self.texts.count)
        // agent <- expect <- json, expect <- lines <- gzip
        let next: [UnsafeMutablePointer<ccurl_list>?] = [nil, nodes, nodes + 1, nodes + 1, nodes + 3]
        for (index, text) in Self.texts.enumerated() {
            (nodes + index).initialize(to: ccurl_list(data: strdup(text), next: next[index]))
        }
    }

    deinit {
        for index in Self.texts.indices { free(nodes[index].data) }
        nodes.deallocate()
    }

    func lines(isLines: Bool, isGzip: Bool) -> UnsafeMutablePointer<ccurl_list> {
        nodes + (isLines ? (isGzip ? 4 : 3) : 2)
    }
}

/// Exposes the parsers of header values and settings to fuzzers.
package enum HeaderProbe {
    package static func read(_ text: String) -> Int {
        let after = RetryAfter.parse(text, now: 0)
        let cookie = SetCookieAttributes(text)
        let host = HostAndPort(text)
        let addresses = ClientAddresses.truncated(text)
        let endpoint = BackendEndpoint(text)
        let proxies = TrustedProxies(text: text)
        let offers = HTTPAnswer.offersGzip(text)
        return [after != nil, cookie != nil, host != nil, endpoint != nil, proxies != nil, offers].count { $0 }
            + addresses.utf8.count
    }
}
