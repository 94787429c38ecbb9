/// Builds `full_url`: scheme, host as sent, path and query as sent.
///
/// Percent-encodes characters not allowed in a URL, and percent signs without two hex digits; leaves out the fragment
/// and a bare `?`. Decodes nothing: the URL is reported as requested.
enum FullURL {
    /// - Parameters:
    ///   - fields: the request's header fields.
    ///   - template: a path to use instead of the request's own, such as `/users/:id`.
    ///   - origin: reads scheme and host from the headers of trusted proxies.
    ///   - hosts: checks which hosts are usable in a URL.
    ///   - filter: decides what is replaced.
    ///   - bytes: the URL is appended here; ASCII only, without quotes, backslashes and controls.
    /// - Returns: whether the URL was cut off.
    @discardableResult
    static func append(
        _ snapshot: RequestSnapshot, fields: [RequestHeaders.Field], template: String? = nil,
        origin: ForwardedOrigin? = nil, hosts: inout UsableHost, filter: inout PrivacyFilter, to bytes: inout [UInt8]
    ) -> Bool {
        let (scheme, host) = origin?.resolve(fields, peer: snapshot.remoteAddress) ?? (nil, nil)
        bytes.append(contentsOf: (scheme ?? snapshot.scheme) == "https" ? "https://".utf8 : "http://".utf8)
        (host ?? hosts.authority(of: snapshot, fields)).withBytes { bytes.append(contentsOf: $0) }
        return snapshot.target.withBytes {
            append(target: $0, template: template, style: snapshot.style, filter: &filter, to: &bytes)
        }
    }

    private static func append(
        target: UnsafeBufferPointer<UInt8>, template: String?, style: EventStyle, filter: inout PrivacyFilter,
        to bytes: inout [UInt8]
    ) -> Bool {
        let start = pathStart(of: target)
        // Skip what will be cut off, except enough to find a secret that the cut may go through.
        let room = EventLimit.urlBytes + PrivacyFilter.overlap
        let window = target.count - start > room ? start + room : target.count
        let end = target[start..<window].firstIndex(of: UInt8(ascii: "#")) ?? window
        let question = target[start..<end].firstIndex(of: UInt8(ascii: "?")) ?? end
        if let template {
            for byte in template.utf8.prefix(EventLimit.viewNameBytes) {
                if isPathByte(byte) { bytes.append(byte) } else { PercentEncoding.append(byte, to: &bytes) }
            }
        } else if start == question || target[start] != UInt8(ascii: "/") {
            bytes.append(UInt8(ascii: "/"))
        }
        let hidden = filter.hidden(
            inURL: UnsafeBufferPointer(rebasing: target[start..<end]), question: question - start)
        var next = 0
        var position = start
        if template != nil {
            position = question
            while next < hidden.count, hidden[next].upperBound + start <= question { next += 1 }
        }
        while position < end {
            let room = EventLimit.urlBytes - 16 - bytes.count
            guard room > 0 else {
                // Remove an incomplete escape.
                if let percent = bytes.suffix(2).firstIndex(of: UInt8(ascii: "%")) { bytes.removeSubrange(percent...) }
                return true
            }
            if next < hidden.count, position >= hidden[next].lowerBound + start {
                bytes.append(contentsOf: PrivacyFilter.replacement.utf8)
                position = hidden[next].upperBound + start
                next += 1
                continue
            }
            let stop = min(end, position + room, next < hidden.count ? hidden[next].lowerBound + start : end)
            let run = position
            while position < stop, isPathByte(target[position]) { position += 1 }
            if position > run {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: target[run..<position]))
                continue
            }
            if position == question {
                if question + 1 < end { bytes.append(UInt8(ascii: "?")) }
            } else {
                appendEncoded(target, at: position, end: end, inQuery: position > question, style: style, to: &bytes)
            }
            position += 1
        }
        return end == window && window < target.count
    }

    /// Returns where the path begins, past the authority of an absolute-form target (RFC 9112, section 3.2.2).
    private static func pathStart(of target: UnsafeBufferPointer<UInt8>) -> Int {
        guard let first = target.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "*") else { return 0 }
        var index = 0
        while index < target.count, isSchemeByte(target[index]) { index += 1 }
        guard index > 0, index + 2 < target.count, target[index] == UInt8(ascii: ":"),
            target[index + 1] == UInt8(ascii: "/"), target[index + 2] == UInt8(ascii: "/")
        else { return 0 }
        index += 3
        while index < target.count, target[index] != UInt8(ascii: "/"), target[index] != UInt8(ascii: "?"),
            target[index] != UInt8(ascii: "#")
        {
            index += 1
        }
        return index
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }

    private static func appendEncoded(
        _ target: UnsafeBufferPointer<UInt8>, at index: Int, end: Int, inQuery: Bool, style: EventStyle,
        to bytes: inout [UInt8]
    ) {
        let byte = target[index]
        let stays: Bool
        switch byte {
        case UInt8(ascii: "%"):
            stays =
                index + 2 < end && PercentEncoding.hexValue(target[index + 1]) != nil
                && PercentEncoding.hexValue(target[index + 2]) != nil
        case UInt8(ascii: "?"): stays = inQuery
        case UInt8(ascii: "["), UInt8(ascii: "]"):
            // RFC 3986 reserves brackets for IPv6 hosts, but browsers send them in queries. Recorded router events keep
            // them there; recorded CGI events encode them.
            stays = inQuery && style == .router
        default: stays = isPathByte(byte)
        }
        if stays { bytes.append(byte) } else { PercentEncoding.append(byte, to: &bytes) }
    }

    /// Returns whether a byte is a pchar or a slash (RFC 3986, section 3.3), except the percent sign.
    @inline(__always)
    private static func isPathByte(_ byte: UInt8) -> Bool {
        let half = byte < 64 ? pathBytes.lower : pathBytes.upper
        return byte < 128 && half &>> UInt64(byte & 63) & 1 == 1
    }

    /// One bit per ASCII byte, set if it appears unencoded in a path.
    private static let pathBytes: (lower: UInt64, upper: UInt64) = (0x2FFF_FFD2_0000_0000, 0x47FF_FFFE_87FF_FFFF)
}

/// Checks which `Host` values are usable in a URL. Caches the last one, which is nearly always the next one, too.
struct UsableHost {
    private var last = ""
    /// Whether a router's request came without a host, as all do if the adapter's mapping passes none.
    private(set) var wasMissing = false

    /// Returns `Host` as sent if it is usable in a URL, otherwise the server's own name and port.
    mutating func authority(of snapshot: RequestSnapshot, _ fields: [RequestHeaders.Field]) -> String {
        if let host = snapshot.host ?? RequestHeaders.first("host", in: fields) {
            if isUsable(host) { return host }
        } else if snapshot.style == .router {
            wasMissing = true
        }
        return HostAndPort(snapshot.serverAuthority) != nil ? snapshot.serverAuthority : "localhost"
    }

    private mutating func isUsable(_ host: String) -> Bool {
        // Compare the UTF-8 lengths, too: Swift's `==` equates some non-ASCII characters with ASCII ones.
        if host.utf8.count == last.utf8.count, host == last { return !last.isEmpty }
        guard HostAndPort(host) != nil else { return false }
        last = host
        return true
    }
}
