/// An HTTP response, parsed line by line, and its meaning for delivery.
struct HTTPAnswer {
    /// 0 until a status line arrives.
    private(set) var status = 0
    private(set) var retryAfter = ""
    private(set) var acceptPost = ""
    private(set) var acceptEncoding = ""
    /// Whether all header lines of the final response have arrived.
    private(set) var isComplete = false

    private static let maximumValueBytes = 256

    /// Creates an empty response.
    init() {}

    /// Creates the response that another HTTP client received.
    init(status: Int, retryAfter: String, acceptPost: String) {
        self.status = status
        self.retryAfter = retryAfter
        self.acceptPost = acceptPost
        isComplete = true
    }

    /// Parses one header line, including the status line and the final empty line.
    mutating func read(_ line: UnsafeRawBufferPointer) {
        guard let first = line.first else { return }
        switch first {
        case UInt8(ascii: "H") where Self.isStatusLine(line):
            // A new status line: what came before was an interim response, such as "100 Continue".
            self = HTTPAnswer()
            status = Self.status(line)
        case UInt8(ascii: "\r"), UInt8(ascii: "\n"): isComplete = status >= 200
        case UInt8(ascii: "R"), UInt8(ascii: "r"):
            if let value = Self.value(of: line, "retry-after") { retryAfter = value }
        case UInt8(ascii: "A"), UInt8(ascii: "a"):
            if let value = Self.value(of: line, "accept-post") { acceptPost = value }
            if let value = Self.value(of: line, "accept-encoding") { acceptEncoding = value }
        default: break
        }
    }

    private static func isStatusLine(_ line: UnsafeRawBufferPointer) -> Bool {
        guard line.count >= 5 else { return false }
        return line[1] == UInt8(ascii: "T") && line[2] == UInt8(ascii: "T") && line[3] == UInt8(ascii: "P")
            && line[4] == UInt8(ascii: "/")
    }

    /// The number after the first space of a status line (RFC 9112, section 4; libcurl writes one for HTTP/2 too).
    private static func status(_ line: UnsafeRawBufferPointer) -> Int {
        guard let space = line.firstIndex(of: UInt8(ascii: " ")) else { return 0 }
        var status = 0
        for byte in line[(space + 1)...].prefix(3) {
            guard ASCII.isDigit(byte) else { return 0 }
            status = status * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return status
    }

    /// - Parameter name: in lowercase.
    private static func value(of line: UnsafeRawBufferPointer, _ name: StaticString) -> String? {
        let length = name.utf8CodeUnitCount
        guard line.count > length, line[length] == UInt8(ascii: ":") else { return nil }
        guard name.withUTF8Buffer({ ASCII.equalsIgnoringCase(line[..<length], $0) }) else { return nil }
        let value = line[(length + 1)...].prefix(maximumValueBytes).prefix { $0 != 0x0D && $0 != 0x0A }
        return UnsafeRawBufferPointer(rebasing: value).withMemoryRebound(to: UInt8.self) {
            String(decoding: ASCII.trimmed($0), as: UTF8.self)
        }
    }

    // MARK: Interpretation

    var isSuccess: Bool { (200...299).contains(status) }

    /// Whether the backend accepts several events at once (`Accept-Post`: Linked Data Platform 1.0, section 7.1).
    var acceptsLines: Bool { Self.offers(DeliveryPayload.linesType, in: acceptPost) }

    /// Whether the next request may be compressed (RFC 9110, section 12.5.3).
    var acceptsGzip: Bool { Self.offersGzip(acceptEncoding) }

    static func offersGzip(_ value: String) -> Bool { offers("gzip", in: value) || offers("x-gzip", in: value) }

    /// Whether a list of preferences names a value, with a weight above zero (RFC 9110, section 12.4.2).
    ///
    /// Works on bytes: a backend may send the list with each response, and splitting strings would cost more than
    /// handling the rest of it.
    private static func offers(_ name: String, in list: String) -> Bool {
        list.withBytes { list in
            var rest = list[...]
            while !rest.isEmpty {
                let element = rest.prefix { $0 != UInt8(ascii: ",") }
                rest = rest[element.endIndex...].dropFirst()
                let value = element.prefix { $0 != UInt8(ascii: ";") }
                let isNamed = name.withBytes {
                    ASCII.equalsIgnoringCase(ASCII.trimmed(UnsafeBufferPointer(rebasing: value)), $0)
                }
                if isNamed, !hasZeroWeight(element[value.endIndex...]) { return true }
            }
            return false
        }
    }

    /// - Parameter parameters: begin with a semicolon, or are empty.
    private static func hasZeroWeight(_ parameters: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        parameters.split(separator: UInt8(ascii: ";")).contains { parameter in
            let weight = parameter.filter { !ASCII.isBlank($0) }
            return weight.count >= 3 && ASCII.equalsIgnoringCase(weight[..<3], "q=0".utf8)
                && !weight[3...].contains { $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") }
        }
    }

    /// The wait that the backend asked for.
    ///
    /// - Parameter now: nanoseconds since 1970-01-01 UTC.
    func pause(now: Int64) -> Duration? { retryAfter.isEmpty ? nil : RetryAfter.parse(retryAfter, now: now) }

    /// Maps the status to an outcome (RFC 9110, section 15).
    func outcome(now: Int64) -> DeliveryOutcome {
        switch status {
        case 200...299: .delivered
        case 300...399:
            .holdBack(
                because: "the backend answered \(status), a redirect, which is not followed; "
                    + "set RA_BACKEND_ENDPOINT to the address it leads to, or end the maintenance")
        case 401, 403:
            .holdBack(because: "the backend answered \(status): check RA_PROJECT_TOKEN and RA_PROJECT_ID")
        case 404:
            .holdBack(because: "the backend answered 404: check RA_PROJECT_ID and RA_BACKEND_ENDPOINT")
        case 407: .holdBack(because: Self.proxyRefusal(status))
        case 408, 421, 425, 429, 500...:
            .retry(after: pause(now: now), because: "the backend answered \(status)")
        default: .drop(.rejected, because: "the backend answered \(status)")
        }
    }

    /// Maps a libcurl error without a usable status to an outcome.
    ///
    /// - Parameter proxyStatus: a proxy's response to `CONNECT` (RFC 9110, section 9.3.6); 0 if there was none.
    static func outcome(curlCode: Int32, proxyStatus: Int = 0, reason: String) -> DeliveryOutcome {
        if (300...499).contains(proxyStatus), proxyStatus != 408, proxyStatus != 429 {
            return .holdBack(because: proxyRefusal(proxyStatus))
        }
        return switch curlCode {
        // The peer's certificate or name was refused, or the CA file can't be read. Not 35, a failed handshake, since a
        // reset looks the same.
        case 51, 53, 54, 58, 59, 60, 66, 77, 82, 83, 90, 91:
            .holdBack(because: "the connection is not trusted, so nothing was sent: \(reason)")
        default: .unreachable(because: reason)
        }
    }

    private static func proxyRefusal(_ status: Int) -> String {
        status == 407
            ? "a proxy answered 407: put its credentials in http_proxy or https_proxy"
            : "a proxy answered \(status) instead of connecting to the backend: check http_proxy and https_proxy"
    }
}

/// The value of `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// - Parameters:
    ///   - value: the header's value.
    ///   - now: nanoseconds since 1970-01-01 UTC.
    /// - Returns: nil if it can't be parsed; zero for a date that has passed.
    static func parse(_ value: String, now: Int64) -> Duration? {
        let text = value.trimmingSpaces()
        guard !text.isEmpty else { return nil }
        if text.utf8.allSatisfy(ASCII.isDigit) {
            // More digits than fit mean "very long"; the caller caps it.
            return .seconds(Int64(text).map { min($0, 1 << 31) } ?? 1 << 31)
        }
        guard let date = HTTPDate.parse(text) else { return nil }
        return .seconds(max(0, date - now / 1_000_000_000))
    }
}
