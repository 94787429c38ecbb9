/// Reads a `Cookie` field leniently, as the Python package's framework does: names without a value count as empty,
/// pairs without a name are passed over, quotes are taken off, the first of a name wins.
package enum RequestCookies {
    package static func parse(_ header: String) -> [(name: String, value: String)] {
        var cookies: [(name: String, value: String)] = []
        for part in header.split(separator: ";") {
            let equals = part.utf8.firstIndex(of: UInt8(ascii: "="))
            let name = part[..<(equals ?? part.endIndex)].trimmingSpaces()
            guard !name.isEmpty, !cookies.contains(where: { $0.name == name }) else { continue }
            var value = equals.map { part[part.utf8.index(after: $0)...].trimmingSpaces() } ?? ""
            if value.utf8.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
                value = String(value.dropFirst().dropLast())
            }
            cookies.append((name, value))
        }
        return cookies
    }
}
