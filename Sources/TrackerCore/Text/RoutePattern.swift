/// A path pattern with parameters, such as `/hello/:name/` or `/files/*`.
package struct RoutePattern: Sendable {
    package enum Part: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        /// Matches the rest of the path, which may be empty.
        case wildcard
    }

    package let text: String
    package let segments: [Part]
    package let isLiteral: Bool

    /// Creates a pattern.
    ///
    /// - Precondition: The pattern begins with a slash, and a wildcard is its last segment.
    package init(_ text: String) {
        precondition(text.hasPrefix("/"), "the route \"\(text)\" must begin with a slash")
        self.text = text
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        segments = parts.enumerated().map { index, part in
            if part == "*" {
                precondition(index == parts.count - 1, "the wildcard of the route \"\(text)\" must be its last segment")
                return .wildcard
            }
            return part.hasPrefix(":") ? .parameter(String(part.dropFirst())) : .literal(String(part))
        }
        isLiteral = segments.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// Matches a decoded path; returns nil if it does not match.
    ///
    /// A parameter matches one non-empty segment.
    package func match(_ path: String) -> [(name: String, value: String)]? {
        path.withBytes { match($0, isEncoded: false) }
    }

    /// Matches a percent-encoded path, so that an encoded slash does not end its segment. Returns nil if the path does
    /// not match, or if a parameter or wildcard has an encoded control character.
    package func match(encoded path: Substring) -> [(name: String, value: String)]? {
        String(path).withBytes { match($0, isEncoded: true) }
    }

    /// Works on bytes, because it runs for each request, and a Substring's indices would cost more than everything
    /// else.
    private func match(_ path: UnsafeBufferPointer<UInt8>, isEncoded: Bool) -> [(name: String, value: String)]? {
        let slash = UInt8(ascii: "/")
        guard path.first == slash else { return nil }
        var parameters: [(name: String, value: String)] = []
        var start = 1
        for (index, segment) in segments.enumerated() {
            let rest = UnsafeBufferPointer(rebasing: path[start...])
            let part = UnsafeBufferPointer(rebasing: rest.prefix { $0 != slash })
            switch segment {
            case .wildcard:
                guard let value = Self.text(rest, isEncoded) else { return nil }
                parameters.append(("*", value))
                return parameters
            case .literal(let literal):
                guard Self.isSame(part, literal) || isEncoded && Self.isEncoded(part, literal) else { return nil }
            case .parameter(let name):
                guard !part.isEmpty, let value = Self.text(part, isEncoded) else { return nil }
                parameters.append((name, value))
            }
            if index == segments.count - 1 { return part.count == rest.count ? parameters : nil }
            guard part.count < rest.count else { return nil }
            start += part.count + 1
        }
        return nil
    }

    private static func isSame(_ part: UnsafeBufferPointer<UInt8>, _ text: String) -> Bool {
        part.count == text.utf8.count && text.withBytes { part.elementsEqual($0) }
    }

    /// Whether a percent-encoded segment decodes to `text`. Each byte of the text takes one or three bytes in the
    /// segment.
    private static func isEncoded(_ part: UnsafeBufferPointer<UInt8>, _ text: String) -> Bool {
        let count = text.utf8.count
        guard count < part.count, part.count <= 3 * count else { return false }
        return Self.text(part, true)?.utf8.elementsEqual(text.utf8) == true
    }

    private static func text(_ part: UnsafeBufferPointer<UInt8>, _ isEncoded: Bool) -> String? {
        guard isEncoded, part.contains(UInt8(ascii: "%")) else { return String(decoding: part, as: UTF8.self) }
        let bytes = PercentEncoding.decode(part)
        if bytes.contains(where: ASCII.isControl) { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Orders patterns by priority: literals before parameters before wildcards, segment by segment, then longer
    /// before shorter.
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
