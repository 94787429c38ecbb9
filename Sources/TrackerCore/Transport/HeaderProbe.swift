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
