/// Counts the filter's steps, so that fuzzers and benchmarks can reach the scanner and nothing else.
package struct FilterProbe {
    private var scanner = SecretScanner(.with(), keeping: [])

    package init() {}

    /// - Returns: how often the scanner looked at bytes, and whether it gave up.
    package mutating func steps(_ bytes: [UInt8], isURL: Bool) -> (steps: Int, isExhausted: Bool) {
        bytes.withUnsafeBufferPointer { scanner.scan($0, isURL ? .url : .header) }
        return (scanner.steps, scanner.isExhausted)
    }

    /// Beginnings of keys, and of everything else that makes the scanner look further.
    package static let beginnings: [String] =
        SecretFormat.all.map(\.prefix) + [
            "eyJ", "bearer ", "basic ", "basic+", "-----BEGIN ", "://", "@", "a@b.", "code=", "token", "key:", "4111 ",
            "4111", "411-", "+1", "+49 ", "DE89", "DE89 ", "123-45-", "/reset/", "/reset/a1", "password=&", "%253D",
            "\\u0070",
            "&#112;", "&amp;", "<a>", "<password>", "\"token\":", "phone=1 ", "cGFzc3dvcmQ9", "é@cGFzc3dvcmQ9",
            "@cGFzc3dvcmQ9YQ==", "70617373", "state=%",
            "M0000000000000000000000000.", "12345678:AA", "token=\"\\\"", "=", ":", "{\"", ",a", "é", "\u{A0}",
        ]

    /// What an ordinary visitor sends, to compare with.
    package static let harmless = "/articles/2026/11/a-long-title-of-an-article?ref=front&page=3 "

    /// A piece over and over.
    package static func repeated(_ piece: String, _ count: Int) -> [UInt8] {
        let bytes = Array(piece.utf8)
        return (0..<count).map { bytes[$0 % bytes.count] }
    }
}
