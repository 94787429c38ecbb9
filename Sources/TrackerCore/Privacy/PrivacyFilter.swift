/// Decides which values leave the host. Used by the delivery thread alone.
struct PrivacyFilter {
    static let replacement = "[Filtered]"

    /// What happens to the value of a header field.
    enum Treatment {
        case keep
        case replace
        /// The names of the cookies stay, their values go.
        case replaceCookieValues
        /// The value holds a URL; its query is treated like that of `full_url`.
        case filterURL
    }

    let mode: PrivacyMode
    /// What was decided for a name, in a place that its hash gives. Requests repeat the same few names; a name that
    /// falls on the place of another is decided again.
    private var decided: [(name: String, treatment: Treatment)?]

    init(mode: PrivacyMode) {
        self.mode = mode
        decided = Array(repeating: nil, count: mode == .none ? 0 : 256)
    }

    mutating func treatment(ofHeader name: String, hash: HeaderNameHash) -> Treatment {
        if mode == .none { return .keep }
        let place = Int(hash.value % 256)
        if let known = decided[place], HeaderNameHash.areSame(known.name, name) { return known.treatment }
        let treatment = decide(name)
        // A very long name would stay in memory for nothing.
        if name.utf8.count <= 128 { decided[place] = (name, treatment) }
        return treatment
    }

    private func decide(_ name: String) -> Treatment {
        let lowercase = name.lowercased()
        if lowercase == "cookie" || lowercase == "set-cookie" { return .replaceCookieValues }
        if mode == .strict { return Self.harmless.contains(lowercase) ? .keep : .replace }
        if SensitiveTerms.matches(name.utf8) { return .replace }
        if Self.withURL.contains(lowercase) { return .filterURL }
        return .keep
    }

    func hidesQueryValue(name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch mode {
        case .none: false
        case .strict: true
        case .standard:
            name.contains(UInt8(ascii: "%"))
                ? SensitiveTerms.matches(PercentEncoding.decode(name)) : SensitiveTerms.matches(name)
        }
    }

    /// Whether cookie values are replaced, wherever they stand.
    var hidesCookieValues: Bool { mode != .none }

    /// Writes a `Cookie` field with the names of its cookies, in order, and without their values.
    func appendCookies(_ header: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        var position = 0
        var isFirst = true
        while position <= header.count {
            let end = header[position...].firstIndex(of: UInt8(ascii: ";")) ?? header.count
            while position < end, header[position] == 0x20 || header[position] == 0x09 { position += 1 }
            if !isFirst { writer.raw("; ") }
            isFirst = false
            if let equals = header[position..<end].firstIndex(of: UInt8(ascii: "=")) {
                writer.content(UnsafeBufferPointer(rebasing: header[position...equals]))
                writer.raw(Self.replacementBytes)
            } else if position < end {
                // Without a name it may be anything, a value as well.
                writer.raw(Self.replacementBytes)
            }
            position = end + 1
        }
    }

    /// Writes a URL that stands in a header field, without its sensitive query values.
    func appendURL(_ url: UnsafeBufferPointer<UInt8>, to writer: inout JSONWriter) {
        guard let question = url.firstIndex(of: UInt8(ascii: "?")) else { return writer.content(url) }
        let queryEnd = url[question...].firstIndex(of: UInt8(ascii: "#")) ?? url.count
        var copied = 0
        var position = question + 1
        while position < queryEnd {
            let end = url[position..<queryEnd].firstIndex(of: UInt8(ascii: "&")) ?? queryEnd
            if let equals = url[position..<end].firstIndex(of: UInt8(ascii: "=")), equals + 1 < end,
                hidesQueryValue(name: UnsafeBufferPointer(rebasing: url[position..<equals]))
            {
                writer.content(UnsafeBufferPointer(rebasing: url[copied...equals]))
                writer.raw(Self.replacementBytes)
                copied = end
            }
            position = end + 1
        }
        writer.content(UnsafeBufferPointer(rebasing: url[copied...]))
    }

    private static let replacementBytes = Array(replacement.utf8)

    private static let withURL: Set<String> = [
        "referer", "location", "content-location", "x-original-url", "x-rewrite-url", "x-forwarded-uri", "origin",
    ]

    private static let harmless: Set<String> = [
        "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length",
        "content-type", "dnt", "host", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user",
        "sec-gpc", "upgrade-insecure-requests", "user-agent",
    ]
}
