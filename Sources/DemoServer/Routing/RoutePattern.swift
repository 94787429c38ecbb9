import TrackerCore

/// A path with placeholders: `/hello/:name/`, and `*` at the end for whatever is left.
struct RoutePattern: Sendable {
    private enum Part: Sendable {
        case text(String)
        case parameter(String)
        case rest
    }

    private let parts: [Part]

    init(_ pattern: String) {
        parts = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            if part == "*" { return .rest }
            return part.hasPrefix(":") ? .parameter(String(part.dropFirst())) : .text(String(part))
        }
    }

    /// - Parameter path: percent-encoded, so that an encoded slash stays within its part.
    /// - Returns: the parameters, decoded; nil if the path is another.
    func match(_ path: String) -> [String: String]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var rest = path.dropFirst()
        var parameters: [String: String] = [:]
        for (index, part) in parts.enumerated() {
            if case .rest = part {
                guard let text = Self.decoded(rest) else { return nil }
                parameters["*"] = text
                return parameters
            }
            let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/"))
            let segment = rest[..<(slash ?? rest.endIndex)]
            switch part {
            case .text(let text):
                guard segment == text || segment.utf8.contains(UInt8(ascii: "%")) && Self.decoded(segment) == text
                else {
                    return nil
                }
            case .parameter(let name):
                guard !segment.isEmpty, let value = Self.decoded(segment) else { return nil }
                parameters[name] = value
            case .rest: break
            }
            let isLast = index == parts.count - 1
            guard (slash == nil) == isLast else { return nil }
            if let slash { rest = rest[rest.utf8.index(after: slash)...] }
        }
        return parameters
    }

    /// nil if control characters come out: no page has them in its address.
    private static func decoded(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        let bytes = PercentEncoding.decode(text.utf8)
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
