/// Check digits and sums of numbers and keys.
enum Checksum {
    /// Whether the last six of 36 characters are the CRC-32 of the thirty before, in base 62 with zeros in front: so the
    /// tokens of GitHub and npm are made.
    static func isChecked(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count == 36 else { return false }
        var sum: UInt32 = .max
        for byte in text.prefix(30) {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        var value: UInt64 = 0
        for byte in text.suffix(6) {
            guard let digit = base62(byte) else { return false }
            value = value * 62 + digit
        }
        return value == UInt64(~sum)
    }

    private static func base62(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte) - 48
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt64(byte) - 55
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(byte) - 61
        default: nil
        }
    }

    /// Whether thirteen digits are an EAN-13 (GS1 General Specifications, section 7.9).
    static func isProductNumber(_ digits: some Collection<UInt8>) -> Bool {
        var sum = 0
        var weight = 1
        for digit in digits {
            sum += Int(digit &- 0x30) * weight
            weight = 4 - weight
        }
        return digits.count == 13 && sum % 10 == 0
    }
}
