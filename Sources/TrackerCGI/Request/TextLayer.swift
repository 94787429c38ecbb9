import TrackerCore

// What reads bytes of requests exists once, in TrackerCore; these are its names here.

typealias PercentEncoding = TrackerCore.PercentEncoding
typealias TextDecoding = TrackerCore.TextDecoding

/// Reads a `Cookie` header into a dictionary.
enum CookieParser {
    static func parse(_ header: some Collection<UInt8>) -> [String: String] {
        Dictionary(CookieReader.parse(header).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
}
