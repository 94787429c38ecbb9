import Testing

@testable import TrackerCore

@Suite("A session id")
struct SessionIdentifierTests {
    @Test("is 32 lowercase hex digits, and survives being written and read")
    func roundTrip() throws {
        let session = SessionIdentifier()
        #expect(session.description.utf8.count == 32)
        #expect(session.description.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(SessionIdentifier(session.description) == session)
        #expect(
            SessionIdentifier("00112233445566778899AABBCCDDEEFF")?.description == "00112233445566778899aabbccddeeff")
    }

    @Test(
        "is refused in any other form",
        arguments: [
            "", "0", String(repeating: "0", count: 31), String(repeating: "0", count: 33),
            "g" + String(repeating: "0", count: 31), "é" + String(repeating: "0", count: 30),
        ])
    func refused(text: String) {
        #expect(SessionIdentifier(text) == nil)
    }

    @Test("takes hex digits and no other byte, at every place", arguments: 0..<32)
    func digits(place: Int) {
        for byte in UInt8.min...UInt8.max {
            var bytes = Array("00112233445566778899aabbccddeeff".utf8)
            bytes[place] = byte
            let session = bytes.withUnsafeBufferPointer { SessionIdentifier(utf8: $0) }
            let isDigit = Character(Unicode.Scalar(byte)).isHexDigit
            #expect((session != nil) == isDigit, "\(byte)")
            if isDigit {
                #expect(session?.description == String(decoding: bytes, as: UTF8.self).lowercased())
            }
        }
    }

    @Test("is new each time")
    func unique() {
        #expect(Set((0..<1000).map { _ in SessionIdentifier() }).count == 1000)
    }
}

@Suite("The session cookie")
struct SessionCookieTests {
    static let value = "00112233445566778899aabbccddeeff"

    @Test(
        "is found among others",
        arguments: [
            "ra_session_id=\(value)", "a=1; ra_session_id=\(value)", "a=1;ra_session_id=\(value) ;b=2",
            "ra_session_id=\"\(value)\"", "ra_session_id=evil; ra_session_id=\(value)", ";;; ra_session_id=\(value)",
        ])
    func found(header: String) {
        #expect(SessionCookie.read(from: header)?.description == Self.value)
    }

    @Test(
        "is never trusted in another form",
        arguments: [
            "", "ra_session_id", "ra_session_id=", "ra_session_id=abc", "xra_session_id=\(value)",
            "RA_SESSION_ID=\(value)", "ra_session_id=\(value)0", "a=\"ra_session_id=\(value)\"",
            "ra_session_id=\(value.dropLast())é",
        ])
    func ignored(header: String) {
        #expect(SessionCookie.read(from: header) == nil)
    }

    @Test("is hidden from scripts, valid for the whole site, and secure over https")
    func attributes() throws {
        let session = try #require(SessionIdentifier(Self.value))
        #expect(
            SessionCookie.setCookie(session, isSecure: false)
                == "ra_session_id=\(Self.value); Path=/; HttpOnly; SameSite=Lax")
        #expect(SessionCookie.setCookie(session, isSecure: true).hasSuffix("; Secure"))
    }
}
