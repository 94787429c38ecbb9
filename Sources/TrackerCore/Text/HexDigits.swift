/// Lowercase hex digits, eight at a time.
enum HexDigits {
    /// - Returns: the eight digits of a number, as the bytes of a word in the order in which they lie in memory.
    @inline(__always)
    static func eight(_ value: UInt32) -> UInt64 {
        // Half a byte into each byte, the highest first.
        var word = UInt64(value)
        word = (word | word << 16) & 0x0000_FFFF_0000_FFFF
        word = (word | word << 8) & 0x00FF_00FF_00FF_00FF
        word = (word | word << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // From ten on the digit is a letter, and those begin 39 places after where the numerals end.
        let isLetter = (word &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (word &+ 0x3030_3030_3030_3030 &+ isLetter &* 39).bigEndian
    }
}
