/// The names of authentication schemes (RFC 9110, section 11.1).
enum AuthenticationScheme {
    static let all = [
        "bearer", "basic", "token", "apikey", "negotiate", "ntlm", "digest", "aws4-hmac-sha256", "signature", "hawk",
        "oauth", "hmac", "dpop", "sharedkey", "scram-sha-256",
    ]
    private static let names = all.map { Array($0.utf8) }
    /// Those whose credentials are a list of names and values.
    private static let listed = [
        "digest", "aws4-hmac-sha256", "signature", "hawk", "oauth", "hmac", "scram-sha-256",
    ].map { Array($0.utf8) }

    static func isOne(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        word.count <= 16 && names.contains { matches($0, word) }
    }

    static func hasParameters(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        listed.contains { matches($0, word) }
    }

    private static func matches(_ name: [UInt8], _ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        name.elementsEqual(word.lazy.map(ASCII.lowercase))
    }
}
