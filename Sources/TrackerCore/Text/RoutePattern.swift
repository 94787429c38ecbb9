/// A path with parameters: `/hello/:name/`, `/files/*`.
package struct RoutePattern: Sendable {
    package enum Part: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        /// Takes the rest, which may be empty.
        case wildcard
    }

    package let text: String
    package let segments: [Part]
    package let isLiteral: Bool

    /// The pattern is the programmer's, so a wrong one stops the program at its start.
    package init(_ text: String) {
        precondition(text.hasPrefix("/"), "the route \"\(text)\" must begin with a slash")
        self.text = text
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        segments = parts.enumerated().map { index, part in
            if part == "*" {
                precondition(index == parts.count - 1, "in the route \"\(text)\" the wildcard must stand at the end")
                return .wildcard
            }
            return part.hasPrefix(":") ? .parameter(String(part.dropFirst())) : .literal(String(part))
        }
        isLiteral = segments.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// Matches a decoded path; nil if it does not fit.
    ///
    /// A parameter takes one segment that is not empty.
    package func match(_ path: String) -> [(name: String, value: String)]? {
        match(path[...], decoding: nil)
    }

    /// Matches a percent-encoded path, so that an encoded slash stays within its segment; nil if it does not fit, or has
    /// an encoded control character, as no page's address has.
    package func match(encoded path: Substring) -> [(name: String, value: String)]? {
        match(path, decoding: Self.decoded)
    }

    private func match(
        _ path: Substring, decoding: ((Substring) -> String?)?
    ) -> [(name: String, value: String)]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var parameters: [(name: String, value: String)] = []
        var rest = path.dropFirst()
        for (index, segment) in segments.enumerated() {
            let end = rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let part = rest[..<end]
            switch segment {
            case .wildcard:
                guard let value = Self.text(rest, decoding) else { return nil }
                parameters.append(("*", value))
                return parameters
            case .literal(let literal):
                guard Self.isSame(part.utf8, literal.utf8) || Self.isEncoded(part, literal, decoding) else {
                    return nil
                }
            case .parameter(let name):
                guard !part.isEmpty, let value = Self.text(part, decoding) else { return nil }
                parameters.append((name, value))
            }
            if index == segments.count - 1 { return end == rest.endIndex ? parameters : nil }
            guard end != rest.endIndex else { return nil }
            rest = rest[rest.utf8.index(after: end)...]
        }
        return nil
    }

    private static func text(_ part: Substring, _ decoding: ((Substring) -> String?)?) -> String? {
        guard let decoding else { return String(part) }
        return decoding(part)
    }

    private static func isSame(_ left: Substring.UTF8View, _ right: String.UTF8View) -> Bool {
        left.count == right.count && left.elementsEqual(right)
    }

    /// Whether a part of a percent-encoded path, in which a byte takes one or three, stands for a text.
    private static func isEncoded(_ part: Substring, _ text: String, _ decoding: ((Substring) -> String?)?) -> Bool {
        let count = text.utf8.count
        guard let decoding, count < part.utf8.count, part.utf8.count <= 3 * count else { return false }
        return decoding(part)?.utf8.elementsEqual(text.utf8) == true
    }

    private static func decoded(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        let bytes = PercentEncoding.decode(text.utf8)
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Earlier patterns win: literals before parameters before wildcards, segment by segment.
    package static func isMoreSpecific(_ left: RoutePattern, _ right: RoutePattern) -> Bool {
        func rank(_ segment: Part) -> Int {
            switch segment {
            case .literal: 0
            case .parameter: 1
            case .wildcard: 2
            }
        }
        for (left, right) in zip(left.segments, right.segments) where rank(left) != rank(right) {
            return rank(left) < rank(right)
        }
        return left.segments.count > right.segments.count
    }
}
