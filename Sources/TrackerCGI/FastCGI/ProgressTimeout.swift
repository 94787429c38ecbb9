/// Measures how long a peer takes to send or receive data that moves in pieces.
///
/// A single piece does not restart the time limit, because one byte a second would then hold a connection forever.
/// `minimumBytes` do.
struct ProgressTimeout: Sendable {
    private var waited = 0
    private var waitsSince: Int?
    private var bytes = 0

    /// Bytes that must move within one time limit.
    static let minimumBytes = 16 << 10

    init(now: Int? = nil) {
        waitsSince = now
    }

    mutating func moved(_ count: Int, now: Int) {
        bytes += count
        guard bytes >= Self.minimumBytes else { return }
        bytes = 0
        waited = 0
        if waitsSince != nil { waitsSince = now }
    }

    /// Starts the clock.
    mutating func begin(now: Int) {
        if waitsSince == nil { waitsSince = now }
    }

    /// Stops the clock while the peer is not being waited for.
    mutating func pause(now: Int) {
        guard let since = waitsSince else { return }
        waited += max(0, now - since)
        waitsSince = nil
    }

    func hasExpired(_ milliseconds: Int, now: Int) -> Bool { left(milliseconds, now: now) < 0 }

    /// Returns what is left of a time limit, in milliseconds.
    func left(_ milliseconds: Int, now: Int) -> Int {
        milliseconds - waited - (waitsSince.map { now - $0 } ?? 0)
    }
}

/// The cost of closing a connection: those with the lowest make room for new ones first.
enum EvictionPriority: Int, Comparable {
    /// No request is in progress.
    case idle
    /// A request is still arriving and has not reached a handler.
    case unfinished
    /// A handler is running, or data is being read or sent.
    case busy

    static func < (left: EvictionPriority, right: EvictionPriority) -> Bool { left.rawValue < right.rawValue }
}

/// Chooses the connections that make room for new ones.
enum EvictionOrder {
    private struct Candidate {
        let connection: FastCGIConnection
        let priority: EvictionPriority
        let lastActivity: Int

        func goesBefore(_ other: Candidate) -> Bool {
            if priority != other.priority { return priority < other.priority }
            if lastActivity != other.lastActivity { return lastActivity < other.lastActivity }
            // The newest one may not have been read yet.
            return connection.token < other.connection.token
        }
    }

    /// Returns the connections that are not busy: idle ones first, and of those the ones silent for longest.
    static func candidates(_ connections: [FastCGIConnection]) -> [FastCGIConnection] {
        connections
            .map { connection in
                let (priority, lastActivity) = connection.priority
                return Candidate(connection: connection, priority: priority, lastActivity: lastActivity)
            }
            .filter { $0.priority < .busy }
            .sorted { $0.goesBefore($1) }
            .map(\.connection)
    }
}
