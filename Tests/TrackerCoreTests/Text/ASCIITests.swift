import Testing
import TrackerCore

@Suite("A class of ASCII characters")
struct ASCIITests {
    @Test("has the members of its grammar, and no others")
    func members() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        let classes: [(members: [UInt8], contains: (UInt8) -> Bool)] = [
            (Array("!#$%&'*+-.^_`|~0123456789\(letters)".utf8), { ASCII.isTokenByte($0) }),
            (Array(0..<0x20) + [0x7F], { ASCII.isControl($0) }),
            ([0x09] + Array(0x20..<0x7F) + Array(0x80...0xFF), { ASCII.isFieldByte($0) }),
            (Array(0x21..<0x7F), { ASCII.isVisible($0) }),
            (Array("0123456789abcdefABCDEF".utf8), { ASCII.isHexDigit($0) }),
        ]
        for (members, contains) in classes {
            #expect(Set((0...UInt8.max).filter(contains)) == Set(members))
        }
    }

    @Test("decides over a whole value as over each of its bytes", arguments: 0...UInt8.max)
    func value(byte: UInt8) {
        for length in [1, 15, 16, 17, 100] {
            for place in [0, length / 2, length - 1] {
                var bytes = [UInt8](repeating: UInt8(ascii: "v"), count: length)
                bytes[place] = byte
                #expect(bytes.withUnsafeBufferPointer(ASCII.isFieldValue) == ASCII.isFieldByte(byte))
            }
        }
        #expect([UInt8]().withUnsafeBufferPointer(ASCII.isFieldValue))
    }
}
