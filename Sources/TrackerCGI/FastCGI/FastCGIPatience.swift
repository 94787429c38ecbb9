/// How long something has been waited for that comes, or goes, in pieces.
///
/// A piece alone gives no new time: a byte a second would hold a connection for ever. So many bytes do.
struct FastCGIPatience: Sendable {
    private var waited = 0
    private var waitsSince: Int?
    private var bytes = 0

    /// What has to move within one time limit.
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

    /// The clock runs.
    mutating func begin(now: Int) {
        if waitsSince == nil { waitsSince = now }
    }

    /// The clock stands still: it is not the other side that is waited for.
    mutating func pause(now: Int) {
        guard let since = waitsSince else { return }
        waited += max(0, now - since)
        waitsSince = nil
    }

    func isOver(_ milliseconds: Int, now: Int) -> Bool { left(milliseconds, now: now) < 0 }

    /// What is left of a time limit.
    func left(_ milliseconds: Int, now: Int) -> Int {
        milliseconds - waited - (waitsSince.map { now - $0 } ?? 0)
    }
}

/// How little is lost with a connection: the lower, the sooner it has to make room for another one.
enum ConnectionWorth: Int, Comparable {
    /// No request is under way.
    case idle
    /// A request is still arriving, and no handler knows of it.
    case unfinished
    /// A handler is at work.
    case busy

    static func < (left: ConnectionWorth, right: ConnectionWorth) -> Bool { left.rawValue < right.rawValue }
}

/// Which connections give way to new ones.
enum EvictionOrder {
    private struct Candidate {
        let connection: FastCGIConnection
        let worth: ConnectionWorth
        let lastActivity: Int

        func goesBefore(_ other: Candidate) -> Bool {
            if worth != other.worth { return worth < other.worth }
            if lastActivity != other.lastActivity { return lastActivity < other.lastActivity }
            // The one that was taken last may not have been read yet.
            return connection.token < other.connection.token
        }
    }

    /// Those on which no handler is at work: first the idle ones, and those that have been silent for longest.
    static func candidates(_ connections: [FastCGIConnection]) -> [FastCGIConnection] {
        connections
            .map { connection in
                let (worth, lastActivity) = connection.worth
                return Candidate(connection: connection, worth: worth, lastActivity: lastActivity)
            }
            .filter { $0.worth < .busy }
            .sorted { $0.goesBefore($1) }
            .map(\.connection)
    }
}
