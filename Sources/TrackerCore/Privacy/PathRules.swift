/// Finds the path segments to hide: those that the app's patterns match and, if only harmless segments may stay, all
/// others.
struct PathRules {
    private let patterns: [[Segment]]
    private let isStrict: Bool

    private enum Segment {
        /// Matches a segment that decodes to exactly this text.
        case text([UInt8])
        /// Matches any one segment, which is hidden.
        case hidden
    }

    init(_ policy: PrivacyPolicy) {
        patterns = policy.paths.sorted().map { pattern in
            pattern.utf8.split(separator: UInt8(ascii: "/")).map { segment in
                segment.elementsEqual("*".utf8) ? .hidden : .text(PercentEncoding.decode(segment))
            }
        }
        isStrict = policy.pathSegments != .searched
    }

    var hasPatterns: Bool { !patterns.isEmpty }

    var isActive: Bool { isStrict || hasPatterns }

    /// Returns whether a pattern is valid: it begins with a slash and has a `*` as a whole segment.
    static func isPattern(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("*".utf8) }
    }

    /// Returns the segments of a path to hide.
    func hidden(inPath path: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        let segments = path.indices.split(separator: UInt8(ascii: "/"), in: path)
        var hidden: [Range<Int>] = []
        for pattern in patterns where pattern.count <= segments.count { add(pattern, segments, path, &hidden) }
        if isStrict {
            for segment in segments where !Self.isHarmless(UnsafeBufferPointer(rebasing: path[segment])) {
                hidden.append(segment)
            }
        }
        return hidden
    }

    /// Returns the path segments to hide in a header's URL, with or without scheme and host.
    func hidden(inURL url: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        var start = 0
        if url.first != UInt8(ascii: "/") {
            guard let slash = url.firstIndex(of: UInt8(ascii: "/")), slash > 0, url[slash - 1] == UInt8(ascii: ":"),
                slash + 1 < url.count, url[slash + 1] == UInt8(ascii: "/"),
                let path = url[(slash + 2)...].firstIndex(of: UInt8(ascii: "/"))
            else { return [] }
            start = path
        }
        let end = url[start...].firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? url.count
        return hidden(inPath: UnsafeBufferPointer(rebasing: url[start..<end])).map {
            $0.lowerBound + start..<$0.upperBound + start
        }
    }

    private func add(
        _ pattern: [Segment], _ segments: [Range<Int>], _ path: UnsafeBufferPointer<UInt8>, _ hidden: inout [Range<Int>]
    ) {
        for (part, segment) in zip(pattern, segments) {
            if case .text(let text) = part, !Self.isEqual(path[segment], text) { return }
        }
        for (part, segment) in zip(pattern, segments) {
            if case .hidden = part { hidden.append(segment) }
        }
    }

    /// Compares a segment, decoded, with a pattern's text.
    private static func isEqual(_ segment: Slice<UnsafeBufferPointer<UInt8>>, _ text: [UInt8]) -> Bool {
        segment.elementsEqual(text)
            || (segment.contains(UInt8(ascii: "%")) && PercentEncoding.decode(segment).elementsEqual(text))
    }

    /// Returns whether a segment consists of plain words and numbers of up to nine digits.
    static func isHarmless(_ segment: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !Randomness.isToken(segment) else { return false }
        for piece in segment.split(whereSeparator: { !ASCII.isLetterOrDigit($0) && $0 != UInt8(ascii: "%") }) {
            if piece.allSatisfy(ASCII.isDigit) {
                if piece.count > 9 { return false }
            } else if !piece.allSatisfy(ASCII.isLetter) {
                // A version, such as "v1".
                guard piece.count <= 3, piece.first.map({ $0 | 0x20 == UInt8(ascii: "v") }) == true,
                    piece.dropFirst().allSatisfy(ASCII.isDigit)
                else { return false }
            } else if piece.count > 24 {
                return false
            }
        }
        return true
    }
}

extension Range<Int> {
    /// Returns the parts between separators, without empty ones.
    fileprivate func split(separator: UInt8, in text: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = lowerBound
        for index in self where text[index] == separator {
            if index > start { parts.append(start..<index) }
            start = index + 1
        }
        if upperBound > start { parts.append(start..<upperBound) }
        return parts
    }
}
