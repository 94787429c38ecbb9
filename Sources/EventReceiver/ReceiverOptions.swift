/// The event handler's options, and the faults it simulates.
package struct ReceiverOptions: Sendable {
    /// The delay before each response to an event.
    package var delayMilliseconds = 0
    /// The share of requests that are answered with 503; 0 to 1.
    package var failRate = 0.0
    /// The status of every response to an event, instead of 200.
    package var status: Int?
    /// The `Retry-After` of each failing response, in seconds.
    package var retryAfter: Int?
    /// Whether batches, several events in one request, are offered (`Accept-Post`) and accepted.
    package var takesBatches = true
    /// The token that events must carry; nil for any.
    package var projectToken: String?
    /// How many events are kept for readers.
    package var keep = 10_000
    /// Host names to accept besides this machine's own, for example a tunnel's.
    package var allowedHosts: [String] = []
    /// A folder from which the page's files are served instead of the embedded ones, for work on the page.
    package var pageFolder: String?

    package init() {}
}

/// The event handler's counters.
package struct ReceiverStatistics: Sendable, Equatable {
    /// Events received, valid or not.
    package var received = 0
    /// Events that were valid and new.
    package var accepted = 0
    /// Requests that were rejected.
    package var rejected = 0
    /// Requests whose `Idempotency-Key` had been seen before.
    package var duplicates = 0
    /// Connections accepted so far.
    package var connections = 0
    /// Open connections.
    package var openConnections = 0
    /// Requests with a wrong project token; `rejected` includes them.
    package var wrongToken = 0
    /// Why the last request was rejected; never contains a token.
    package var lastRejection: String?
    /// Events that were not printed because standard output was too slow.
    package var notPrinted = 0
    /// Open live pages.
    package var viewers = 0

    package init() {}

    package var json: String {
        "{\"received\": \(received), \"accepted\": \(accepted), \"rejected\": \(rejected), "
            + "\"duplicates\": \(duplicates), \"connections\": \(connections), \"open_connections\": \(openConnections), "
            + "\"wrong_token\": \(wrongToken), \"not_printed\": \(notPrinted), \"viewers\": \(viewers)}"
    }
}
