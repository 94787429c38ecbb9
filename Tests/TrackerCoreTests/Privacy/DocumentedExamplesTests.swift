import Foundation
import Testing

@testable import TrackerCore

@Suite("The examples in Privacy.md")
struct DocumentedExamplesTests {
    /// The rows of the table after `<!-- examples -->`: what is sent, and what leaves.
    private static func examples() throws -> [(sent: String, leaves: String)] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/TrackerCore/Documentation.docc/Privacy.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let table = try #require(text.components(separatedBy: "<!-- examples -->\n").last)
        return table.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
            .prefix { $0.hasPrefix("|") }
            .map { row in
                let cells = row.components(separatedBy: "` | `")
                return (String(cells[0].dropFirst(3)), String(cells[cells.count - 1].dropLast(3)))
            }
    }

    @Test("are what the filter makes of them")
    func examples() throws {
        let examples = try Self.examples()
        #expect(examples.count >= 10)
        for (sent, leaves) in examples {
            if sent.hasPrefix("/") {
                #expect(FullURLTests.url(sent, privacy: .standard) == "http://h" + leaves)
                continue
            }
            let parts = sent.components(separatedBy: ": ")
            let name = parts[0]
            let value = parts.dropFirst().joined(separator: ": ")
            let headers = try #require(try PrivacyFilterTests.headers([(name, value)]))
            let variable = "HTTP_" + name.uppercased().replacing("-", with: "_")
            #expect(headers[variable].map { "\(name): \($0)" } == leaves)
        }
    }
}
