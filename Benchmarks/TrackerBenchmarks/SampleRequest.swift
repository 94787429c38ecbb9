import TrackerCore

/// A browser's request with 15 header fields and the session cookie; its event is about 1.2 KB.
final class SampleRequest: Sendable {
    let target = "/hello/x/?utm_source=newsletter&utm_medium=email&page=2"
    let headers: [(name: String, value: String)] = [
        ("Host", "www.example.com"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Referer", "https://www.example.org/articles/2026/11/a-long-title-of-an-article?ref=front&pos=3"),
        ("DNT", "1"),
        ("Sec-GPC", "1"),
        ("Connection", "keep-alive"),
        ("Cookie", "theme=dark; ra_session_id=00112233445566778899aabbccddeeff; consent=analytics%3Dyes"),
        ("Upgrade-Insecure-Requests", "1"),
        ("Sec-Fetch-Dest", "document"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Site", "cross-site"),
        ("If-None-Match", "W/\"5f3c-18b2c4d1e00\""),
    ]

    var snapshot: RequestSnapshot {
        RequestSnapshot(
            method: "GET", target: target, scheme: "http", serverAuthority: "127.0.0.1:8080",
            headers: RequestHeaders(headers), remoteAddress: "127.0.0.1")
    }
}

extension SampleRequest {
    /// Requests of that many visitors, no two with the same path, referrer, cookies or browser version.
    static func visitors(_ count: Int) -> [RequestSnapshot] {
        let sample = SampleRequest()
        return (0..<count).map { number in
            let headers = sample.headers.map { field in
                // A string of its own, as a server creates for each request.
                var value = String(decoding: Array(field.value.utf8), as: UTF8.self)
                switch field.name {
                case "User-Agent": value += " Build/\(number &* 7919)"
                case "Referer": value += "&visit=\(number &* 104_729)"
                case "Cookie": value = "theme=t\(number); ra_session_id=\(SessionIdentifier()); consent=c\(number)"
                case "If-None-Match": value = "W/\"\(number &* 15_485_863)\""
                default: break
                }
                return (name: String(decoding: Array(field.name.utf8), as: UTF8.self), value: value)
            }
            return RequestSnapshot(
                method: "GET", target: "/hello/visitor-\(number)/?page=\(number)&utm_source=newsletter", scheme: "http",
                serverAuthority: "127.0.0.1:8080", headers: RequestHeaders(headers), remoteAddress: "127.0.0.1")
        }
    }
}

struct SampleResponse: Sendable {
    var status = 200
    var cookies: [String] = []
}
