import Testing

@testable import TrackerCore

@Suite("Cookies")
struct CookieReaderTests {
    @Test(
        "are read like Flask's",
        arguments: [
            (
                ";; =nokey; noval; a b=c; ok=1;; x=; ,comma=1",
                ["noval": "", "a b": "c", "ok": "1", "x": "", ",comma": "1"]
            ),
            ("a=1; b=2; c=x=y", ["a": "1", "b": "2", "c": "x=y"]),
            ("d=1; d=2; D=3", ["d": "1", "D": "3"]),
            ("q=\"two; words\"; r=\"\\\"\\101\\\\\"; s=\"open", ["q": "two; words", "r": "\"A\\", "s": "\"open"]),
            ("", [:]), ("=", [:]), ("\"=\"", ["\"": "\""]),
        ] as [(String, [String: String])])
    func parse(header: String, expected: [String: String]) {
        #expect(CookieReader.dictionary(header.utf8) == expected)
    }

    @Test("are Latin-1 where they are not UTF-8, each for itself")
    func latin1() {
        let bytes = Array("u=caf".utf8) + [0xE9] + Array("; v=".utf8) + [0xC3, 0xA9]
        #expect(CookieReader.dictionary(bytes) == ["u": "café", "v": "é"])
    }

    @Test("are the same to a reader that looks only for the session")
    func session() {
        let id = "0b66c26a1f4c4f418e8f0afcbc22d24b"
        var mutations = SeededGenerator(seed: 3)
        let pieces = [
            "ra_session_id", "=", ";", "\"", "\\", " ", "\t", id, "a", "ra_session_id=\(id)", "; ", "x=\"",
            "ra_session_i",
            "xra_session_id",
        ]
        var found = 0
        for _ in 0..<20_000 {
            let header = (0..<Int.random(in: 1...9, using: &mutations)).map { _ in mutations.pick(pieces) }.joined()
            let all = CookieReader.parse(header.utf8)
            guard let session = SessionCookie.read(from: header) else {
                // A cookie that other readers take for the session is replaced only if it is not a valid session ID.
                #expect(!all.contains { $0.name == "ra_session_id" && $0.value == id }, "\(header)")
                continue
            }
            found += 1
            #expect("\(session)" == id && all.contains { $0.name == "ra_session_id" }, "\(header)")
        }
        #expect(found > 100)
    }
}
