/// Puts bytes together from values of six bits (RFC 4648).
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

    /// What stands in a table of values for a character of neither alphabet.
    static let none: UInt8 = 64

    /// The value of a character in either alphabet, for a table.
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
    /// A token that is text in base64 or hex, if something is found in that text: the whole token, for no part of it can
    /// be left out. One step: what is encoded twice stays.
    mutating func encodedSecret(_ range: Range<Int>) -> Range<Int>? {
        guard !isNested, range.count >= Self.leastToken, range.lowerBound >= decodedEnd else { return nil }
        if readHexadecimal(range) { return plainTextTells() ? range : nil }
        guard beginsAsText(range.lowerBound) else { return nil }
        decodedEnd = max(range.upperBound, readBase64(from: range.lowerBound))
        guard scratch.plain.count >= leastPlain, plainTextTells() else { return nil }
        var last = range.upperBound
        while last < text.count, automaton.alphabets[Int(text[last])] & Alphabet.token.bit != 0 { last += 1 }
        steps &+= last - range.upperBound
        // What is hidden with it is not looked at again.
        decodedEnd = max(decodedEnd, last)
        return range.lowerBound..<last
    }

    /// What ``leastToken`` characters of base64 stand for. A token of which less is text has other bytes in it.
    private var leastPlain: Int { Self.leastToken / 4 * 3 }

    /// Whether something is found in the text that was decoded last.
    private mutating func plainTextTells() -> Bool {
        let plain = scratch.plain
        let inner = scratch.inner.popLast() ?? ScanScratch()
        var pass = plain.withUnsafeBufferPointer { plain in
            var pass = ScanPass(
                plain, marks: UnsafeBufferPointer(start: nil, count: 0), automaton, .header, keeping: kept,
                isNested: true, scratch: consume inner)
            pass.run()
            return pass
        }
        steps &+= pass.steps
        let tells = !pass.scratch.found.isEmpty
        scratch.inner.append(pass.takeScratch())
        return tells
    }

    /// Whether the first six bytes are text; most tokens and words are turned away here, without a copy.
    private mutating func beginsAsText(_ start: Int) -> Bool {
        steps &+= 8
        var decoder = Base64Decoder()
        for index in start..<start + 8 {
            let value = automaton.base64[Int(text[index])]
            guard value < Base64Decoder.none else { return false }
            if let byte = decoder.add(value), !Self.isText(byte) { return false }
        }
        return true
    }

    /// Decodes what begins here in base64, as far as it is text.
    ///
    /// - Returns: where that ends.
    private mutating func readBase64(from start: Int) -> Int {
        scratch.plain.removeAll(keepingCapacity: true)
        var decoder = Base64Decoder()
        var position = start
        while position < text.count {
            let value = automaton.base64[Int(text[position])]
            guard value < Base64Decoder.none else { break }
            if let byte = decoder.add(value) {
                guard Self.isText(byte) else { break }
                scratch.plain.append(byte)
            }
            position &+= 1
        }
        steps &+= position - start
        return position
    }

    /// Decodes a token of hex digits.
    ///
    /// - Returns: whether it is one, and all of it text.
    private mutating func readHexadecimal(_ range: Range<Int>) -> Bool {
        guard range.count % 2 == 0 else { return false }
        scratch.plain.removeAll(keepingCapacity: true)
        var position = range.lowerBound
        while position < range.upperBound {
            steps &+= 2
            guard let high = PercentEncoding.hexValue(text[position]),
                let low = PercentEncoding.hexValue(text[position + 1]), Self.isText(high << 4 | low)
            else { return false }
            scratch.plain.append(high << 4 | low)
            position += 2
        }
        return true
    }

    private static func isText(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}
