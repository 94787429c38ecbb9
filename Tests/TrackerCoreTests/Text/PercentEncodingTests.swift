import Testing

@testable import TrackerCore

@Suite("Percent-encoding")
struct PercentEncodingTests {
    @Test(
        "decodes what is valid, and keeps what is not as it was sent",
        arguments: [
            ("", ""), ("a%20b", "a b"), ("%41%42", "AB"), ("%4a%4A", "JJ"), ("%4g", "%4g"), ("%g4", "%g4"), ("%", "%"),
            ("%4", "%4"), ("%%41", "%A"), ("%4%41", "%4A"), ("a+b", "a+b"),
        ])
    func decoding(text: String, expected: String) {
        #expect(String(decoding: PercentEncoding.decode(text.utf8), as: UTF8.self) == expected)
    }

    @Test("decodes a plus sign as a space only in forms")
    func plus() {
        #expect(String(decoding: PercentEncoding.decode("a+b%2B".utf8, plusIsSpace: true), as: UTF8.self) == "a b+")
    }

    @Test("finds percent signs without two hex digits", arguments: ["%", "a%4", "%4g", "%zz", "%41%"])
    func invalidEscapes(text: String) {
        #expect(PercentEncoding.hasInvalidEscape(text.utf8))
        #expect(!PercentEncoding.hasInvalidEscape("a%41g%4b".utf8))
    }
}
