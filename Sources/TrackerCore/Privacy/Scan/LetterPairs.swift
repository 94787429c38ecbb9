/// Pairs of letters that hardly stand in words: each fewer than five times in ten thousand, counted over 12,000 words of
/// English documentation. Of letters drawn at random more than half the pairs are such.
enum LetterPairs {
    /// For each first letter one bit for each second.
    private static let rare: [UInt32] = [
        0x241_4290, 0x2E9_B4EE, 0x3E1_8242, 0x3E1_B6C0, 0x210_0680, 0x3E1_B6CE, 0x3E9_966E, 0x3F5_B6EE, 0x151_0780,
        0x3FF_FFFE, 0x3FB_FEEF, 0x2E3_36C2, 0x3EB_26EC, 0x3C3_9282, 0x381_0290, 0x2E1_366E, 0x3EF_F7FF, 0x2C1_0280,
        0x2E2_024A, 0x2E1_2642, 0x3F1_0688, 0x3FF_BEEE, 0x3F9_9E6E, 0x3F7_6EEB, 0x3F3_77EF, 0x3FF_FFEF,
    ]

    /// - Parameters: two letters, in either case.
    static func isRare(_ first: UInt8, _ second: UInt8) -> Bool {
        let row = Int((first | 0x20) &- 0x61)
        guard row < 26 else { return false }
        return rare[row] >> UInt32(((second | 0x20) &- 0x61) & 31) & 1 != 0
    }
}
