/// A quick look at where a word begins: most words begin no secret.
struct SecretStarts {
    /// For each first byte, which bytes may follow it; by the lowest five bits, so that case makes no difference.
    private let followers: [UInt32]

    init() {
        var followers = [UInt32](repeating: 0, count: 256)
        for beginning in SecretShape.beginnings {
            let (first, second) = (beginning[0], beginning[1])
            // The names of authentication schemes come in any case, the second byte of the others percent-encoded.
            for first in [first, first & 0xDF, first | 0x20] {
                followers[Int(first)] |= Self.bit(second) | Self.bit(UInt8(ascii: "%"))
            }
        }
        self.followers = followers
    }

    /// Whether a look at all of it is worth its while. The byte at `start` is a letter or a digit.
    @inline(__always)
    func mayBegin(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        guard start &+ 1 < bytes.count else { return false }
        if Self.isDigit(bytes[start]) { return Self.mayBeginCard(bytes, at: start) }
        return followers[Int(bytes[start])] & Self.bit(bytes[start &+ 1]) != 0
    }

    /// Thirteen digits at least in one piece, or in groups of which the first has four. An escape may be either.
    private static func mayBeginCard(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        var end = start &+ 1
        while end < bytes.count, isDigit(bytes[end]) { end &+= 1 }
        guard end < bytes.count else { return end &- start >= 13 }
        switch bytes[end] {
        case UInt8(ascii: "%"): return true
        case 0x20, UInt8(ascii: "-"), UInt8(ascii: "+"):
            guard end &- start >= 4, end &+ 1 < bytes.count else { return end &- start >= 13 }
            return end &- start >= 13 || isDigit(bytes[end &+ 1]) || bytes[end &+ 1] == UInt8(ascii: "%")
        default: return end &- start >= 13
        }
    }

    @inline(__always)
    private static func bit(_ byte: UInt8) -> UInt32 { 1 &<< UInt32(byte & 31) }

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
}
