import Testing

@testable import TrackerCore

@Suite("The cache of header names")
struct HeaderNamesTests {
    @Test("knows the names that were added, each spelling by itself, until it is emptied")
    func numbers() {
        var names = HeaderNames()
        names.begin(.router)
        // The last two differ only between the first and the last eight bytes.
        let all = ["A", "a", "Accept", "X-Forwarded-For", "X-Header-1-Of-These", "X-Header-2-Of-These"]
        let numbers = all.map { $0.withBytes { names.add($0, .keep) } }
        #expect(Set(numbers).count == all.count)
        names.begin(.router)
        for (name, number) in zip(all, numbers) { #expect(name.withBytes { names.number(of: $0) } == number) }
        for name in ["", "B", "accept", "X-Header-3-Of-These"] {
            #expect(name.withBytes { names.number(of: $0) } == nil, "\(name)")
        }
        // This style spells names differently.
        names.begin(.cgi)
        #expect(all.allSatisfy { $0.withBytes { names.number(of: $0) } == nil })
    }
}
