import Testing

@testable import TrackerCore

@Suite("An event's identifier")
struct EventIdentifierTests {
    /// The example of RFC 9562, appendix A.6.
    static let text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

    @Test("reads its text form, and writes it again")
    func roundTrip() throws {
        let identifier = try #require(EventIdentifier(text: Self.text))
        #expect(identifier.high == 0x017F_22E2_79B0_7CC3)
        #expect(identifier.low == 0x98C4_DC0C_0C07_398F)
        #expect(identifier.milliseconds == 1_645_557_742_000)
        #expect(identifier.text == Self.text)
        let made = EventIdentifierGenerator().next()
        #expect(EventIdentifier(text: made.text) == made)
    }

    @Test(
        "refuses what is no such text",
        arguments: [
            "", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
            "017f22e279b0-7cc3-98c4-dc0c0c07398f0", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
            "017f22e2-79b0-7cc3-98c4_dc0c0c07398f",
        ])
    func malformed(text: String) { #expect(EventIdentifier(text: text) == nil) }
}
