/// The bounds of one event. What is longer is cut off, and the event says so (`"truncated": true`).
enum EventLimit {
    static let headers = 100
    static let headerValueBytes = 8 << 10
    static let viewNameBytes = 1 << 10
    static let urlBytes = 16 << 10
    /// Of the JSON, up to the end of each part: together below 64 KiB, whatever escaping adds.
    static let headersEnd = 40 << 10
    static let cookiesEnd = 63 << 10

    /// The longest beginning of valid UTF-8 that has so many bytes at most and is valid itself.
    static func prefix(of text: UnsafeBufferPointer<UInt8>, bytes limit: Int) -> UnsafeBufferPointer<UInt8> {
        guard text.count > limit else { return text }
        var end = limit
        // The bytes of a character but the first are 10xxxxxx.
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[..<end])
    }
}
