/// How the event handler behaves, and which faults it plays.
package struct ReceiverOptions: Sendable {
    /// Waits before each answer to an event.
    package var delayMilliseconds = 0
    /// The share of events that are answered with 503; 0 to 1.
    package var failRate = 0.0
    /// Answers every event with this status instead of 200.
    package var status: Int?
    /// The seconds in a `Retry-After` of each failing answer.
    package var retryAfter: Int?
    /// Whether several events in one request are offered (`Accept-Post`) and taken.
    package var takesBatches = true
    /// The token that events have to carry; nil: any.
    package var projectToken: String?
    /// How many events are kept for those who look at them.
    package var keep = 10_000
    /// Names under which the receiver is reached besides those of this machine, as through a tunnel.
    package var allowedHosts: [String] = []
    /// A folder to serve the page's files from instead of those in this program, for work on the page.
    package var pageFolder: String?

    package init() {}
}

/// What the event handler has counted.
package struct ReceiverStatistics: Sendable, Equatable {
    /// Events that came, whatever became of them.
    package var received = 0
    /// Events that were right and new.
    package var accepted = 0
    /// Events that were wrong.
    package var rejected = 0
    /// Requests that came a second time, by `Idempotency-Key`.
    package var duplicates = 0
    /// Connections so far.
    package var connections = 0
    /// Connections that are open now.
    package var openConnections = 0
    /// Requests with another token than the project's; `rejected` has them too.
    package var wrongToken = 0
    /// Why the last request was refused; never a token.
    package var lastRejection: String?
    /// Events that standard output did not take in time.
    package var notPrinted = 0
    /// Live pages that are open now.
    package var viewers = 0

    package init() {}

    package var json: String {
        "{\"received\": \(received), \"accepted\": \(accepted), \"rejected\": \(rejected), "
            + "\"duplicates\": \(duplicates), \"connections\": \(connections), \"open_connections\": \(openConnections), "
            + "\"wrong_token\": \(wrongToken), \"not_printed\": \(notPrinted), \"viewers\": \(viewers)}"
    }
}
