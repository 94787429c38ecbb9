import Testing

@testable import TrackerCore

@Suite("JSON writer")
struct JSONWriterTests {
    private func written(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("writes an integer of any size as its decimal digits")
    func integers() {
        var values: [Int64] = [.min, .max, 0]
        var power: Int64 = 1
        for _ in 0..<19 {
            values += [power - 1, power, power + 1, -power, power / 2 * 9]
            power = power.multipliedReportingOverflow(by: 10).partialValue
        }
        values += (0..<64).map { Int64.random(in: .min ... .max) >> Int64($0) }
        for value in values {
            #expect(written { $0.integer(value) } == "\(value)")
        }
        #expect(written { $0.integer(UInt64.max) } == "\(UInt64.max)")
    }

    @Test("escapes a character wherever it stands, and copies the rest", arguments: 0...40)
    func escapes(length: Int) {
        let escapes: [(Character, String)] = [("\"", "\\\""), ("\\", "\\\\"), ("\n", "\\n"), ("\u{1}", "\\u0001")]
        let plain = String(repeating: "aé", count: length).prefix(length)
        #expect(written { $0.content(String(plain)) } == plain)
        for position in 0..<length {
            for (character, escape) in escapes {
                var text = Array(plain)
                text[position] = character
                let expected = plain.prefix(position) + escape + plain.dropFirst(position + 1)
                #expect(written { $0.content(String(text)) } == expected)
            }
        }
    }
}
