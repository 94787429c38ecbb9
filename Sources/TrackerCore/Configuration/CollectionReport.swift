extension TrackerConfiguration {
    /// What leaves the host under these settings: each field of an event, where it comes from, and how it is filtered.
    ///
    /// A table in Markdown, for a privacy review. The demos print it with `--describe`.
    public func collectionReport() -> String {
        guard !isDisabled else { return "Analytics are disabled: nothing is collected, and nothing leaves the host.\n" }
        var lines = [
            "One event for each request goes to \(backendEndpoint.url(projectID: projectID)); privacy: \(privacy.name).",
            "", "| field | where it comes from | how it is filtered |", "| --- | --- | --- |",
        ]
        for (field, source, treatment) in fields { lines.append("| `\(field)` | \(source) | \(treatment) |") }
        lines += ["", "Not collected: bodies of requests and responses, response headers other than `Set-Cookie`."]
        lines += [
            "", "Cookie: `\(SessionCookie.name)`, 128 random bits, `HttpOnly`, `SameSite=Lax`, without an expiry.",
        ]
        lines += notes.map { "\n\($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    private var fields: [(String, String, String)] {
        [
            ("project_token", "the configuration", "sent as it is: it identifies the project"),
            ("ra_tracker_version", "this package", "sent as it is"),
            ("view_name", "the route's or handler's name", "cut to \(EventLimit.viewNameBytes) bytes"),
            (
                "header_data", "the request's header fields, \(EventLimit.headers) at most",
                "\(Self.describe(privacy.headers)); cookies: \(Self.describe(privacy.cookies)); "
                    + "\(searching); clients' addresses: \(addresses); each value cut to \(EventLimit.headerValueBytes) bytes"
            ),
            (
                "full_url", "scheme, host, path and query of the request; forwarded headers: \(forwarded)",
                "query: \(Self.describe(privacy.queryParameters)); \(searching); cut to \(EventLimit.urlBytes) bytes"
            ),
            ("ra_session_id", "the session cookie, or the app's own session", "random; says nothing about the visitor"),
            ("time_request_received_ns", "the clock", "sent as it is"),
            ("processing_time_ns", "the clock", "sent as it is"),
            ("response_data.status_code", "the response", "sent as it is"),
            (
                "response_data.cookies",
                "routers: names and attributes of `Set-Cookie`, without values; CGI: the request's cookies",
                "values: \(Self.describe(privacy.cookies))"
            ),
        ] + (sampleRate < 1 ? [("sample_weight", "the sample rate of \(sampleRate)", "sent as it is")] : [])
    }

    private static func describe(_ rule: PrivacyPolicy.Rule) -> String {
        switch rule {
        case .off: "every value stays"
        case .denyList: "values of sensitive names become `\(PrivacyFilter.replacement)`"
        case .allowList(let names) where names.isEmpty: "every value becomes `\(PrivacyFilter.replacement)`"
        case .allowList(let names):
            "only these keep their values: \(names.map { $0.lowercased() }.sorted().joined(separator: ", "))"
        }
    }

    private var searching: String {
        privacy.searchesValues
            ? "tokens, cards, e-mail addresses and named secrets inside of values are replaced"
            : "values are not searched"
    }

    private var addresses: String {
        switch privacy.addresses {
        case .keep: "as sent"
        case .truncate: "cut to /24 and /48"
        case .omit: "left out"
        }
    }

    private var forwarded: String {
        switch trustedProxies {
        case .none: "not believed"
        case .count(let count): "believed from \(count) proxies"
        case .networks(let networks): "believed from \(networks.joined(separator: ", "))"
        }
    }

    private var notes: [String] {
        var notes: [String] = []
        if !privacy.terms.isEmpty {
            notes.append("Further sensitive terms: \(privacy.terms.sorted().joined(separator: ", ")).")
        }
        if !ignore.isEmpty { notes.append("Not tracked: requests that match one of \(ignore.count) rules.") }
        if honorsDoNotTrack { notes.append("Not tracked: visitors who send `DNT: 1` or `Sec-GPC: 1`.") }
        if beforeSend != nil { notes.append("The app's own `beforeSend` may change or drop each event first.") }
        if let spoolDirectory {
            notes.append(
                "Events that can't be delivered wait in \(spoolDirectory), filtered, readable by this user only.")
        }
        return notes
    }
}
