/// The names of segment files: `<time>-<process>-<random>.spool`, in hexadecimal digits of fixed width, so that their
/// order as text is the order in which they were created.
enum SpoolSegmentName {
    static let byteCount = 16 + 1 + 8 + 1 + 8 + 6
    static let corruptSuffix = ".corrupt"
    /// Of a segment that its maker has not locked yet.
    static let unlockedSuffix = ".new"

    private static let ending: [UInt8] = Array(".spool".utf8)

    /// - Parameter nanoseconds: since 1970.
    static func make(nanoseconds: UInt64, process: UInt32, random: UInt32) -> String {
        "\(hexadecimal(nanoseconds, digits: 16))-\(hexadecimal(UInt64(process), digits: 8))"
            + "-\(hexadecimal(UInt64(random), digits: 8)).spool"
    }

    static func isSegment(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count == byteCount, name.suffix(6).elementsEqual(ending) else { return false }
        return name.prefix(byteCount - 6).enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "-"): index == 16 || index == 25
            default: ASCII.isLowercaseHexDigit(byte) && index != 16 && index != 25
            }
        }
    }

    /// A segment that was set aside.
    static func isCorrupt(_ name: UnsafeRawBufferPointer) -> Bool {
        isSegment(name, followedBy: corruptSuffix)
    }

    /// A segment that was never locked, or will be in a moment.
    static func isUnlocked(_ name: UnsafeRawBufferPointer) -> Bool {
        isSegment(name, followedBy: unlockedSuffix)
    }

    private static func isSegment(_ name: UnsafeRawBufferPointer, followedBy suffix: String) -> Bool {
        name.count == byteCount + suffix.utf8.count && name.dropFirst(byteCount).elementsEqual(suffix.utf8)
            && isSegment(UnsafeRawBufferPointer(rebasing: name.prefix(byteCount)))
    }

    /// When a segment was made, in nanoseconds since 1970; nil for a name that is none.
    static func nanoseconds(of name: String) -> UInt64? { UInt64(name.prefix(16), radix: 16) }

    private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
