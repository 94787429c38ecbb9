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

/// Kinds of bytes, by table.
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

    static let table: [UInt8] = (0..<256).map { number in
        let byte = UInt8(number)
        var kind: UInt8 = 0
        let isDigit = byte >= 0x30 && byte <= 0x39
        if isDigit { kind |= digit }
        if isDigit || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) {
            kind |= letterOrDigit | address | token | base64URL | serviceKey
        }
        if "-_.[]".utf8.contains(byte) { kind |= nameMark }
        if "._+-".utf8.contains(byte) { kind |= address }
        if "-._~+/=".utf8.contains(byte) { kind |= token }
        if "-_".utf8.contains(byte) { kind |= base64URL }
        if "-_.".utf8.contains(byte) { kind |= serviceKey }
        if byte == 0x20 || byte == 0x09 { kind |= space }
        return kind
    }

    @inline(__always)
    static func has(_ byte: UInt8, _ kind: UInt8) -> Bool { table[Int(byte)] & kind != 0 }
}
