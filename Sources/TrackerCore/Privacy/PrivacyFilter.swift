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
    private var treatments: [String: Treatment] = [:]
    private static let maximumTreatments = 1024

    init(mode: PrivacyMode) {
        self.mode = mode
    }

    var isOff: Bool { mode == .none }

    /// Remembered by name: requests repeat the same few names.
    mutating func treatment(ofHeader name: String) -> Treatment {
        if mode == .none { return .keep }
        if let known = treatments[name] { return known }
        let decided = decide(name)
        if treatments.count >= Self.maximumTreatments { treatments.removeAll(keepingCapacity: true) }
        treatments[name] = decided
        return decided
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

    /// Keeps the names of a `Cookie` field, in order.
    func cookieHeader(_ value: String) -> String {
        var result = ""
        for (index, pair) in value.split(separator: ";", omittingEmptySubsequences: false).enumerated() {
            if index > 0 { result += "; " }
            let trimmed = pair.trimmingSpaces()
            if let equals = trimmed.utf8.firstIndex(of: UInt8(ascii: "=")) {
                result += trimmed[..<equals]
                result += "="
                result += Self.replacement
            } else if !trimmed.isEmpty {
                // Without a name it may be anything, a value as well.
                result += Self.replacement
            }
        }
        return result
    }

    /// Replaces the sensitive query values of a URL that stands in a header field.
    func url(_ value: String) -> String {
        guard let question = value.utf8.firstIndex(of: UInt8(ascii: "?")) else { return value }
        let queryStart = value.utf8.index(after: question)
        let queryEnd = value.utf8[queryStart...].firstIndex(of: UInt8(ascii: "#")) ?? value.utf8.endIndex
        var result = String(value[..<queryStart])
        let pairs = value[queryStart..<queryEnd].split(separator: "&", omittingEmptySubsequences: false)
        for (index, pair) in pairs.enumerated() {
            if index > 0 { result += "&" }
            if let equals = pair.utf8.firstIndex(of: UInt8(ascii: "=")),
                Array(pair[..<equals].utf8).withUnsafeBufferPointer({ hidesQueryValue(name: $0) })
            {
                result += pair[...equals]
                result += Self.replacement
            } else {
                result += pair
            }
        }
        return result + value[queryEnd...]
    }

    private static let withURL: Set<String> = [
        "referer", "location", "content-location", "x-original-url", "x-rewrite-url", "x-forwarded-uri", "origin",
    ]

    private static let harmless: Set<String> = [
        "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length",
        "content-type", "dnt", "host", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user",
        "sec-gpc", "upgrade-insecure-requests", "user-agent",
    ]
}
