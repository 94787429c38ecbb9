import CCurl
import CLibrary

/// The header lines that all requests share, chained once as libcurl wants them. A request's own line is put in front
/// of one of the chains.
final class HTTPHeaderLines {
    // Made in init, given back in deinit, and never changed between: libcurl reads them while requests are under way.
    private let nodes: UnsafeMutablePointer<ccurl_list>
    private static let texts = [
        // An empty "Expect:" keeps libcurl from waiting for "100 Continue" before larger bodies.
        "Expect:", "Content-Type: \(DeliveryPayload.jsonType)", "Content-Type: \(DeliveryPayload.linesType)",
        "Content-Encoding: gzip",
    ]

    init() {
        nodes = .allocate(capacity: Self.texts.count)
        // expect <- json, expect <- lines <- gzip
        let next: [UnsafeMutablePointer<ccurl_list>?] = [nil, nodes, nodes, nodes + 2]
        for (index, text) in Self.texts.enumerated() {
            (nodes + index).initialize(to: ccurl_list(data: strdup(text), next: next[index]))
        }
    }

    deinit {
        for index in Self.texts.indices { free(nodes[index].data) }
        nodes.deallocate()
    }

    func lines(isLines: Bool, isGzip: Bool) -> UnsafeMutablePointer<ccurl_list> {
        nodes + (isLines ? (isGzip ? 3 : 2) : 1)
    }
}

/// Reads what a backend or a configuration may say, so that fuzzers can reach the readers and nothing else.
package enum HeaderProbe {
    package static func read(_ text: String) -> Int {
        let after = RetryAfter.parse(text, now: 0)
        let cookie = SetCookieAttributes(text)
        let host = HostAndPort(text)
        let addresses = ClientAddresses.truncated(text)
        let endpoint = BackendEndpoint(text)
        let proxies = TrustedProxies(text: text)
        let offers = HTTPAnswer.offersGzip(text)
        return [after != nil, cookie != nil, host != nil, endpoint != nil, proxies != nil, offers].count { $0 }
            + addresses.utf8.count
    }
}
