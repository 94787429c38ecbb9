/// A path with parameters: `/hello/:name/`, `/files/*`.
struct RoutePattern: Sendable {
    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        /// Takes the rest, which may be empty.
        case wildcard
    }

    let text: String
    let segments: [Segment]
    let isLiteral: Bool

    /// The pattern is the programmer's, so a wrong one stops the program at its start.
    init(_ text: String) {
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
    /// A parameter takes one segment that is not empty. Control characters fit nothing, as in Flask.
    func match(_ path: String) -> [(name: String, value: String)]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var parameters: [(name: String, value: String)] = []
        var rest = Substring(path).dropFirst()
        for (index, segment) in segments.enumerated() {
            if segment == .wildcard {
                parameters.append(("*", String(rest)))
                return parameters
            }
            let end = rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let part = rest[..<end]
            switch segment {
            case .literal(let literal): guard part.utf8.elementsEqual(literal.utf8) else { return nil }
            case .parameter(let name):
                guard !part.isEmpty else { return nil }
                parameters.append((name, String(part)))
            case .wildcard: break
            }
            if index == segments.count - 1 { return end == rest.endIndex ? parameters : nil }
            guard end != rest.endIndex else { return nil }
            rest = rest[rest.utf8.index(after: end)...]
        }
        return nil
    }

    /// Earlier patterns win: literals before parameters before wildcards, segment by segment.
    static func isMoreSpecific(_ left: RoutePattern, _ right: RoutePattern) -> Bool {
        func rank(_ segment: Segment) -> Int {
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
