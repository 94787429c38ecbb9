/// The tracker's session cookie, for apps without sessions of their own.
package enum SessionCookie {
    /// The cookie's name.
    package static let name = "ra_session_id"

    /// Returns the first valid session in a `Cookie` header (RFC 6265, section 4.2.1).
    ///
    /// - Returns: nil if there is none, or its value is not 32 hex digits: it is then replaced, never trusted.
    package static func read(from header: String) -> SessionIdentifier? {
        header.withBytes { find(in: $0) }
    }

    /// Returns the `Set-Cookie` value that starts a session: for the whole site, hidden from scripts, and restricted to
    /// https if the request was https.
    package static func setCookie(_ session: SessionIdentifier, isSecure: Bool) -> String {
        let end: StaticString =
            isSecure ? "; Path=/; HttpOnly; SameSite=Lax; Secure" : "; Path=/; HttpOnly; SameSite=Lax"
        let beginning = name.utf8.count + 1
        return String(unsafeUninitializedCapacity: beginning + 32 + end.utf8CodeUnitCount) { buffer in
            var position = 0
            for byte in name.utf8 {
                buffer[position] = byte
                position += 1
            }
            buffer[position] = UInt8(ascii: "=")
            position += 1
            let room = UnsafeMutableBufferPointer(rebasing: buffer[position...])
            position += session.write(to: room.baseAddress, room: room.count)
            let rest = UnsafeBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount)
            _ = UnsafeMutableBufferPointer(rebasing: buffer[position...]).update(from: rest)
            return position + rest.count
        }
    }

    private static func find(in bytes: UnsafeBufferPointer<UInt8>) -> SessionIdentifier? {
        var pairs = CookiePairs(bytes)
        while let pair = pairs.next() {
            guard pair.name.count == name.utf8.count, isName(bytes, at: pair.name.lowerBound) else { continue }
            var (start, end) = (pair.value.lowerBound, pair.value.upperBound)
            if end - start == 34, bytes[start] == UInt8(ascii: "\""), bytes[end - 1] == UInt8(ascii: "\"") {
                start += 1
                end -= 1
            }
            if let session = SessionIdentifier(utf8: UnsafeBufferPointer(rebasing: bytes[start..<end])) {
                return session
            }
        }
        return nil
    }

    /// Whether 13 bytes are `ra_session_id`; compares two overlapping words. The caller has checked the length.
    @inline(__always)
    private static func isName(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        let raw = UnsafeRawBufferPointer(bytes)
        return raw.loadUnaligned(fromByteOffset: start, as: UInt64.self) == UInt64(bigEndian: 0x7261_5F73_6573_7369)
            && raw.loadUnaligned(fromByteOffset: start &+ 5, as: UInt64.self)
                == UInt64(bigEndian: 0x7373_696F_6E5F_6964)
    }
}
