/// Tells which `Host` values can stand in a URL; remembers the last one, which is nearly always the next one, too.
struct UsableHost {
    private var last = ""
    /// Whether a router's request came without any host, as all do where its glue hands none over.
    private(set) var wasMissing = false

    /// `Host` as sent if it can stand in a URL, else the server's own name and port.
    mutating func authority(of snapshot: RequestSnapshot) -> String {
        if let host = snapshot.host ?? snapshot.headers.host {
            if isUsable(host) { return host }
        } else if snapshot.style == .router {
            wasMissing = true
        }
        return HostAndPort(snapshot.serverAuthority) != nil ? snapshot.serverAuthority : "localhost"
    }

    private mutating func isUsable(_ host: String) -> Bool {
        // Of one length in UTF-8, so that no character passes for the ASCII one that Unicode takes it for.
        if host.utf8.count == last.utf8.count, host == last { return !last.isEmpty }
        guard HostAndPort(host) != nil else { return false }
        last = host
        return true
    }
}
