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
