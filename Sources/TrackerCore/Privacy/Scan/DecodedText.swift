/// A decoded text, with the source position of each byte.
///
/// The first pass undoes up to five levels of percent-encoding (RFC 3986, section 2.1), the second the escapes of JSON
/// (RFC 8259, section 7) and XML. So that names can be compared, full-width letters become ASCII, and accents and
/// invisible characters are removed. Each pass reads a byte a constant number of times, and never writes more than it
/// reads.
struct DecodedText {
    private(set) var bytes: [UInt8] = []
    /// For each byte, its source position and, in the highest eight bits, its encoding depth.
    private(set) var marks: [UInt32] = []

    static let mostLevels = 5

    /// Returns whether the text has anything to decode: a percent sign, a backslash, a non-ASCII byte, or a `&` with a
    /// `;` after it. Most texts have none.
    static func needsDecoding(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let raw = UnsafeRawBufferPointer(text)
        var encoded: UInt64 = 0
        var ampersands: UInt64 = 0
        var semicolons: UInt64 = 0
        var position = 0
        while position < raw.count {
            var word: UInt64 = 0
            if position &+ 8 <= raw.count {
                word = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            } else if raw.count >= 8 {
                // The last eight bytes, some of them a second time.
                word = raw.loadUnaligned(fromByteOffset: raw.count &- 8, as: UInt64.self)
            } else {
                // Zero bytes match none of these characters.
                for byte in raw { word = word << 8 | UInt64(byte) }
            }
            position &+= 8
            encoded |= word | has(0x25, word) | has(0x5C, word)
            ampersands |= has(0x26, word)
            semicolons |= has(0x3B, word)
        }
        let high: UInt64 = 0x8080_8080_8080_8080
        if encoded & high != 0 { return true }
        return ampersands & high != 0 && semicolons & high != 0 && hasEntity(text)
    }

    /// Returns whether a `;` follows a `&`, as in an XML entity.
    private static func hasEntity(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let ampersand = text.firstIndex(of: UInt8(ascii: "&")) else { return false }
        return text[ampersand...].contains(UInt8(ascii: ";"))
    }

    /// Sets the highest bit of bytes that equal `byte`. The usual bit trick: reliable only as to whether there is such
    /// a byte.
    @inline(__always)
    private static func has(_ byte: UInt64, _ word: UInt64) -> UInt64 {
        let difference = word ^ byte &* 0x0101_0101_0101_0101
        return (difference &- 0x0101_0101_0101_0101) & ~difference
    }

    /// Decodes a text, replacing the previous one.
    mutating func decode(_ source: UnsafeBufferPointer<UInt8>) {
        resize(to: source.count)
        var count = source.count
        if source.contains(UInt8(ascii: "%")) {
            let isEscaped: Bool
            (count, isEscaped) = Self.decodePercents(source, &bytes, &marks)
            if isEscaped {
                count = bytes.withUnsafeMutableBufferPointer { bytes in
                    let text = UnsafeBufferPointer(rebasing: bytes[..<count])
                    return marks.withUnsafeMutableBufferPointer { marks in
                        let known = UnsafeBufferPointer(marks)
                        return Self.unescape(text, bytes, marks) { known[$0] }
                    }
                }
            }
        } else {
            count = bytes.withUnsafeMutableBufferPointer { bytes in
                marks.withUnsafeMutableBufferPointer { marks in
                    Self.unescape(source, bytes, marks) { UInt32(truncatingIfNeeded: $0) & Self.originBits }
                }
            }
        }
        resize(to: count)
    }

    /// The part of a mark that holds the source position.
    private static let originBits: UInt32 = 0xFF_FFFF

    private mutating func resize(to count: Int) {
        if bytes.count < count {
            bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
            marks.append(contentsOf: repeatElement(0, count: count - marks.count))
        } else if bytes.count > count {
            bytes.removeLast(bytes.count - count)
            marks.removeLast(marks.count - count)
        }
    }

    /// The first pass: undoes percent-encoding.
    ///
    /// - Returns: the number of bytes, and whether any of them may be an escape of another kind.
    private static func decodePercents(
        _ source: UnsafeBufferPointer<UInt8>, _ bytes: inout [UInt8], _ marks: inout [UInt32]
    ) -> (count: Int, isEscaped: Bool) {
        bytes.withUnsafeMutableBufferPointer { bytes in
            marks.withUnsafeMutableBufferPointer { marks in
                var index = 0
                var write = 0
                var isEscaped = false
                var hasSemicolon = false
                var hasAmpersand = false
                while index < source.count {
                    var byte = source[index]
                    var mark = UInt32(truncatingIfNeeded: index) & originBits
                    if byte == UInt8(ascii: "%"), let character = character(in: source, at: index) {
                        byte = character.byte
                        mark |= UInt32(truncatingIfNeeded: character.depth) << 24
                        index &+= character.length
                    } else {
                        index &+= 1
                    }
                    bytes[write] = byte
                    marks[write] = mark
                    write &+= 1
                    if byte == UInt8(ascii: "\\") || byte >= 0x80 { isEscaped = true }
                    if byte == UInt8(ascii: ";") { hasSemicolon = true }
                    if byte == UInt8(ascii: "&") { hasAmpersand = true }
                }
                return (write, isEscaped || (hasAmpersand && hasSemicolon))
            }
        }
    }

    /// Decodes `%3D`, `%253D` and so on.
    private static func character(
        in source: UnsafeBufferPointer<UInt8>, at index: Int
    ) -> (byte: UInt8, length: Int, depth: Int)? {
        var position = index + 1
        var depth = 1
        while depth < mostLevels, position + 3 < source.count, source[position] == UInt8(ascii: "2"),
            source[position + 1] == UInt8(ascii: "5"),
            PercentEncoding.hexValue(source[position + 2]) != nil, PercentEncoding.hexValue(source[position + 3]) != nil
        {
            position += 2
            depth += 1
        }
        guard position + 1 < source.count, let high = PercentEncoding.hexValue(source[position]),
            let low = PercentEncoding.hexValue(source[position + 1])
        else { return nil }
        return (high << 4 | low, position + 2 - index, depth)
    }

    @inline(__always)
    private static func mayEscape(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "&") || byte >= 0x80
    }

    /// The second pass. May work in place, because it never writes more than it has read.
    ///
    /// - Parameters:
    ///   - bytes: at least as long as the text, as are the marks.
    ///   - mark: returns the mark of a byte of the text.
    /// - Returns: the number of bytes.
    @inline(__always)
    private static func unescape(
        _ text: UnsafeBufferPointer<UInt8>, _ bytes: UnsafeMutableBufferPointer<UInt8>,
        _ marks: UnsafeMutableBufferPointer<UInt32>, mark: (Int) -> UInt32
    ) -> Int {
        var read = 0
        var write = 0
        while read < text.count {
            let byte = text[read]
            guard mayEscape(byte) else {
                bytes[write] = byte
                marks[write] = mark(read)
                write &+= 1
                read &+= 1
                continue
            }
            let result = Escape.read(text, at: read)
            let deeper = mark(read) &+ (result.isDeeper ? 1 << 24 : 0)
            for offset in 0..<result.count {
                bytes[write] = result.byte(offset)
                marks[write] = deeper
                write &+= 1
            }
            read &+= result.length
        }
        return write
    }

    /// Returns the source position of a byte; the source's end for the position after the last byte.
    func origin(of index: Int, sourceCount: Int) -> Int {
        index < marks.count ? Int(marks[index] & 0xFF_FFFF) : sourceCount
    }
}
