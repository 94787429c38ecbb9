/// The cookie in which the tracker keeps a session where the app has no sessions of its own.
package enum SessionCookie {
    /// The cookie's name.
    package static let name = "ra_session_id"

    /// Reads the session from a `Cookie` header's value (RFC 6265, section 4.2.1); the first valid one counts.
    ///
    /// - Returns: nil if there is none, or its value is not 32 hex digits: it is then replaced, never trusted.
    package static func read(from header: String) -> SessionIdentifier? {
        header.withBytes { find(in: $0) }
    }

    /// The `Set-Cookie` value that starts a session: for the whole site, hidden from scripts, and for https alone if
    /// that is how the visitor came.
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
        var start = 0
        while start < bytes.count {
            while start < bytes.count, isSpace(bytes[start]) { start &+= 1 }
            if hasName(bytes, at: start) {
                var end = semicolon(in: bytes, from: start)
                let next = end
                start += name.utf8.count + 1
                while end > start, isSpace(bytes[end - 1]) { end -= 1 }
                if end - start == 34, bytes[start] == UInt8(ascii: "\""), bytes[end - 1] == UInt8(ascii: "\"") {
                    start += 1
                    end -= 1
                }
                if let session = SessionIdentifier(utf8: UnsafeBufferPointer(rebasing: bytes[start..<max(start, end)]))
                {
                    return session
                }
                start = next + 1
            } else {
                start = semicolon(in: bytes, from: start) + 1
            }
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Whether `ra_session_id=` and room for an id follow: the name in two words that overlap.
    @inline(__always)
    private static func hasName(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        guard bytes.count &- start >= 14 &+ 32 else { return false }
        let raw = UnsafeRawBufferPointer(bytes)
        return raw.loadUnaligned(fromByteOffset: start, as: UInt64.self) == UInt64(bigEndian: 0x7261_5F73_6573_7369)
            && raw.loadUnaligned(fromByteOffset: start &+ 6, as: UInt64.self)
                == UInt64(bigEndian: 0x7369_6F6E_5F69_643D)
    }

    /// Where the next semicolon stands, or the end; eight bytes at a time.
    private static func semicolon(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let raw = UnsafeRawBufferPointer(bytes)
        var position = start
        while position &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let others = word ^ (ones &* UInt64(UInt8(ascii: ";")))
            let found = (others &- ones) & ~others & (ones &* 0x80)
            if found != 0 { return position &+ found.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < bytes.count, bytes[position] != UInt8(ascii: ";") { position &+= 1 }
        return position
    }
}
