/// Bytes of a header or URL, read through any number of layers of percent-encoding.
///
/// It borrows the memory: use it only within the closure that lent the buffer.
struct EncodedText {
    let bytes: UnsafeBufferPointer<UInt8>

    /// One character as meant.
    struct Character {
        var byte: UInt8
        /// How many bytes it takes.
        var length: Int
        /// 0 as it stands; 1 for `%3D`; 2 for `%253D`; and so on.
        var depth: Int
    }

    @inline(__always)
    func character(at index: Int) -> Character {
        let byte = bytes[index]
        return byte == UInt8(ascii: "%") ? decoded(at: index) : Character(byte: byte, length: 1, depth: 0)
    }

    private func decoded(at index: Int) -> Character {
        var position = index + 1
        var depth = 1
        while position + 3 < bytes.count, bytes[position] == UInt8(ascii: "2"),
            bytes[position + 1] == UInt8(ascii: "5"),
            PercentEncoding.hexValue(bytes[position + 2]) != nil, PercentEncoding.hexValue(bytes[position + 3]) != nil
        {
            position += 2
            depth += 1
        }
        guard position + 1 < bytes.count, let high = PercentEncoding.hexValue(bytes[position]),
            let low = PercentEncoding.hexValue(bytes[position + 1])
        else { return Character(byte: UInt8(ascii: "%"), length: 1, depth: 0) }
        return Character(byte: high << 4 | low, length: position + 2 - index, depth: depth)
    }
}

/// Kinds of bytes.
enum ByteClass {
    static let letterOrDigit: UInt8 = 1
    /// `-`, `_`, `.`, and brackets, which are a part of names such as `user[password]`.
    static let nameMark: UInt8 = 2
    static let digit: UInt8 = 4
    /// May stand in the local part of an e-mail address.
    static let address: UInt8 = 8
    /// May stand in a token: base64, base64url and token68 (RFC 9110, section 11.2).
    static let token: UInt8 = 16
    static let base64URL: UInt8 = 32
    static let space: UInt8 = 64
    static let serviceKey: UInt8 = 128

    private static let ofLetters = letterOrDigit | address | token | base64URL | serviceKey

    /// In code and not in a table: a global array costs a check for its initialisation at each look.
    @inline(__always)
    private static func kinds(of byte: UInt8) -> UInt8 {
        if (byte | 0x20) &- 0x61 < 26 { return ofLetters }
        if byte &- 0x30 < 10 { return ofLetters | digit }
        return switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "_"): nameMark | address | token | base64URL | serviceKey
        case UInt8(ascii: "."): nameMark | address | token | serviceKey
        case UInt8(ascii: "["), UInt8(ascii: "]"): nameMark
        case UInt8(ascii: "+"): address | token
        case UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: "="): token
        case 0x20, 0x09: space
        default: 0
        }
    }

    @inline(__always)
    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
    }

    @inline(__always)
    static func has(_ byte: UInt8, _ kind: UInt8) -> Bool { kinds(of: byte) & kind != 0 }
}
