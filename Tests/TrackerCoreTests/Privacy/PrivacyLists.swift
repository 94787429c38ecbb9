import Foundation
import TestSupport

@testable import TrackerCore

/// `Tests/Fixtures/privacy-lists.txt`: a separate copy of the filter's lists, so that removing an entry from a list
/// fails a test.
enum PrivacyLists {
    static let sections: [String: [String]] = {
        var sections: [String: [String]] = [:]
        var section = ""
        let file = Fixtures.directory.appending(path: "privacy-lists.txt")
        for line in ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n") {
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = String(line.dropFirst().dropLast())
            } else {
                sections[section, default: []].append(String(line))
            }
        }
        return sections
    }()

    static func names(_ meaning: SensitiveName.Meaning) -> [(word: String, place: SensitiveName.Place)] {
        [SensitiveName.Place.part, .ending, .anywhere, .whole].flatMap { place in
            (sections["name \(meaning) \(place)"] ?? []).map { ($0, place) }
        }
    }
}
