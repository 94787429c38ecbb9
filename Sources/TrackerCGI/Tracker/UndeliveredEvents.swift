import TrackerCore

/// How many events a CGI program has lost, or left in the spool, since it last logged this; stored in a file.
///
/// The child processes that deliver events can't write to the web server's log. A later run of the program can.
struct UndeliveredEvents: Equatable, Sendable {
    /// What would prevent the loss.
    enum Remedy: String, Sendable {
        /// A spool.
        case spool
        /// Nothing that the reason does not already say.
        case none
    }

    private(set) var lost = 0
    /// Events that wait in the spool.
    private(set) var spooled = 0
    /// When delivery of the first of them failed, in seconds since 1970-01-01 UTC.
    private(set) var since: Int64 = 0
    /// When the log last reported them, in milliseconds of the monotonic clock, which all processes share. 0: never.
    private(set) var saidAt: UInt64 = 0
    private(set) var remedy = Remedy.none
    /// Why delivery of the last one failed: one line.
    private(set) var reason = ""

    /// Milliseconds between two reports.
    static let interval: UInt64 = 60_000
    /// The length of ``bytes``.
    static let encodedBytes = 512
    private static let maximumReasonBytes = 400
    private static let version = "2"

    init() {}

    var isEmpty: Bool { lost == 0 && spooled == 0 }

    /// Counts events that were lost.
    ///
    /// - Parameter now: seconds since 1970-01-01 UTC.
    mutating func addLost(_ count: Int, because reason: String, remedy: Remedy, now: Int64) {
        add(count, to: \.lost, reason, now)
        self.remedy = remedy
    }

    /// Counts events that could not be delivered and are in the spool.
    ///
    /// - Parameter now: seconds since 1970-01-01 UTC.
    mutating func addSpooled(_ count: Int, because reason: String, now: Int64) {
        add(count, to: \.spooled, reason, now)
    }

    private mutating func add(_ count: Int, to total: WritableKeyPath<Self, Int>, _ reason: String, _ now: Int64) {
        if isEmpty { since = now }
        let (sum, isTooLarge) = self[keyPath: total].addingReportingOverflow(count)
        self[keyPath: total] = isTooLarge ? .max : sum
        self.reason = Self.line(reason)
    }

    /// Returns what to log now and resets the counts; nil if there is nothing to report, or the last report is less than
    /// a minute old.
    ///
    /// - Parameter now: milliseconds of the monotonic clock.
    mutating func takeMessage(now: UInt64) -> String? {
        // The clock restarts when the machine does, and the file may outlive that.
        guard !isEmpty, saidAt == 0 || now < saidAt || now - saidAt >= Self.interval else { return nil }
        func events(_ count: Int) -> String { "\(count) \(count == 1 ? "event" : "events")" }
        var counts = lost > 0 ? "\(events(lost)) lost" : ""
        if spooled > 0 {
            counts += (counts.isEmpty ? "" : ", ") + "\(events(spooled)) left in the spool for later requests"
        }
        var message =
            "\(counts) since \(HTTPDate.format(since))" + (reason.isEmpty ? "" : " (the last one: \(reason))")
        if lost > 0, remedy == .spool {
            message += "; set RA_SPOOL_DIRECTORY to keep undelivered events for a later request"
        }
        self = UndeliveredEvents()
        saidAt = max(1, now)
        return message
    }

    // MARK: File format

    /// The file's contents, of fixed length so that one write replaces them.
    var bytes: [UInt8] {
        var text = Array("\(Self.version) \(lost) \(spooled) \(since) \(saidAt) \(remedy.rawValue) \(reason)".utf8)
        text += [UInt8](repeating: UInt8(ascii: " "), count: max(0, Self.encodedBytes - 1 - text.count))
        return text + [UInt8(ascii: "\n")]
    }

    /// Parses ``bytes``. Anything else counts as nothing to report.
    init(bytes: [UInt8]) {
        let words = bytes.split(separator: UInt8(ascii: " "), maxSplits: 6, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 7, words[0] == Self.version, let lost = Int(words[1]), lost >= 0,
            let spooled = Int(words[2]), spooled >= 0,
            let since = Int64(words[3]), (0...253_402_300_799).contains(since), let saidAt = UInt64(words[4]),
            let remedy = Remedy(rawValue: words[5])
        else { return }
        self.lost = lost
        self.spooled = spooled
        self.since = since
        self.saidAt = saidAt
        self.remedy = remedy
        reason = Self.line(words[6])
    }

    /// Returns one line of bounded length, without control characters and trailing spaces.
    private static func line(_ text: String) -> String {
        var bytes = text.utf8.prefix(maximumReasonBytes).map { ASCII.isControl($0) ? UInt8(ascii: " ") : $0 }
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        // A truncated character would grow when it is decoded.
        while !bytes.isEmpty, String(validating: bytes, as: UTF8.self) == nil { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
