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
