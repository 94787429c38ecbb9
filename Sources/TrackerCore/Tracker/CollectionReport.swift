extension TrackerConfiguration {
    /// Describes what leaves the host under these settings: each field of an event, its source, and how it is filtered.
    ///
    /// A Markdown table, for a privacy review. The demos print it with `--describe`.
    public func collectionReport() -> String {
        guard !isDisabled else { return "Analytics are disabled: nothing is collected, and nothing leaves the host.\n" }
        var lines = [
            "One event for each request goes to \(backendEndpoint.url(projectID: projectID)); privacy: \(privacy.name).",
            "", "| field | source | filtering |", "| --- | --- | --- |",
        ]
        for (field, source, treatment) in fields { lines.append("| `\(field)` | \(source) | \(treatment) |") }
        lines += ["", "Not collected: bodies of requests and responses, response headers other than `Set-Cookie`."]
        lines += [
            "", "Cookie: `\(SessionCookie.name)`, 128 random bits, `HttpOnly`, `SameSite=Lax`, without an expiry.",
        ]
        lines += notes.map { "\n\($0)" }
        if privacy.searchesValues { lines += ["", "What the filter looks for, by family:", ""] + rules }
        return lines.joined(separator: "\n") + "\n"
    }

    private var fields: [(String, String, String)] {
        [
            ("project_token", "the configuration", "sent as is: it identifies the project"),
            ("event_type", "always `page_view`", "sent as is"),
            ("ra_tracker_version", "this package", "sent as is"),
            ("view_name", "the route's or handler's name", "cut to \(EventLimit.viewNameBytes) bytes"),
            (
                "header_data", "the request's header fields, \(EventLimit.headers) at most",
                "\(Self.describe(privacy.headers)); cookies: \(Self.describe(privacy.cookies)); "
                    + "\(searching); clients' addresses: \(addresses); each value cut to \(EventLimit.headerValueBytes) bytes"
            ),
            (
                "full_url", "scheme, host, path and query of the request; forwarded headers: \(forwarded)",
                "path: \(pathSegments); query: \(Self.describe(privacy.queryParameters)); \(searching); "
                    + "cut to \(EventLimit.urlBytes) bytes"
            ),
            ("ra_session_id", "the session cookie, or the app's own session", "random; says nothing about the visitor"),
            ("time_request_received_ns", "the clock", "sent as is"),
            ("processing_time_ns", "the clock", "sent as is"),
            ("response_data.status_code", "the response", "sent as is"),
            (
                "response_data.cookies",
                "routers: names and attributes of `Set-Cookie`, without values; CGI: the request's cookies",
                "values: \(Self.describe(privacy.cookies))"
            ),
        ] + (sampleRate < 1 ? [("sample_weight", "the sample rate of \(sampleRate)", "sent as is")] : [])
    }

    /// The filter's rules by family, with their number and sources.
    private var rules: [String] {
        var lines = ["| family | what | count | source |", "| --- | --- | --- | --- |"]
        for (family, formats) in SecretFormat.families {
            let names = formats.prefix(4).map(\.name).joined(separator: ", ")
            lines.append(
                "| keys: \(family) | by prefix, alphabet, length and check: \(names) ... | \(formats.count) | \(sources(formats.map(\.source))) |"
            )
        }
        var families: [String] = []
        for name in SensitiveName.all where !families.contains(name.family) { families.append(name.family) }
        for family in families {
            let names = SensitiveName.all.filter { $0.family == family }
            let words = names.flatMap(\.words)
            let meaning = names.first?.meaning == .harmless ? "values are kept" : "values are replaced"
            lines.append(
                "| names: \(family) | \(meaning): \(words.prefix(4).joined(separator: ", ")) ... | \(words.count) "
                    + "| \(sources(names.map(\.source))) |")
        }
        let paths = SensitivePath.words
        lines.append(
            "| paths | a random segment after \(paths.prefix(4).joined(separator: ", ")) ... | \(paths.count) | frameworks |"
        )
        let kept = PersonalData.named.filter { privacy.kept.contains($0.kind) }.map(\.name)
        let found = PersonalData.named.filter { !privacy.kept.contains($0.kind) }.map(\.name)
        lines.append(
            "| personal data | replaced: \(found.isEmpty ? "none" : found.joined(separator: ", ")); kept: "
                + "\(kept.isEmpty ? "none" : kept.joined(separator: ", ")) | \(found.count) | RFC 5321, E.164, ISO 13616, ISO/IEC 7812 |"
        )
        return lines
    }

    private func sources(_ all: [String]) -> String {
        var sources: [String] = []
        for source in all where !sources.contains(source) { sources.append(source) }
        return sources.prefix(3).joined(separator: "; ") + (sources.count > 3 ? "; ..." : "")
    }

    private static func describe(_ rule: PrivacyPolicy.Rule) -> String {
        switch rule {
        case .off: "every value is kept"
        case .denyList: "values of sensitive names become `\(PrivacyFilter.replacement)`"
        case .allowList(let names) where names.isEmpty: "every value becomes `\(PrivacyFilter.replacement)`"
        case .allowList(let names):
            "only these keep their values: \(names.map { $0.lowercased() }.sorted().joined(separator: ", "))"
        }
    }

    private var searching: String {
        privacy.searchesValues
            ? "keys, tokens, personal data and named secrets inside values are replaced where recognized"
            : "values are not searched"
    }

    private var pathSegments: String {
        switch privacy.pathSegments {
        case .searched: privacy.searchesValues ? "random segments after words such as reset are replaced" : "as sent"
        case .harmless: "plain words and numbers of up to nine digits are kept"
        case .template: "the route's template, else plain words and numbers of up to nine digits"
        }
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
        case .none: "not trusted"
        case .count(let count): "trusted from \(count) proxies"
        case .networks(let networks): "trusted from \(networks.joined(separator: ", "))"
        }
    }

    private var notes: [String] {
        var notes: [String] = []
        if !privacy.terms.isEmpty {
            notes.append("Further sensitive terms: \(privacy.terms.sorted().joined(separator: ", ")).")
        }
        if !privacy.paths.isEmpty {
            notes.append("Paths whose `*` segments are replaced: \(privacy.paths.sorted().joined(separator: ", ")).")
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
