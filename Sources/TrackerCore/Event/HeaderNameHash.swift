/// A quick look at a header's name: its hash without regard to case, and whether it could be taken for another.
struct HeaderNameHash: Equatable {
    let value: UInt32
    /// Whether it holds an underscore, or something that no name may have (RFC 9110, section 5.6.2) and no server lets
    /// through.
    let isAmbiguous: Bool

    /// FNV-1a over the lowercase bytes. It only sorts names into piles; what is decided by name compares the name.
    init(_ name: UnsafeBufferPointer<UInt8>) {
        var hash: UInt32 = 2_166_136_261
        var isAmbiguous = false
        for byte in name {
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            hash = (hash ^ UInt32(lower)) &* 16_777_619
            if byte <= 0x20 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                isAmbiguous = true
            }
        }
        value = hash
        self.isAmbiguous = isAmbiguous
    }

    /// Names are case-insensitive (RFC 9110, section 5.1).
    static func areSame(_ left: String, _ right: String) -> Bool {
        // Nearly always they are spelled alike, and that is quick to see.
        if left == right { return true }
        guard left.utf8.count == right.utf8.count else { return false }
        for (one, other) in zip(left.utf8, right.utf8) where one != other {
            guard one ^ other == 0x20, one | 0x20 >= UInt8(ascii: "a"), one | 0x20 <= UInt8(ascii: "z") else {
                return false
            }
        }
        return true
    }
}
