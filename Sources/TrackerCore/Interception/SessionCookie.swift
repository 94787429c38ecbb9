/// The cookie in which the tracker keeps a session where the app has no sessions of its own.
public enum SessionCookie {
    /// The cookie's name.
    public static let name = "ra_session_id"

    /// Reads the session from a `Cookie` header's value (RFC 6265, section 4.2.1); the first valid one counts.
    ///
    /// - Returns: nil if there is none, or its value is not 32 hex digits: it is then replaced, never trusted.
    public static func read(from header: String) -> SessionIdentifier? {
        let found = header.utf8.withContiguousStorageIfAvailable { find(in: $0) }
        if let found { return found }
        return Array(header.utf8).withUnsafeBufferPointer { find(in: $0) }
    }

    /// The `Set-Cookie` value that starts a session: for the whole site, hidden from scripts, and for https alone if
    /// that is how the visitor came.
    public static func setCookie(_ session: SessionIdentifier, isSecure: Bool) -> String {
        "\(name)=\(session); Path=/; HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")"
    }

    private static let prefix = Array("\(name)=".utf8)

    private static func find(in bytes: UnsafeBufferPointer<UInt8>) -> SessionIdentifier? {
        var start = 0
        while start < bytes.count {
            while start < bytes.count, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: ";") { end += 1 }
            if end - start >= prefix.count + 32, bytes[start] == prefix[0],
                bytes[start..<end].starts(with: prefix)
            {
                var value = bytes[(start + prefix.count)..<end]
                while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
                if value.count == 34, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") {
                    value = value.dropFirst().dropLast()
                }
                if let session = SessionIdentifier(utf8: value) { return session }
            }
            start = end + 1
        }
        return nil
    }
}
