import Testing

@testable import TrackerCore

@Suite("What looks random")
struct RandomnessTests {
    private func ask(_ text: String, _ question: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        text.withBytes { question($0) }
    }

    @Test(
        "in a path: enough characters that change often, or hex of both kinds",
        arguments: [
            ("a1b2c", false), ("a1b2c3", true), ("abc12", false), ("iphone15pro", false), ("ab12cd", true),
            ("0123456789abcde", false), ("0123456789abcdef", true), ("0123456789012345", true),
            ("012345678901234", false),
            ("deadbeefdeadbeef", false), ("a1b2c3.png", false), ("a1b2c3.a1234", false), ("a1b2c3.a12345", true),
            ("a1b2c3d4e5f6g7h.png", false), ("a1b2c3d4e5f6g7h8.png", true), ("2026-11-26", false),
            ("a-long-title", false),
            // Two changes, first between words, then within one.
            ("telephone15cover", false), ("ab-telephone15ab", true),
        ])
    func token(text: String, isToken: Bool) { #expect(ask(text, Randomness.isToken) == isToken) }

    @Test(
        "as a login's code: at least eight characters",
        arguments: [
            ("a1b2c3d", false), ("a1b2c3d4", true), ("abcdefgh", false), ("a1b2-c3d4", false), ("abcdefg1", false),
            ("abCdeFgh", false), ("abCdEfGh", true), ("0123456789abcdef", true),
            ("a1b2c3d4e5f6g7h.png", false), ("a1b2c3d4e5f6g7h8.png", true),
            ("0123456789abcde", false), ("012345678901234a", true), ("0123456789012345", false),
        ])
    func loginCode(text: String, isCode: Bool) { #expect(ask(text, Randomness.isLoginCode) == isCode) }

    @Test(
        "as a one-time code: six to nine digits",
        arguments: [("12345", false), ("123456", true), ("123456789", true), ("1234567890", false), ("12345a", false)])
    func numericCode(text: String, isCode: Bool) { #expect(ask(text, Randomness.isNumericCode) == isCode) }
}
