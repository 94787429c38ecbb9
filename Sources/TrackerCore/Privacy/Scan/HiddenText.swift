/// Assembles bytes from six-bit values (RFC 4648).
struct Base64Decoder {
    private var bits: UInt32 = 0
    private var count = 0

    @inline(__always)
    mutating func add(_ value: UInt8) -> UInt8? {
        bits = bits << 6 | UInt32(value)
        count += 6
        guard count >= 8 else { return nil }
        count -= 8
        return UInt8(truncatingIfNeeded: bits >> UInt32(count))
    }

    /// The table value of a character that is in neither alphabet.
    static let none: UInt8 = 64

    /// Returns the value of a character in either alphabet.
    static func value(of byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: none
        }
    }
}

extension ScanPass {
    /// Returns a token that is text in base64 or hex if that text contains a secret: the whole token, because no part
    /// of it can be left out. Decodes one level: text encoded twice is not found.
    mutating func encodedSecret(_ range: Range<Int>) -> Range<Int>? {
        guard !isNested, range.count >= Self.leastToken, range.lowerBound >= decodedEnd else { return nil }
        if readHexadecimal(range) { return decodedTextHasSecret() ? range : nil }
        guard beginsAsText(range.lowerBound) else { return nil }
        decodedEnd = max(range.upperBound, readBase64(from: range.lowerBound))
        guard scratch.plainCount >= leastPlain, decodedTextHasSecret() else { return nil }
        var last = range.upperBound
        while last < text.count, automaton.alphabets[Int(text[last])] & Alphabet.token.bit != 0 { last += 1 }
        steps &+= last - range.upperBound
        // What is hidden with it is not decoded again.
        decodedEnd = max(decodedEnd, last)
        return range.lowerBound..<last
    }

    /// The decoded length of ``leastToken`` characters of base64. A token with less text than that is binary data.
    private var leastPlain: Int { Self.leastToken / 4 * 3 }

    /// Returns whether the last decoded text contains a secret.
    private mutating func decodedTextHasSecret() -> Bool {
        if scratch.inner.isEmpty { scratch.inner.append(ScanPass(automaton, keeping: kept)) }
        let plain = scratch.plain
        let count = scratch.plainCount
        plain.withUnsafeBufferPointer {
            scratch.inner[0].run(UnsafeBufferPointer(rebasing: $0[..<count]), .header, isNested: true)
        }
        steps &+= scratch.inner[0].steps
        return !scratch.inner[0].scratch.found.isEmpty
    }

    /// Returns whether the first six decoded bytes are text: a check that rejects most tokens and words without a copy.
    private mutating func beginsAsText(_ start: Int) -> Bool {
        steps &+= 8
        for quad in [start, start + 4] {
            guard let bits = Self.bits(text, quad, 4, automaton.base64), Self.isText(bits, 3) else { return false }
        }
        return true
    }

    /// Decodes base64 from a position on, as long as the result is text.
    ///
    /// - Returns: where it ends.
    private mutating func readBase64(from start: Int) -> Int {
        let text = text
        let values = automaton.base64
        scratch.makeRoomForPlain(text.count)
        let (count, end) = scratch.plain.withUnsafeMutableBufferPointer { plain in
            Self.decode(text, from: start, values, to: plain)
        }
        scratch.plainCount = count
        steps &+= end - start
        return end
    }

    private static func decode(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, _ values: UnsafePointer<UInt8>,
        to plain: UnsafeMutableBufferPointer<UInt8>
    ) -> (count: Int, end: Int) {
        var count = 0
        var position = start
        while position &+ 4 <= text.count, let bits = bits(text, position, 4, values), isText(bits, 3) {
            plain[count] = UInt8(truncatingIfNeeded: bits >> 16)
            plain[count &+ 1] = UInt8(truncatingIfNeeded: bits >> 8)
            plain[count &+ 2] = UInt8(truncatingIfNeeded: bits)
            count &+= 3
            position &+= 4
        }
        // The end of the base64, or of its text, lies within the next four characters.
        for length in [3, 2] where position &+ length <= text.count {
            guard let bits = bits(text, position, length, values), isText(bits, length &- 1) else { continue }
            for index in 0..<length &- 1 {
                plain[count] = UInt8(truncatingIfNeeded: bits >> UInt32(16 &- 8 &* index))
                count &+= 1
            }
            return (count, position &+ length)
        }
        return (count, position)
    }

    /// Returns up to four characters as 24 bits, the first in the highest; nil if one of them is not base64.
    @inline(__always)
    private static func bits(
        _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ length: Int, _ values: UnsafePointer<UInt8>
    ) -> UInt32? {
        var bits: UInt32 = 0
        var all: UInt8 = 0
        for index in 0..<4 {
            let value = index < length ? values[Int(text[start &+ index])] : 0
            all |= value
            bits = bits << 6 | UInt32(value & 63)
        }
        return all < Base64Decoder.none ? bits : nil
    }

    /// Returns whether the first `count` of three bytes are text.
    @inline(__always)
    private static func isText(_ bits: UInt32, _ count: Int) -> Bool {
        for index in 0..<max(0, count) where !isText(UInt8(truncatingIfNeeded: bits >> UInt32(16 &- 8 &* index))) {
            return false
        }
        return true
    }

    /// Decodes a token of hex digits.
    ///
    /// - Returns: whether it is hex, and all of it text.
    private mutating func readHexadecimal(_ range: Range<Int>) -> Bool {
        guard range.count % 2 == 0 else { return false }
        scratch.makeRoomForPlain(text.count)
        scratch.plainCount = 0
        var position = range.lowerBound
        while position < range.upperBound {
            steps &+= 2
            guard let high = PercentEncoding.hexValue(text[position]),
                let low = PercentEncoding.hexValue(text[position + 1]), Self.isText(high << 4 | low)
            else { return false }
            scratch.plain[scratch.plainCount] = high << 4 | low
            scratch.plainCount += 1
            position += 2
        }
        return true
    }

    private static func isText(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}
