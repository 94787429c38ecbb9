import TrackerCore

/// Session ids and cookies: the only text parsed while a request is served.
enum SessionBenchmark {
    static func run() -> Table {
        var table = Table("Session ids and cookies", columns: ["operation", "median of 5 rounds", "allocations"])
        let cookies = SampleRequest().headers.first { $0.name == "Cookie" }?.value ?? ""
        let foreign = "a=1; b=2; c=3; theme=dark; consent=analytics%3Dyes; PHPSESSID=abcdefghijklmnop"
        let session = SessionIdentifier()
        let text = session.description
        let headers = SampleRequest().headers
        let results = Operation.measure(
            100_000,
            [
                ("a new id, from the system's generator", { use(SessionIdentifier()) }),
                ("an id from 32 hex digits", { use(SessionIdentifier(text)) }),
                ("an id as text", { use(session.description) }),
                ("the id out of a Cookie field", { use(SessionCookie.read(from: cookies)) }),
                ("a Cookie field without one", { use(SessionCookie.read(from: foreign)) }),
                ("a Set-Cookie value", { use(SessionCookie.setCookie(session, isSecure: true)) }),
                ("all cookies of a Cookie field (delivery thread)", { use(CookieReader.parse(cookies.utf8)) }),
                ("15 header fields taken over", { use(RequestHeaders(headers)) }),
            ])
        for (name, result) in results {
            table.add(name, time(result.nanoseconds), Allocations.text(result.allocations))
        }
        return table
    }
}
